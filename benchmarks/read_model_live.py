"""
Fold purchases into analytics' totals from the topic, beside two others that do so on the same server.

One consumes the same records and COPYs them raw; the other is the PyPI library `eventsourcing` with the same totals.
"""

import asyncio
import gc
import json
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks.library import Sale, run_library
from rapport_analytics.views.totals import Totals
from rapport_chassis.run import GC_THRESHOLDS
from rapport_cli.embedded.broker import Broker
from rapport_cli.embedded.postgres import Postgres
from rapport_events.consuming import Consuming
from rapport_events.contracts.interactions import CustomerPurchased
from rapport_events.database import open_pool
from rapport_events.envelope import Recorded, key_of, to_headers
from rapport_events.ids import PARTITIONS, CustomerId, new_id, partition_of_customer
from rapport_events.kafka import apply_topics
from rapport_events.ledger import LedgerState
from rapport_events.migrate import migrate, prepare
from rapport_events.producer import Outgoing, producing
from rapport_events.reader import ViewReader
from rapport_events.subscribing import ConsumingSettings
from rapport_events.testing import TENANT, Lines

EVENTS = 100_000
CUSTOMERS = 5_000
LIBRARY_EVENTS = 5_000
ROUNDS = 3
BATCH = 5_000
TOPIC = "crm.interactions"
PASSWORD = "bench"  # noqa: S105  # the server listens on loopback and dies with the run


def purchases() -> list[Recorded]:
    """Make the purchases of many customers, as the interactions service would record them."""
    lines = Lines()
    customers = [new_id() for _ in range(CUSTOMERS)]
    made: list[Recorded] = []
    for n in range(EVENTS):
        customer = customers[n * 7919 % CUSTOMERS]
        thing = new_id(partition_of_customer(TENANT, CustomerId(customer)))
        event = CustomerPurchased(purchase_id=thing, total=Decimal(n % 9999) / 100, currency="EUR")
        made.append(lines.next(event, stream=f"purchase-{thing}", subject=str(customer)))
    return made


async def publish(bootstrap: str, events: Sequence[Recorded]) -> None:
    """Fill the topic."""
    by_partition: dict[int, list[Outgoing]] = {}
    for event in events:
        at = int(event.recorded_at.timestamp() * 1000)
        by_partition.setdefault(event.partition, []).append(Outgoing(key_of(event), event.data, to_headers(event), at))
    async with producing(bootstrap, TOPIC) as producer:
        for partition, records in by_partition.items():
            sent = 0
            while sent < len(records):
                batch = producer.pack(records[sent : sent + 500])
                await producer.send(TOPIC, partition, batch)
                sent += batch.count


