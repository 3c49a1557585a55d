"""Mirror a ledger of 200,000 events, beside a bare producer that reads the same rows and sends the same records."""

import asyncio
import contextlib
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import Path

import asyncpg
import orjson
from aiokafka import AIOKafkaProducer

from rapport_cli.embedded.broker import Broker
from rapport_cli.embedded.postgres import Postgres
from rapport_events.gate import reopen
from rapport_events.ids import PARTITIONS
from rapport_events.kafka import apply_topics
from rapport_events.migrate import migrate, prepare
from rapport_events.mirror import Mirror, MirrorSettings

EVENTS = 200_000
ROUNDS = 3
PAGE = 2_000
SECONDS = 300
PASSWORD = "bench"  # noqa: S105  # the server listens on loopback and dies with the run

_FILL = """
INSERT INTO events (partition, position, tenant_id, stream, version, event_id, type, schema, subject,
                    data, meta, occurred_at, recorded_at)
SELECT n % 32, n / 32 + 1, 'acme', 'purchase-' || gen_random_uuid(), 1, gen_random_uuid(),
       'crm.customer.purchased.v1', '1.0', gen_random_uuid()::text,
       json_build_object('customer_id', gen_random_uuid(), 'currency', 'GBP', 'amount', n % 9999 / 100.0,
                         'pii', json_build_object('text', 's1.' || repeat(md5(n::text), 8))),
       json_build_object('actor', 'import', 'correlation', gen_random_uuid(), 'claims', json_build_array(md5(n::text))),
       now(), now()
  FROM generate_series(0, $1::integer - 1) AS n
"""
_PAGE = """
SELECT position, tenant_id, stream, version, event_id::text AS id, type, schema, subject,
       convert_to(data::text, 'UTF8') AS data, meta, occurred_at, recorded_at
  FROM events
 WHERE partition = $1 AND position > $2
 ORDER BY position
 LIMIT $3
"""


async def run_bare(dsn: str, bootstrap: str, topic: str) -> None:
    """Read pages of one partition after another and send them in explicit batches, all partitions side by side."""
    pool = await asyncpg.create_pool(dsn, min_size=2, max_size=2)
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", compression_type="zstd", max_batch_size=512 * 1024
    )
    await producer.start()
    try:
        async with asyncio.TaskGroup() as group:
            for partition in range(PARTITIONS):
                group.create_task(_copy(pool, producer, topic, partition))
    finally:
        await producer.stop()
        await pool.close()


async def _copy(pool: "asyncpg.Pool[asyncpg.Record]", producer: AIOKafkaProducer, topic: str, partition: int) -> None:
    after = 0
    while rows := await pool.fetch(_PAGE, partition, after, PAGE):
        after = rows[-1]["position"]
        batch = producer.create_batch()
        for row in rows:
            key, headers = _envelope(row)
            at = int(row["recorded_at"].timestamp() * 1000)
            if batch.append(key=key, value=row["data"], headers=headers, timestamp=at) is None:
                await (await producer.send_batch(batch, topic, partition=partition))
                batch = producer.create_batch()
                batch.append(key=key, value=row["data"], headers=headers, timestamp=at)
        await (await producer.send_batch(batch, topic, partition=partition))


def _envelope(row: asyncpg.Record) -> tuple[bytes, list[tuple[str, bytes]]]:
    meta = orjson.loads(row["meta"])
    key = f"{row['tenant_id']}:{row['subject']}".encode()
    return key, [
        ("ce_specversion", b"1.0"),
        ("ce_id", row["id"].encode()),
        ("ce_source", b"/crm/bench"),
        ("ce_type", row["type"].encode()),
        ("ce_subject", row["subject"].encode()),
        ("ce_time", row["occurred_at"].isoformat().encode()),
        ("ce_recordedtime", row["recorded_at"].isoformat().encode()),
        ("ce_dataschema", f"urn:rapport:{row['type']}:{row['schema']}".encode()),
        ("ce_partitionkey", key),
        ("ce_era", b"1"),
        ("ce_position", b"%d" % row["position"]),
        ("ce_stream", row["stream"].encode()),
        ("ce_streamversion", b"%d" % row["version"]),
        ("ce_tenantid", row["tenant_id"].encode()),
        ("ce_actor", meta["actor"].encode()),
        ("ce_correlationid", meta["correlation"].encode()),
        ("ce_claims", ",".join(meta["claims"]).encode()),
        ("content-type", b"application/json"),
    ]


async def run_mirror(dsn: str, bootstrap: str, prefix: str) -> None:
    """
    Start a mirror on an empty topic, and stop it when the topic holds everything.

    In the long run every record is read back once, so audits run all the time.
    """
    settings = MirrorSettings(service="bench", keeper=dsn, bootstrap=bootstrap, prefix=prefix, audit_seconds=0.5)
    mirror = Mirror(settings)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(mirror.run())
        while sum(mirror.state.reach) < EVENTS:
            await asyncio.sleep(0.01)
        task.cancel()


async def measure() -> dict[str, object]:
    """Run both in turn; the medians are compared."""
    with tempfile.TemporaryDirectory() as folder:
        server = Postgres(Path(folder, "postgres"), settings={"fsync": "off"})
        broker = Broker(Path(folder, "broker"))
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(server.kill)
            stack.push_async_callback(broker.kill)
            await server.start()
            keeper = await _fill(server)
            bare: list[float] = []
            ours: list[float] = []
            for round_ in range(ROUNDS):
                # Everything is in memory there: a full broker would slow the next one down.
                await broker.start()
                topic = f"bare{round_}.bench"
                await apply_topics(broker.address, [topic])
                bare.append(await _seconds(lambda topic=topic: run_bare(keeper, broker.address, topic)))  # type: ignore[misc]
                await broker.start()
                ours.append(await _seconds(lambda n=round_: run_mirror(keeper, broker.address, f"ours{n}")))  # type: ignore[misc]
    rate, reference = EVENTS / statistics.median(ours), EVENTS / statistics.median(bare)
    return {
        "name": "mirror",
        "ratio": round(rate / reference, 3),
        "value": round(rate),
        "unit": "events/s",
        "reference": round(reference),
        "goal": 0.4,
    }


async def _fill(server: Postgres) -> str:
    admin = await asyncpg.connect(server.dsn)
    await prepare(admin, "bench", app_password=PASSWORD, keeper_password=PASSWORD)
    await admin.close()
    dsn = server.dsn_of("rapport_bench")
    await migrate(dsn, "bench", [files("rapport_events").joinpath("migrations", "ledger")])
    connection = await asyncpg.connect(dsn)
    await connection.execute(_FILL, EVENTS, timeout=SECONDS)
    await connection.execute("VACUUM ANALYZE events", timeout=SECONDS)
    await connection.close()
    keeper = f"postgresql://rapport_bench_keeper:{PASSWORD}@127.0.0.1:{server.port}/rapport_bench"
    connection = await asyncpg.connect(keeper)
    await reopen(connection)
    await connection.close()
    return keeper


async def _seconds(work: Callable[[], Awaitable[None]]) -> float:
    began_at = time.perf_counter()
    async with asyncio.timeout(SECONDS):
        await work()
    return time.perf_counter() - began_at


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure())))
