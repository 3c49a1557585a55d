"""The load: callers of several tenants at work until they are told to stop, no faster than was agreed."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from rapport_cli.launching.ports import CONSOLE
from rapport_cli.verifying.history import History, Told, read_history
from tests.faults.callers import Caller, Counts
from tests.faults.house import House
from tests.faults.wishes import Person
from tests.system.client import Client
from tests.system.suites import OWNERS

TENANTS: Final = ("acme", "globex", "initech")
CALLERS_PER_TENANT: Final = 4
_PEOPLE: Final = 20
_SHARED: Final = 5
_DOOR_EACH: Final = 4
"""Every so many callers one comes in by the public door."""


@dataclass(slots=True)
class Load:
    """What callers do, and its history on disk."""

    house: House
    file: Path
    seed: int
    per_second: float
    """Commands, of all callers together."""
    batch_max: int = 100
    """How many commands a caller sends together at most."""
    counts: Counts = field(default_factory=Counts)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _due_at: float = 0.0

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Keep callers at work; at the end each finishes what it has begun."""
        async with AsyncExitStack() as stack:
            history = History(stack.enter_context(self.file.open("w", encoding="utf-8")))
            async with asyncio.TaskGroup() as group:
                for number in range(len(TENANTS) * CALLERS_PER_TENANT):
                    caller = await self._caller(stack, history, number)
                    group.create_task(self._work(caller))
                try:
                    yield
                finally:
                    self._stopping.set()

    def told(self) -> Told:
        """Return the history."""
        with self.file.open(encoding="utf-8") as lines:
            return read_history(lines)

    async def _caller(self, stack: AsyncExitStack, history: History, number: int) -> Caller:
        tenant = TENANTS[number % len(TENANTS)]
        urls = dict(self.house.urls)
        if number % _DOOR_EACH == 0:
            urls = {name: f"{urls[CONSOLE]}/api/{name}" for name in OWNERS}
        name = f"c{number}"
        return Caller(
            name,
            tenant,
            await stack.enter_async_context(Client(urls, self.house.token(tenant))),
            history,
            self.counts,
            Random(f"{self.seed} {name}"),  # noqa: S311  # a repeatable load, no secret
            people=[Person(f"{name}-{n}") for n in range(_PEOPLE)],
            shared=[Person(f"{tenant}-{n}") for n in range(_SHARED)],
            batch_max=self.batch_max,
        )

    async def _work(self, caller: Caller) -> None:
        while not self._stopping.is_set():
            now = time.monotonic()
            if self._due_at > now:
                await asyncio.sleep(self._due_at - now)
                continue
            commands = await caller.turn()
            # What could not be wished during a fault is not made up for afterwards.
            self._due_at = max(self._due_at, time.monotonic() - 1) + commands / self.per_second
