"""Virtual time: an event loop that never waits, and in which the same seed always leads to the same schedule."""

import asyncio
import gc
import itertools
import random
import time
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from typing import Any, Final, TypeVar, cast

T = TypeVar("T")

STEPS_MAX: Final = 50_000
"""Turns of the loop after which a schedule counts as one that never ends."""


class Stuck(Exception):
    """Nobody will ever do anything again, or somebody does something for ever and no time passes."""


class _Task(asyncio.Task[T]):
    """A task that hashes to its number: sets of tasks are walked through in the same order in every run."""

    numbers = itertools.count()

    def __init__(self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> None:
        self._number = next(self.numbers)
        super().__init__(work, loop=loop)

    def __hash__(self) -> int:
        return self._number

    def __eq__(self, other: object) -> bool:
        return self is other


class Loop(asyncio.BaseEventLoop):
    """Instead of waiting for the next timer it moves the clock there; nothing from outside can wake it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.steps = 0
        self._selector = self
        self.set_task_factory(cast("Any", _Task))

    def time(self) -> float:
        """Return the moment."""
        return self.now

    def select(self, timeout: float | None) -> list[object]:
        """Let time pass to the next timer; asyncio calls this where it would wait."""
        self.steps += 1
        if timeout is None or self.steps > STEPS_MAX:
            raise Stuck(f"after {self.steps} steps, at {self.now:.3f} s")
        self.now += timeout
        return []

    def _process_events(self, event_list: list[object]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """There is nothing to be woken."""


@contextmanager
def virtual_time(seed: int) -> Generator[Loop]:
    """Run what is inside on a loop of its own; clock and randomness of the process follow it meanwhile."""
    loop = Loop()
    monotonic, state = time.monotonic, random.getstate()
    was_collecting = gc.isenabled()
    # A collector that runs whenever it likes would end forgotten generators at other moments in another run.
    gc.disable()
    _Task.numbers = itertools.count()
    random.seed(seed)
    time.monotonic = loop.time
    try:
        yield loop
    finally:
        time.monotonic = monotonic
        random.setstate(state)
        loop.close()
        if was_collecting:
            gc.enable()


def run(seed: int, work: Coroutine[Any, Any, T]) -> T:
    """Run one coroutine to its end under virtual time."""
    with virtual_time(seed) as loop:
        try:
            return loop.run_until_complete(work)
        finally:
            _end_what_is_left(loop)


def _end_what_is_left(loop: Loop) -> None:
    left = sorted(asyncio.all_tasks(loop), key=hash)
    for task in left:
        task.cancel()
    if left:
        loop.steps = 0
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