async def run_raw(bootstrap: str, dsn: str) -> float:
    """Consume everything and COPY it, in the same batches; return the seconds."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        "DROP TABLE IF EXISTS raw;"
        "CREATE TABLE raw (partition smallint, place bigint, headers text, value text, PRIMARY KEY (partition, place))"
    )
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        auto_offset_reset="earliest",
        fetch_max_bytes=16 << 20,
        max_partition_fetch_bytes=2 << 20,
    )
    await consumer.start()
    began = time.perf_counter()
    consumer.assign([TopicPartition(TOPIC, partition) for partition in range(PARTITIONS)])
    got = 0
    while got < EVENTS:
        polled = await consumer.getmany(timeout_ms=100, max_records=BATCH)
        rows = [
            (
                record.partition,
                record.offset,
                json.dumps([(name, (value or b"").decode()) for name, value in record.headers]),
                (record.value or b"").decode(),
            )
            for records in polled.values()
            for record in records
        ]
        if rows:
            await connection.copy_records_to_table("raw", records=rows)
        got += len(rows)
    seconds = time.perf_counter() - began
    await consumer.stop()
    await connection.close()
    return seconds


async def run_view(bootstrap: str, dsn: str) -> float:
    """Keep the totals current from an empty start; return the seconds."""
    pool = await open_pool(dsn, name="bench")
    await pool.execute("TRUNCATE totals_v1_r1, checkpoints")
    reader = ViewReader(Totals(), pool)

    async def heads(_source: str) -> LedgerState | None:
        return None

    async def scan(_topic: str, _partition: int) -> AsyncIterator[Sequence[Any]]:
        nothing: tuple[Sequence[Any], ...] = ()
        for records in nothing:
            yield records

    async def resend(_source: str, _partition: int, _after: int) -> None:
        """Nobody is asked here."""

    settings = ConsumingSettings(bootstrap=bootstrap, group=None, batch_size=BATCH)
    consuming = Consuming([reader], pool, settings, heads=heads, scan=scan, resend=resend)
    began = time.perf_counter()
    task = asyncio.create_task(consuming.run())
    while sum(reader.positions.values()) < EVENTS:
        await asyncio.sleep(0.005)
    seconds = time.perf_counter() - began
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    count = await pool.fetchval("SELECT sum(purchases) FROM totals_v1_r1")
    assert count == EVENTS, count
    await pool.close()
    return seconds


def settle() -> None:
    """Collect garbage as every service does when it has started; both sides gain."""
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


@asynccontextmanager
async def shop() -> AsyncGenerator[tuple[str, str]]:
    """Start a broker with the topic, and analytics' database; yield their addresses."""
    with tempfile.TemporaryDirectory() as folder:
        server, broker = Postgres(Path(folder) / "postgres"), Broker(Path(folder) / "broker")
        await server.start()
        await broker.start()
        try:
            admin = await asyncpg.connect(server.dsn)
            await prepare(admin, "analytics", app_password=PASSWORD, keeper_password=PASSWORD)
            await admin.close()
            dsn = server.dsn_of("rapport_analytics")
            folders = [
                files("rapport_events").joinpath("migrations", "ledger"),
                files("rapport_analytics").joinpath("migrations"),
            ]
            await migrate(dsn, "analytics", folders, extensions=("pg_trgm", "btree_gin"))
            await apply_topics(broker.address, [TOPIC])
            yield broker.address, dsn
        finally:
            await broker.stop()
            await server.stop()


def sales() -> list[Sale]:
    """Make purchases of the same kind for the library, which takes a transaction for each: a part of them is enough."""
    customers = [new_id() for _ in range(CUSTOMERS)]
    return [(customers[n * 7919 % CUSTOMERS], "EUR", Decimal(n % 9999) / 100) for n in range(LIBRARY_EVENTS)]


async def library_database(dsn: str) -> str:
    """Make a database of its own for the library, on the same server."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE DATABASE library")
    await connection.close()
    return urlsplit(dsn)._replace(path="/library").geturl()


async def measure() -> list[dict[str, object]]:
    """Run both in turn; the medians are compared."""
    settle()
    async with shop() as (bootstrap, dsn):
        await publish(bootstrap, purchases())
        raw: list[float] = []
        view: list[float] = []
        for _ in range(ROUNDS):
            raw.append(await run_raw(bootstrap, dsn))
            view.append(await run_view(bootstrap, dsn))
        library = LIBRARY_EVENTS / await asyncio.to_thread(run_library, await library_database(dsn), sales())
    rate, reference = EVENTS / statistics.median(view), EVENTS / statistics.median(raw)
    row: dict[str, object] = {"name": "read_model_live", "value": round(rate), "unit": "events/s"}
    return [
        row
        | {
            "ratio": round(rate / reference, 3),
            "reference": f"consume and COPY raw: {reference:.0f} events/s",
            "goal": 0.8,
        },
        row
        | {
            "name": "read_model_live_library",
            "ratio": round(rate / library, 1),
            "reference": f"eventsourcing {version('eventsourcing')}: {library:.0f} events/s",
            "goal": 20,
        },
    ]


if __name__ == "__main__":
    for each in uvloop.run(measure()):
        print(json.dumps(each))
