"""What the topics of a suite hold, and hands that put records there past the mirror."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from rapport_events.envelope import Meta, Recorded, key_of, to_headers, topic_of
from rapport_events.ids import PARTITIONS, EventId, TenantId
from rapport_events.producer import Outgoing, producing
from rapport_events.scanner import read_partition
from tests.system.suites import Suite
from tests.waiting import until

Numbers = Mapping[int, Sequence[int]]
"""By partition: the positions of its records, as they lie."""

_SECONDS = 60


async def numbers_in(suite: Suite, service: str) -> Numbers:
    """Return the positions of all records of a service's topic; nothing while there is no topic."""

    async def read(partition: int) -> list[int]:
        found: list[int] = []
        async for page in read_partition(suite.kafka, topic_of(service), partition):
            found += [int(dict(record.headers)["ce_position"] or b"") for record in page]
        return found

    try:
        return {partition: await read(partition) for partition in range(PARTITIONS)}
    except KafkaError:
        return {}


async def heads_of(suite: Suite, service: str) -> list[int]:
    """Return the last position of each partition of a ledger."""
    async with suite.client("operator") as client:
        heads: list[int] = (await client.read(service, "/v1/ledger"))["heads"]
        return heads


async def until_whole(suite: Suite, service: str, *, times: int = 1) -> None:
    """Wait until a topic holds each event of the ledger at least so many times."""

    async def is_whole() -> bool:
        heads, numbers = await heads_of(suite, service), await numbers_in(suite, service)
        return bool(numbers) and all(
            numbers[partition].count(position) >= times
            for partition, head in enumerate(heads)
            for position in range(1, head + 1)
        )

    await until(is_whole, seconds=_SECONDS, what=f"the topic of {service} holds all events {times} times")


async def lose_topic(suite: Suite, service: str) -> None:
    """Take a topic away, with all that it holds."""
    admin = AIOKafkaAdminClient(bootstrap_servers=suite.kafka)
    await admin.start()
    try:
        await admin.delete_topics([topic_of(service)])
    finally:
        await admin.close()


async def publish(suite: Suite, events: Sequence[Recorded]) -> None:
    """Put events on their topic, in this order, each in a batch of its own."""
    topic = topic_of(events[0].source)
    async with producing(suite.kafka, topic) as producer:
        for event in events:
            record = Outgoing(key_of(event), event.data, to_headers(event), int(event.recorded_at.timestamp() * 1000))
            await producer.send(topic, event.partition, producer.pack([record]))


@asynccontextmanager
async def mirror_paused(suite: Suite, service: str) -> AsyncGenerator[None]:
    """Lead in the mirror's place, and do nothing: what is recorded stays in the ledger."""
    rival = await suite.connect(service, "keeper")
    try:

        async def leads() -> bool:
            await _dismiss(suite, service)
            return bool(await rival.fetchval("SELECT pg_try_advisory_lock(7102, 0)"))

        await until(leads, seconds=_SECONDS, what="the mirror's lock is ours")
        yield
    finally:
        await rival.close()


async def _dismiss(suite: Suite, service: str) -> None:
    """Cut the connection of whoever leads."""
    connection = await suite.connect(service)
    try:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks"
            " WHERE locktype = 'advisory' AND classid = 7102 AND objid = 0 AND granted"
            "   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
    finally:
        await connection.close()


async def events_of(suite: Suite, service: str, tenant: str) -> list[Recorded]:
    """Return a tenant's events from the ledger's rows, in the order of their partition."""
    connection = await suite.connect(service)
    try:
        rows = await connection.fetch("SELECT * FROM events WHERE tenant_id = $1 ORDER BY position", tenant)
        era: int = await connection.fetchval("SELECT era FROM ledger")
    finally:
        await connection.close()
    return [recorded(row, service, era) for row in rows]


def recorded(row: asyncpg.Record, service: str, era: int) -> Recorded:
    return Recorded(
        source=service,
        era=era,
        partition=row["partition"],
        position=row["position"],
        tenant=TenantId(row["tenant_id"]),
        stream=row["stream"],
        version=row["version"],
        event_id=EventId(row["event_id"]),
        type=row["type"],
        schema=row["schema"],
        subject=row["subject"],
        data=row["data"].encode(),
        meta=Meta.from_json(row["meta"]),
        occurred_at=row["occurred_at"],
        recorded_at=row["recorded_at"],
    )


async def resend_all(suite: Suite, service: str) -> None:
    """Have every partition of a ledger sent again from its first event."""
    async with suite.client("operator") as client:

        async def resend(partition: int) -> None:
            answer = await client.post(service, "/v1/ledger/resend", {"partition": partition, "after": 0})
            assert answer.status_code == 202, answer.text

        await asyncio.gather(*(resend(partition) for partition in range(PARTITIONS)))
