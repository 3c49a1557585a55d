"""Chance, and what becomes of processes: how long everything takes, who dies, who stands still, and a trace of all."""

import asyncio
import hashlib
import random
from collections.abc import Callable, Coroutine
from typing import Any, Final

LATENCY_SECONDS_MAX: Final = 0.02
DYING_SECONDS_MAX: Final = 60


class Nature:
    """The one source of chance of a schedule, and its trace."""

    def __init__(self, seed: int, *, keeps_trace: bool = False) -> None:
        self.random = random.Random(seed)  # noqa: S311  # no secret
        self.lines: list[str] | None = [] if keeps_trace else None
        self.alarms: list[str] = []
        """What readers have told operators."""
        self._digest = hashlib.blake2b(digest_size=8)

    def note(self, *facts: object) -> None:
        """Add a line to the trace."""
        line = f"{asyncio.get_running_loop().time():.6f} {' '.join(map(str, facts))}"
        self._digest.update(line.encode())
        if self.lines is not None:
            self.lines.append(line)

    @property
    def trace(self) -> str:
        """Return the hash of everything that happened so far."""
        return self._digest.hexdigest()

    def latency(self) -> float:
        """Return how long something takes: mostly little, sometimes long."""
        chance = self.random.random()
        return chance * LATENCY_SECONDS_MAX if chance < 0.98 else chance * self.random.random()

    def is_so(self, probability: float) -> bool:
        """Decide."""
        return self.random.random() < probability


class ProcessGone(ConnectionError):
    """The process that asked was killed: nobody hears the answer."""


class Process:
    """One process of the suite; what it has under way at the outside outlives it."""

    def __init__(self, nature: Nature, name: str) -> None:
        self.nature = nature
        self.name = name
        self.is_alive = True
        self._goes_on = asyncio.Event()
        self._goes_on.set()
        self._task: asyncio.Task[Any] | None = None
        self._at_death: dict[object, Callable[[], None]] = {}

    def start(self, work: Coroutine[Any, Any, Any]) -> None:
        """Let it run."""
        self._task = asyncio.get_running_loop().create_task(work)

    @property
    def failure(self) -> BaseException | None:
        """What it ended with, if it ended by itself."""
        task = self._task
        return task.exception() if task is not None and task.done() and not task.cancelled() else None

    def at_death(self, owner: object, act: Callable[[], None]) -> None:
        """Have something done at once when it is killed, as the server's end of a connection notices it."""
        self._at_death[owner] = act

    def forget(self, owner: object) -> None:
        """Take back what was to be done at death."""
        self._at_death.pop(owner, None)

    async def takes(self) -> None:
        """Let as much time pass as something at the outside takes."""
        await asyncio.sleep(self.nature.latency())
        await self.looks()

    async def looks(self) -> None:
        """Wait while the process is stopped; end where it was killed."""
        if not self._goes_on.is_set():
            await self._goes_on.wait()
        if not self.is_alive:
            raise ProcessGone(self.name)

    def stop(self) -> None:
        """Send SIGSTOP."""
        self._goes_on.clear()

    def go_on(self) -> None:
        """Send SIGCONT."""
        self._goes_on.set()

    async def kill(self) -> None:
        """Send SIGKILL: connections are cut before anything can be tidied up."""
        self.is_alive = False
        for act in list(self._at_death.values()):
            act()
        self._goes_on.set()
        if self._task is not None:
            self._task.cancel()
            done, _ = await asyncio.wait([self._task], timeout=DYING_SECONDS_MAX)
            assert done, f"{self.name} goes on though it was cancelled"
            if not self._task.cancelled():
                # It noticed by itself; somebody has to look, or asyncio complains.
                self._task.exception()
