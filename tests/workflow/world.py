"""Workflow without a broker: facts of others, its own facts as they come back, and a clock that is moved by hand."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from rapport_events.codec import decode
from rapport_events.contracts.base import Event
from rapport_events.database import Pool
from rapport_events.envelope import Recorded
from rapport_events.ids import PARTITIONS, partition_of_stream
from rapport_events.keyring import Keyring, SealKey
from rapport_events.ledger import StreamAppend
from rapport_events.memory_keyring import MemoryKeyring
from rapport_events.postgres_ledger import PostgresLedger
from rapport_events.reactions import Cause, caused_append
from rapport_events.reader import ViewReader
from rapport_events.testing import ANN, NOON, TENANT, Lines, VirtualClock, arrived
from rapport_events.timers import fire_all
from rapport_workflow.app import service

CASE = UUID("01920000-0000-7000-8000-00000000001f")
SOURCES = ("contacts", "interactions", "workflow", "analytics")


@dataclass(slots=True)
class World:
    """What has happened, and what workflow made of it."""

    keeper: Pool
    readers: Sequence[ViewReader]
    keyring: Keyring
    clock: VirtualClock = field(default_factory=VirtualClock)
    lines: Lines = field(default_factory=Lines)
    foreign: list[Recorded] = field(default_factory=list[Recorded])

    async def hear(
        self,
        event: Event,
        *,
        stream: str = f"case-{CASE}",
        subject: UUID = ANN,
        at: datetime | None = None,
        key: SealKey | None = None,
    ) -> Recorded:
        """Let a fact of another service arrive, and all that follows from it."""
        fact = self.lines.next(event, stream=stream, subject=str(subject), at=at or self.clock.now, key=key)
        self.foreign.append(fact)
        await self.settle()
        return fact

    async def tell(self, event: Event, stream: str, *, subject: UUID = ANN) -> None:
        """Append a fact of workflow's own, as a command would, and let follow what follows."""
        cause = Cause(TENANT, str(subject), "", "test", self.clock.now, NOON)
        partition = partition_of_stream(TENANT, stream)
        append = caused_append(stream, [event], cause=cause, actor="test")
        assert isinstance(append.streams[0], StreamAppend)
        assert append.streams[0].partition == partition
        async with PostgresLedger(service="workflow", keeper=self.keeper) as ledger:
            await ledger.append(TENANT, [append])
        await self.settle()

    async def pass_time(self, by: timedelta) -> None:
        """Let time pass, what is due fire, and follow what follows."""
        self.clock.move(by)
        await self.fire()

    async def fire(self) -> None:
        """Fire what is due."""
        await fire_all(self.keeper, self.clock)
        await self.settle()

    async def settle(self) -> None:
        """Let workflow read all that there is, its own facts too, until nothing follows any more."""
        known = -1
        while known != (known := len(own := await self.own())):
            for reader in self.readers:
                await reader.take([arrived(fact) for fact in [*self.foreign, *own]])

    async def own(self) -> list[Recorded]:
        """Return workflow's own facts."""
        ledger = PostgresLedger(service="workflow", keeper=self.keeper)
        found: list[Recorded] = []
        for partition in range(PARTITIONS):
            found += await ledger.read_partition(partition, after=0, limit=10_000)
        return found

    async def told(self) -> list[Event]:
        """Return workflow's own facts, opened as far as they can be, in the order of their record."""
        own = sorted(await self.own(), key=lambda fact: (fact.recorded_at, fact.partition, fact.position))
        return [decode(fact) for fact in own]


async def make_world(keeper: Pool) -> World:
    """Begin with nothing."""
    keyring = MemoryKeyring()
    readers = [ViewReader(view, keeper, keyring) for view in service.views]
    for reader in readers:
        await reader.begin(dict.fromkeys(SOURCES, 1))
    return World(keeper, readers, keyring)
