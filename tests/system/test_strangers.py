"""Those who know nothing of us but our guide: each gets everything once, in order, though the broker is restarted."""

import asyncio
import os
import re
import sqlite3
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event

from rapport_events.mirror import Mirror, MirrorSettings
from rapport_events.scanner import read_partition
from tests.architecture.tree import ROOT
from tests.brokers.any import AnyBroker
from tests.conftest import MakeServiceDatabase
from tests.events.mirroring import Place, quicker, running, until_reached, until_readable
from tests.node import install_packages, node
from tests.waiting import until

EXAMPLES = ROOT / "examples"
LINES_MAX = 15
PARTITIONS = (0, 7, 31)
SECONDS = 60
_NO_CODE = re.compile(r'^\s*($|#|//|"""|[)\]}; ]*$)')


@pytest.fixture
async def fragile(make_service_database: MakeServiceDatabase, own_broker: AnyBroker, topic_prefix: str) -> Place:
    """A ledger, and a broker that can be killed."""
    database = await make_service_database("events")
    settings = MirrorSettings(
        service="events", keeper=database.keeper, bootstrap=own_broker.address, prefix=topic_prefix
    )
    return Place(database, settings)


def kept(file: Path) -> dict[int, list[tuple[int, int]]]:
    """Return what a subscriber has kept: position and content, by partition, in the order of its insertion."""
    found: dict[int, list[tuple[int, int]]] = {partition: [] for partition in PARTITIONS}
    if file.exists():
        db = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        try:
            rows = db.execute("SELECT partition, position, value FROM events ORDER BY rowid").fetchall()
        except sqlite3.OperationalError:
            rows = []
        finally:
            db.close()
        for partition, position, value in rows:
            found[int(partition)].append((int(position), int(orjson.loads(value).get("n", position))))
    return found


async def until_kept(file: Path, last: int) -> None:
    wanted = {partition: [(n, n) for n in range(1, last + 1)] for partition in PARTITIONS}
    await until(lambda: kept(file) == wanted, seconds=SECONDS, what=f"everything up to {last} is kept, once, in order")


@asynccontextmanager
async def subscriber(program: Sequence[str], place: Place, file: Path) -> AsyncGenerator[None]:
    process = await asyncio.create_subprocess_exec(
        *(*program, place.settings.bootstrap, place.topic, str(file)),
        cwd=EXAMPLES,
        env={**os.environ, "NODE_NO_WARNINGS": "1", "KAFKAJS_NO_PARTITIONER_WARNING": "1"},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        assert process.returncode is None, "it ended by itself"
        process.kill()
        await process.wait()


PROGRAMS = {"Python": lambda: [sys.executable, "subscriber.py"], "TypeScript": lambda: [str(node()), "subscriber.ts"]}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("language", PROGRAMS)
async def test_a_subscriber_misses_nothing_and_takes_nothing_twice(
    fragile: Place, own_broker: AnyBroker, tmp_path: Path, language: str
) -> None:
    await install_packages(EXAMPLES)
    file = tmp_path / "kept.db"
    mirror = Mirror(quicker(fragile.settings, audit_seconds=0.3))
    async with running(mirror):
        await put(fragile, mirror, 1, 40)
        async with subscriber(PROGRAMS[language](), fragile, file):
            await until_kept(file, 40)
            await restart(own_broker)
            await put(fragile, mirror, 41, 80)
            await until_kept(file, 80)
        # It was killed itself, and the broker while it was away.
        await restart(own_broker)
        await put(fragile, mirror, 81, 90)
        # KafkaJS ends where it is started while there is no topic.
        for partition in PARTITIONS:
            await until_readable(fragile, partition, 90)
        async with subscriber(PROGRAMS[language](), fragile, file):
            await until_kept(file, 90)
        for partition in PARTITIONS:
            assert [position async for position in read_by_sdk(fragile, partition)] == list(range(1, 91))


async def read_by_sdk(place: Place, partition: int) -> AsyncIterator[int]:
    """Read every record of a partition with the official CloudEvents SDK; yield positions."""
    async for records in read_partition(place.settings.bootstrap, place.topic, partition):
        for record in records:
            headers = {name: value or b"" for name, value in record.headers}
            event = from_binary_event(KafkaMessage(headers=headers, key=record.key, value=record.value or b""))
            assert isinstance(event.get_data(), dict)
            yield int(event.get_extension("position"))


async def restart(own_broker: AnyBroker) -> None:
    """Kill the broker, which forgets everything; the mirror fills it again while new events come."""
    await own_broker.kill()
    await own_broker.start()


async def put(place: Place, mirror: Mirror, first: int, last: int) -> None:
    for partition in PARTITIONS:
        await place.put(partition, first, last)
        await until_reached(mirror, partition, last)


@pytest.mark.parametrize("language", PROGRAMS)
async def test_a_hole_that_is_filled_later_is_taken_in_order(fragile: Place, tmp_path: Path, language: str) -> None:
    await install_packages(EXAMPLES)
    for partition in PARTITIONS:
        await fragile.publish(partition, [(n, str(n)) for n in (1, 2, 2, 5, 6, 3, 4, 4, 5, 6, 7, 1, 8)])

    async with subscriber(PROGRAMS[language](), fragile, tmp_path / "kept.db"):
        await until_kept(tmp_path / "kept.db", 8)


@pytest.mark.parametrize("file", ["subscriber.py", "subscriber.ts"])
def test_a_subscriber_has_few_lines(file: str) -> None:
    lines = (EXAMPLES / file).read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if not _NO_CODE.match(line)]) <= LINES_MAX
