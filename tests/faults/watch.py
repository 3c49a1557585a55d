"""How late every read model is: heads and checkpoints as the databases hold them, looked at several times a second."""

import asyncio
import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from rapport_chassis.service import find_services
from rapport_events.database import Connection
from tests.faults.house import House
from tests.system.suites import OWNERS

LATE_SECONDS: Final = 1.0
"""A read model that shows all that was recorded this long ago has recovered."""
_LOOK_SECONDS: Final = 0.2
_REMEMBERED: Final = 900

Line = tuple[str, int, int]
"""Source, era and partition."""
Heads = Mapping[Line, int]


@dataclass(slots=True)
class Watch:
    """Looks at a house until it is cancelled."""

    house: House
    late_seconds: float = 0.0
    """For how long something recorded has been missing somewhere; grows while nothing can be seen."""
    late: Sequence[str] = ()
    """Who is late."""
    looked_at: float = 0.0
    """When the databases answered last; monotonic."""
    is_open: bool = False
    """Whether every ledger takes facts."""
    trouble: str = ""
    """Why the last look failed, if it did."""
    _seen: list[tuple[float, Heads]] = field(default_factory=list[tuple[float, Heads]])
    _connections: dict[str, Connection] = field(default_factory=dict[str, Connection])

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        try:
            while True:
                began = time.monotonic()
                try:
                    async with asyncio.timeout(5):
                        await self._look()
                    self.trouble = ""
                except Exception as error:  # noqa: BLE001  # a client may fail in any way while its server is killed
                    await self._hang_up()
                    self.is_open, self.trouble = False, repr(error)
                await asyncio.sleep(max(0.02, _LOOK_SECONDS - (time.monotonic() - began)))
        finally:
            await self._hang_up()

    async def _look(self) -> None:
        heads: dict[Line, int] = {}
        now, is_open = time.monotonic(), True
        for service in OWNERS:
            row = await (await self._connection(service)).fetchrow("SELECT era, is_open, heads FROM ledger_state()")
            assert row is not None
            is_open = is_open and bool(row["is_open"])
            heads |= {(service, row["era"], partition): head for partition, head in enumerate(row["heads"])}
        self._seen = [*self._seen[-_REMEMBERED:], (now, heads)]
        waits: dict[str, float] = {}
        for service in OWNERS:
            waits |= await self._waits(service)
        self.late_seconds = max(waits.values(), default=0.0)
        self.late = sorted(name for name, seconds in waits.items() if seconds > LATE_SECONDS)
        self.is_open, self.looked_at = is_open, now

    async def _waits(self, service: str) -> dict[str, float]:
        """Return for each reader of a service since when something is missing there."""
        connection = await self._connection(service)
        rows = await connection.fetch("SELECT reader, source, era, partition, position FROM checkpoints")
        live = await connection.fetch("SELECT model, reader FROM rebuilds WHERE state = 'live'")
        at: dict[str, dict[Line, int]] = {}
        for row in rows:
            at.setdefault(row["reader"], {})[row["source"], row["era"], row["partition"]] = row["position"]
        reader_of = {row["model"]: row["reader"] for row in live}
        (found,) = find_services([service])
        return {
            f"{service}: {view.reader}": self._wait(at.get(reader_of.get(view.model, view.reader), {}), view.sources)
            for view in found.views
        }

    def _wait(self, at: Mapping[Line, int], sources: Sequence[str]) -> float:
        """Return for how long a reader has missed something: since the oldest heads that it has not reached."""

        def misses(seen: tuple[float, Heads]) -> bool:
            return any(at.get(line, 0) < head for line, head in seen[1].items() if line[0] in sources)

        newest = self._seen[-1]
        if not misses(newest):
            return 0.0
        oldest = bisect_left(self._seen, True, key=misses)  # noqa: FBT003  # what is looked for is the answer
        return newest[0] - self._seen[oldest][0]

    async def _connection(self, service: str) -> Connection:
        found = self._connections.get(service)
        if found is None or found.is_closed():
            found = self._connections[service] = await self.house.connect(service)
        return found

    async def _hang_up(self) -> None:
        for connection in self._connections.values():
            connection.terminate()
        self._connections.clear()
