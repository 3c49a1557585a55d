"""The embedded broker and database start from nothing, come back after a crash and never outlive us."""

import asyncio
import os
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from signal import SIGKILL

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from rapport_cli.embedded.broker import Broker
from rapport_cli.embedded.child import ServerFailed, free_port
from rapport_cli.embedded.postgres import AlreadyRunning, Postgres
from tests.waiting import until


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Postgres]:
    """Make a server of its own; it is started."""
    server = Postgres(tmp_path / "postgres")
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    """Make a broker of its own; it is started."""
    broker = Broker(tmp_path / "broker")
    await broker.start()
    yield broker
    await broker.stop()


async def ask(dsn: str, sql: str) -> object:
    connection = await asyncpg.connect(dsn, timeout=5)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close(timeout=5)


async def names(server: Postgres) -> object:
    return await ask(server.dsn, "SELECT string_agg(name, ' ' ORDER BY name) FROM person")


async def keep(server: Postgres, name: str) -> None:
    await ask(server.dsn, "CREATE TABLE IF NOT EXISTS person (name text)")
    await ask(server.dsn, f"INSERT INTO person VALUES ('{name}')")  # noqa: S608 - a test's own words


async def test_a_fresh_server_speaks_utf8_and_has_its_contrib_modules(server: Postgres) -> None:
    assert str(await ask(server.dsn, "SHOW server_version")).startswith("18.")
    assert await ask(server.dsn, "SHOW server_encoding") == "UTF8"
    assert await ask(server.dsn, "SELECT upper('é')") == "É"
    assert await ask(server.dsn, "SHOW max_locks_per_transaction") == "256"
    await ask(server.dsn, "CREATE EXTENSION pg_trgm")


async def test_nobody_enters_without_the_password_and_the_password_is_for_one_reader(server: Postgres) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await ask(f"postgresql://postgres:wrong@127.0.0.1:{server.port}/postgres", "SELECT 1")
    password = server.log.parent / "password"
    assert stat.S_IMODE(password.stat().st_mode) == 0o600


async def test_what_was_committed_is_there_after_stop_and_start_at_the_same_address(server: Postgres) -> None:
    before = server.dsn
    await keep(server, "Ann")
    await server.stop()
    await server.start()
    assert server.dsn == before
    assert await names(server) == "Ann"


async def test_what_was_committed_survives_a_kill(server: Postgres) -> None:
    await keep(server, "Ann")
    os.kill(server.pid, SIGKILL)
    async with asyncio.timeout(10):
        with pytest.raises(ServerFailed):
            await server.watch()
    await server.start()
    assert await names(server) == "Ann"


async def test_a_note_left_behind_by_a_crash_does_not_keep_the_server_from_starting(server: Postgres) -> None:
    await server.stop()
    note = server.log.parent / "cluster" / "postmaster.pid"
    note.write_text(f"{os.getpid()}\n{note.parent}\n", encoding="utf-8")
    await server.start()
    assert await ask(server.dsn, "SELECT 1") == 1


async def test_two_launchers_cannot_work_in_one_folder(server: Postgres) -> None:
    with pytest.raises(AlreadyRunning):
        await Postgres(server.log.parent).start()
    assert await ask(server.dsn, "SELECT 1") == 1


async def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    server = Postgres(tmp_path / "postgres", settings={"no_such_setting": "1"})
    with pytest.raises(ServerFailed, match="no_such_setting"):
        await server.start()
    assert server.pid == 0


async def test_stopping_is_no_failure_for_who_watches(server: Postgres, broker: Broker) -> None:
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        tasks.create_task(server.watch())
        tasks.create_task(broker.watch())
        await asyncio.sleep(0)
        await server.stop()
        await broker.stop()


async def test_servers_die_with_a_launcher_that_was_killed_and_the_next_one_continues(tmp_path: Path) -> None:
    if sys.platform != "linux":
        return  # Elsewhere the next start ends what the killed launcher left.
    launcher = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _LAUNCHER, str(tmp_path)), stdout=asyncio.subprocess.PIPE
    )
    assert launcher.stdout is not None
    async with asyncio.timeout(60):
        pids = [int(pid) for pid in (await launcher.stdout.readline()).split()]
    launcher.kill()
    await launcher.wait()
    await until(lambda: not any(map(runs, pids)), seconds=20, what="broker and database ended with their launcher")
    server = Postgres(tmp_path / "postgres")
    await server.start()
    assert await names(server) == "Ann"
    await server.stop()


def runs(pid: int) -> bool:
    """Say whether a process runs; one that waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except FileNotFoundError:
        return False


_LAUNCHER = """
import asyncio, sys
from pathlib import Path
import asyncpg
from rapport_cli.embedded.broker import Broker
from rapport_cli.embedded.postgres import Postgres

async def main():
    folder = Path(sys.argv[1])
    server, broker = Postgres(folder / "postgres"), Broker(folder / "broker")
    await server.start()
    await broker.start()
    connection = await asyncpg.connect(server.dsn)
    await connection.execute("CREATE TABLE person AS SELECT 'Ann' AS name")
    print(server.pid, broker.pid, flush=True)
    await server.watch()

asyncio.run(main())
"""


async def test_the_broker_carries_a_record_and_forgets_it_when_it_ends(broker: Broker) -> None:
    await make_topic(broker)
    producer = AIOKafkaProducer(bootstrap_servers=broker.address, acks="all")
    await producer.start()
    sent = await producer.send_and_wait("crm.contacts", b"{}", partition=31, headers=[("ce_position", b"1")])
    await producer.stop()
    assert (sent.partition, sent.offset) == (31, 0)

    consumer = AIOKafkaConsumer("crm.contacts", bootstrap_servers=broker.address, auto_offset_reset="earliest")
    await consumer.start()
    async with asyncio.timeout(10):
        record = await consumer.getone()
    await consumer.stop()
    assert record.headers == (("ce_position", b"1"),)

    address = broker.address
    await broker.kill()
    await broker.start()
    assert broker.address == address
    assert "crm.contacts" not in await topics(broker)


async def make_topic(broker: Broker) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.address)
    await admin.start()
    await admin.create_topics([NewTopic("crm.contacts", num_partitions=32, replication_factor=1)])
    await admin.close()


async def topics(broker: Broker) -> list[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.address)
    await admin.start()
    try:
        return list(await admin.list_topics())
    finally:
        await admin.close()


async def test_a_broker_that_dies_is_noticed(broker: Broker) -> None:
    os.kill(broker.pid, SIGKILL)
    async with asyncio.timeout(10):
        with pytest.raises(ServerFailed):
            await broker.watch()


async def test_a_broker_on_a_taken_port_says_so(broker: Broker, tmp_path: Path) -> None:
    other = Broker(tmp_path / "other", port=int(broker.address.rpartition(":")[2]))
    with pytest.raises(ServerFailed):
        await other.start()


def test_a_free_port_is_free() -> None:
    assert free_port() > 0
