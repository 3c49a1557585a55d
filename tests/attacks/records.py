"""Facts and records that no healthy service would write, and hands that put them into ledger and topic."""

import random
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import asyncpg
import orjson
from aiokafka import AIOKafkaProducer

from rapport_events.database import open_pool
from rapport_events.envelope import Meta, Recorded, to_headers
from rapport_events.gate import reopen
from rapport_events.ids import CustomerId, EventId, new_id, partition_of_customer
from rapport_events.ledger import ANY, Append, NewEvent, StreamAppend
from rapport_events.postgres_ledger import PostgresLedger, append_within
from tests.chassis.houses import House
from tests.events.appends import NOON, TENANT

P = 5
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
_META = Meta(actor="ann", correlation_id="c-1", traceparent=TRACE).to_json()

Raw = tuple[bytes | None, list[tuple[str, bytes]]]
"""Value and headers of a record."""


def customers(count: int) -> list[UUID]:
    """Name customers of one partition: what holds one of them up comes in the same polls as all the others."""
    chance = random.Random(7)  # noqa: S311  # a repeatable choice, no secret
    found: list[UUID] = []
    while len(found) < count:
        customer = UUID(int=chance.getrandbits(128), version=4)
        if partition_of_customer(TENANT, CustomerId(customer)) == P:
            found.append(customer)
    return found


def purchase(
    customer: UUID, data: bytes | None = None, *, of_type: str = "crm.customer.purchased.v1", schema: str = "1.0"
) -> Append:
    """Make a purchase for 1.00, or something that calls itself one."""
    purchase_id = new_id(P)
    usual = orjson.dumps({"purchase_id": str(purchase_id), "total": "1.00", "currency": "EUR"})
    event = NewEvent(
        event_id=EventId(new_id()),
        type=of_type,
        schema=schema,
        subject=str(customer),
        data=usual if data is None else data,
        meta=_META,
        occurred_at=NOON,
    )
    return Append((StreamAppend(f"purchase-{purchase_id}", P, ANY, (event,)),))


def event_id(appended: Append) -> str:
    """Return the id of a purchase."""
    return str(appended.streams[0].events[0].event_id)


async def record(house: House, appends: Sequence[Append]) -> None:
    """Append past all commands, in one transaction."""
    connection = await asyncpg.connect(house.database.keeper)
    try:
        await append_within(connection, [(TENANT, each) for each in appends])
    finally:
        await connection.close()


async def open_ledger(house: House) -> None:
    """Let the ledger take appends without a mirror."""
    connection = await asyncpg.connect(house.database.keeper)
    try:
        await reopen(connection)
    finally:
        await connection.close()


async def recorded(house: House) -> list[Recorded]:
    """Return the rows of the partition, as a mirror reads them."""
    async with await open_pool(house.database.keeper, name="tests") as pool:
        rows = await PostgresLedger(service="interactions", keeper=pool).read_partition(P, after=0, limit=1_000)
    return [replace(row, era=1) for row in rows]


def raw(event: Recorded) -> Raw:
    """Return a row as its record."""
    return event.data, to_headers(event)


def changed(event: Recorded, name: str, value: bytes) -> Raw:
    """Return a row as a record in which one header says something else."""
    return event.data, [(each, value if each == name else before) for each, before in to_headers(event)]


def without(event: Recorded, name: str) -> Raw:
    """Return a row as a record that lacks a header."""
    return event.data, [header for header in to_headers(event) if header[0] != name]


async def publish(house: House, records: Sequence[Raw]) -> None:
    """Put records on the partition of the topic, past the mirror, in this order."""
    topic = f"{house.environment['RAPPORT_TOPIC_PREFIX']}.interactions"
    producer = AIOKafkaProducer(bootstrap_servers=house.environment["RAPPORT_KAFKA"], acks="all")
    await producer.start()
    try:
        for value, headers in records:
            await producer.send_and_wait(topic, value, key=b"customer", partition=P, headers=headers)
    finally:
        await producer.stop()
