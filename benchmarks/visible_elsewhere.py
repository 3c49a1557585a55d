"""How long after its commit a fact is visible in another service, at 500 facts a second, on either broker."""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from benchmarks.suite import Suite, running
from rapport_events.kafka import apply_topics
from tests.brokers.apache import apache_kafka
from tests.brokers.jars import are_possible

RATE = 500
TOGETHER = 10
"""Facts in one request, so that the sender does not take the processor from what is measured."""
SECONDS = 20
WARM_SECONDS = 5
BARE_SECONDS = 10
LIMIT = 20
"""Milliseconds on the embedded broker."""
BESIDE_BARE = 15
"""Milliseconds on Apache Kafka, on top of what a bare record takes from its sender to its reader."""


@dataclass
class Run:
    """What was sent, and how long it took to be seen."""

    delays: list[float] = field(default_factory=list[float])
    errors: int = 0


async def measure_in(suite: Suite) -> Run:
    """Record contacts at a steady rate; now and then follow one until analytics shows it."""
    run, token = Run(), suite.token("bench")
    headers = {"Authorization": f"Bearer {token}"}
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
    async with httpx.AsyncClient(headers=headers, limits=limits, timeout=10) as client:
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for n in range(RATE * (WARM_SECONDS + SECONDS) // TOGETHER):
                await asyncio.sleep(max(0.0, began + n * TOGETHER / RATE - time.perf_counter()))
                is_followed = n * TOGETHER > RATE * WARM_SECONDS and n % 5 == 0
                group.create_task(_record(client, suite, run, is_followed=is_followed))
    return run


async def _record(client: httpx.AsyncClient, suite: Suite, run: Run, *, is_followed: bool) -> None:
    wishes = [
        {
            "command": "record_contact",
            "body": {"customer": {"id": str(uuid4())}, "channel": "phone", "direction": "inbound"},
        }
        for _ in range(TOGETHER)
    ]
    answer = await client.post(
        f"{suite.url('interactions')}/v1/commands:batch",
        content="\n".join(json.dumps(wish) for wish in wishes),
        headers={"Content-Type": "application/x-ndjson"},
    )
    committed = time.perf_counter()
    if not answer.is_success:
        run.errors += 1
    elif is_followed:
        after = answer.headers["Rapport-Position"]
        parameters: dict[str, str | int] = {"limit": 1, "after": after}
        seen = await client.get(f"{suite.url('analytics')}/v1/facts/contacts", params=parameters)
        run.delays.append(time.perf_counter() - committed)
        run.errors += not seen.is_success


async def run_bare(kafka: str) -> Run:
    """Send records of the same number at the same rate to a topic, and see when a waiting consumer has them."""
    run, topic = Run(), f"bare-{uuid4()}"
    await apply_topics(kafka, [topic])
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True)
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka, auto_offset_reset="earliest")
    async with AsyncExitStack() as stack:
        for client in (producer, consumer):
            await client.start()
            stack.push_async_callback(client.stop)
        reading = asyncio.create_task(_see(consumer, run))
        began = time.perf_counter()
        for n in range(RATE * BARE_SECONDS // TOGETHER):
            await asyncio.sleep(max(0.0, began + n * TOGETHER / RATE - time.perf_counter()))
            sent = b"%.6f" % time.perf_counter()
            await asyncio.gather(
                *[await producer.send(topic, sent + b" " * 400, key=uuid4().bytes) for _ in range(TOGETHER)]
            )
        await reading
    return run


async def _see(consumer: AIOKafkaConsumer, run: Run) -> None:
    while len(run.delays) < RATE * BARE_SECONDS:
        polled = await consumer.getmany(timeout_ms=1_000)
        now = time.perf_counter()
        run.delays += [now - float(record.value or b"") for records in polled.values() for record in records]


def quantile(run: Run, part: float) -> float:
    """Return a quantile of the delays, in milliseconds."""
    ordered = sorted(run.delays)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1_000


def row(name: str, run: Run, limit: float, reference: str) -> dict[str, object]:
    """Say what was measured beside its limit, in milliseconds."""
    p99 = quantile(run, 0.99)
    told = f"{reference}; median {quantile(run, 0.5):.1f} ms of {len(run.delays)}, {run.errors} errors"
    ratio = round(p99 / limit, 3)
    return {"name": name, "ratio": ratio, "value": round(p99, 1), "unit": "ms", "reference": told, "goal": 1.0}


def measure() -> Iterator[dict[str, object]]:
    """Measure in a suite on the embedded broker; then, where there is Java, in one on Apache Kafka."""
    with running() as suite:
        run = asyncio.run(measure_in(suite))
    yield row("visible_elsewhere_p99", run, LIMIT, f"{LIMIT} ms")
    if not are_possible():
        print("no Apache Kafka here: it needs Java and Maven", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as folder:
        yield asyncio.run(measure_on_apache(Path(folder)))


async def measure_on_apache(folder: Path) -> dict[str, object]:
    """Measure in a suite on Apache Kafka, and a bare record's way through the same broker."""
    async with apache_kafka(folder) as cluster, AsyncExitStack() as stack:
        entered = running(cluster.address)
        suite = await asyncio.to_thread(entered.__enter__)
        stack.push_async_callback(asyncio.to_thread, entered.__exit__, None, None, None)
        run = await measure_in(suite)
        bare = quantile(await run_bare(cluster.address), 0.99)
    return row("visible_elsewhere_p99_apache", run, bare + BESIDE_BARE, f"a bare record {bare:.1f} ms")


if __name__ == "__main__":
    for each in measure():
        print(json.dumps(each))
