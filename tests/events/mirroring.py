"""Ledgers with rows, topics with records, and a mirror in between."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from uuid import UUID, uuid5

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from rapport_events.database import Connection, Pool, open_pool
from rapport_events.envelope import topic_of
from rapport_events.gate import reopen
from rapport_events.kafka import apply_topics
from rapport_events.mirror import Mirror, MirrorSettings
from rapport_events.producer import Outgoing, producing
from rapport_events.scanner import read_partition
from tests.databases import ServiceDatabase
from tests.waiting import ended, until

_NAMES = UUID(int=7)
SECONDS = 30


def event_id(partition: int, position: int, history: str = "") -> UUID:
    """Return the id of the event that `put` writes there; another history writes another event."""
    return uuid5(_NAMES, f"{partition}:{position}:{history}")


@dataclass(frozen=True, slots=True)
class Place:
    """A ledger, a broker and the topic between them."""

    database: ServiceDatabase
    settings: MirrorSettings

    @property
    def topic(self) -> str:
        """The topic of the first era."""
        return topic_of(self.settings.service, 1, self.settings.prefix)

    async def tell(self, statement: str, *values: object) -> list[asyncpg.Record]:
        """Do something in the database as its superuser."""
        connection = await asyncpg.connect(self.database.admin)
        try:
            return await connection.fetch(statement, *values)
        finally:
            await connection.close()

    @asynccontextmanager
    async def keeper(self) -> AsyncGenerator[Connection]:
        """Connect as the keeper."""
        connection = await asyncpg.connect(self.database.keeper)
        try:
            yield connection
        finally:
            await connection.close()

    @asynccontextmanager
    async def keeper_pool(self) -> AsyncGenerator[Pool]:
        """Open a pool as the keeper."""
        pool = await open_pool(self.database.keeper, name="test")
        try:
            yield pool
        finally:
            await pool.close()

    async def open(self) -> None:
        """Open the ledger without a comparison."""
        async with self.keeper() as connection:
            await reopen(connection)

    async def put(self, partition: int, first: int, last: int, *, history: str = "") -> None:
        """Write rows into the ledger, as if they had been appended."""
        await self.tell(
            """INSERT INTO events (partition, position, tenant_id, stream, version, event_id, type, schema, subject,
                                   data, meta, occurred_at, recorded_at)
               SELECT $1::smallint, n, 'ann', 'run-' || $5 || n, 1, id, 'crm.run.noted.v1', '1.0', 's',
                      json_build_object('n', n), '{"actor":"a","correlation":"c"}', now(), now()
                 FROM unnest($2::uuid[], $3::bigint[]) AS e (id, n) WHERE $4::bigint >= n""",
            partition,
            [event_id(partition, position, history) for position in range(first, last + 1)],
            list(range(first, last + 1)),
            last,
            history,
        )

    async def take_away(self, partition: int, after: int) -> None:
        """Lose the rows after a position, as a restore does."""
        await self.tell("DELETE FROM events WHERE partition = $1 AND position > $2", partition, after)

    async def is_open(self) -> bool:
        """Say whether the ledger takes appends."""
        [row] = await self.tell("SELECT is_open FROM ledger_state()")
        return bool(row["is_open"])

    async def records(self, partition: int, topic: str | None = None) -> list[tuple[int, str]]:
        """Return position and event id of each record in a partition of the topic."""
        found: list[tuple[int, str]] = []
        async for records in read_partition(self.settings.bootstrap, topic or self.topic, partition):
            for record in records:
                headers = dict(record.headers)
                found.append((int(headers["ce_position"] or b""), (headers["ce_id"] or b"").decode()))
        return found

    async def publish(self, partition: int, records: Sequence[tuple[int, str]]) -> None:
        """Put records on the topic past the mirror."""
        await apply_topics(self.settings.bootstrap, [self.topic])
        async with producing(self.settings.bootstrap, self.topic) as producer:
            outgoing = [
                Outgoing(b"k", b"{}", [("ce_position", b"%d" % position), ("ce_id", event.encode())], 1)
                for position, event in records
            ]
            if outgoing:
                await producer.send(self.topic, partition, producer.pack(outgoing))

    async def lose_topic(self) -> None:
        """Lose everything that the topic holds."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.settings.bootstrap)
        await admin.start()
        try:
            await admin.delete_topics([self.topic])
        finally:
            await admin.close()

    async def positions(self, partition: int) -> list[int]:
        """Return the positions of the records in a partition of the topic."""
        return [position for position, _ in await self.records(partition)]


@pytest.fixture
def place(service: ServiceDatabase, kafka: str, topic_prefix: str) -> Place:
    """Make an empty ledger and the settings of its mirror."""
    settings = MirrorSettings(service="events", keeper=service.keeper, bootstrap=kafka, prefix=topic_prefix)
    return Place(service, settings)


def line(partition: int, first: int, last: int, history: str = "") -> list[tuple[int, str]]:
    """Return what the topic holds of rows that were put."""
    return [(n, str(event_id(partition, n, history))) for n in range(first, last + 1)]


@asynccontextmanager
async def running(*mirrors: Mirror) -> AsyncGenerator[None]:
    """Run mirrors, and stop them."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(mirror.run()) for mirror in mirrors]
        try:
            yield
        finally:
            await ended(*tasks)


async def until_reached(mirror: Mirror, partition: int, position: int) -> None:
    """Wait until the mirror has everything up to a position confirmed."""
    await until(
        lambda: len(mirror.state.reach) > partition and mirror.state.reach[partition] >= position,
        seconds=SECONDS,
        what=f"partition {partition} is mirrored up to {position}",
    )


def quicker(settings: MirrorSettings, **changes: float) -> MirrorSettings:
    """Return settings with other times."""
    return replace(settings, **changes)  # type: ignore[arg-type]  # every one is a float


def reached(records: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """Return what a reader takes of the records of a partition: exactly the next number each time."""
    taken: list[tuple[int, str]] = []
    for position, event in records:
        if position == len(taken) + 1:
            taken.append((position, event))
    return taken


async def until_audited(mirror: Mirror) -> None:
    """Wait until a whole audit that begins now is done."""
    before = mirror.state.audits
    await until(lambda: mirror.state.audits >= before + 2, seconds=SECONDS, what="the topic is audited")


async def until_stopped(mirror: Mirror, alarm: str) -> None:
    """Wait until the mirror has stopped with an alarm."""
    await until(
        lambda: (mirror.state.phase, mirror.state.alarm) == ("stopped", alarm),
        seconds=SECONDS,
        what=f"the mirror stops with {alarm}",
    )


async def until_readable(place: Place, partition: int, size: int) -> None:
    """Wait until a reader gets this many events of a partition from the first record on."""

    async def is_readable() -> bool:
        try:
            return reached(await place.records(partition)) == line(partition, 1, size)
        except KafkaError:
            # There may be no topic, or no broker, for a while.
            return False

    await until(is_readable, seconds=2 * SECONDS, what=f"{size} events can be read")
