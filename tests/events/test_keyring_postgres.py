"""What only the keyring in PostgreSQL can do wrong: races, age, reach of its roles, and its absence."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import asyncpg
import pytest

from rapport_events.ids import CustomerId, TenantId
from rapport_events.keyring import Erased, KeyringAway, SealKey
from rapport_events.postgres_keyring import KeyDamaged, PostgresKeyring
from rapport_events.testing import ANN as ANN_ID, BOB as BOB_ID
from tests.databases import KeyringDatabase
from tests.events.keyrings import MASTER_KEY, StartProcess
from tests.waiting import until

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
else:
    Connection = asyncpg.Connection

ACME, BETA = TenantId("acme"), TenantId("beta")
ANN, BOB = CustomerId(ANN_ID), CustomerId(BOB_ID)


@asynccontextmanager
async def connected(dsn: str) -> AsyncGenerator[Connection]:
    connection: Connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def key_of(keyring: PostgresKeyring, customer: CustomerId, tenant: TenantId = ACME) -> SealKey:
    key = (await keyring.seal_keys(tenant, [customer]))[customer]
    assert isinstance(key, SealKey)
    return key


# Several processes


async def test_all_processes_get_the_same_keys(start_process: StartProcess) -> None:
    one, two = await start_process(), await start_process()

    assert await one.keyring.tenant_keys(ACME) == await two.keyring.tenant_keys(ACME)
    ann = await key_of(one.keyring, ANN)
    assert await key_of(two.keyring, ANN) == ann
    assert await two.keyring.open_keys(ACME, [ann.key_id]) == {ann.key_id: ann.key}


async def test_processes_that_make_the_same_keys_at_once_end_with_one_each(start_process: StartProcess) -> None:
    processes = [await start_process() for _ in range(4)]
    customers = [CustomerId(UUID(int=number)) for number in range(200)]

    for round_ in range(10):
        tenant = TenantId(f"tenant-{round_}")
        answers = await asyncio.gather(
            *(process.keyring.seal_keys(tenant, customers[::step]) for process in processes for step in (1, -1))
        )
        assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize("ending", ["COMMIT", "ROLLBACK"])
async def test_a_candidate_waits_for_its_rival_and_takes_its_place_only_if_it_fails(
    ending: str, start_process: StartProcess, keyring_database: KeyringDatabase
) -> None:
    process = await start_process()
    await process.keyring.tenant_keys(ACME)
    async with connected(keyring_database.eraser) as rival, connected(keyring_database.admin) as admin:
        await rival.execute("BEGIN")
        await rival.execute("SELECT destroy($1, $2)", ACME, [ANN])
        asking = asyncio.create_task(process.keyring.seal_keys(ACME, [ANN]))
        await until(lambda: waits_for_a_lock(admin), seconds=10, what="the candidate waits")
        await rival.execute(ending)

        key = (await asking)[ANN]

    assert isinstance(key, Erased) is (ending == "COMMIT")


async def waits_for_a_lock(admin: Connection) -> bool:
    waiting = await admin.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    return bool(waiting)


async def test_keys_made_and_destroyed_at_once_never_block_in_a_circle(start_process: StartProcess) -> None:
    one, two = await start_process(), await start_process()
    customers = [CustomerId(UUID(int=number)) for number in range(300)]

    for round_ in range(10):
        tenant = TenantId(f"tenant-{round_}")
        await asyncio.gather(
            one.keyring.seal_keys(tenant, customers),
            two.keyring.destroy(tenant, customers[::-1]),
            two.keyring.seal_keys(tenant, customers[::-1]),
            one.keyring.destroy(tenant, customers),
        )
        three = await start_process()
        assert all(isinstance(key, Erased) for key in (await three.keyring.seal_keys(tenant, customers)).values())


# Age


async def test_an_opened_key_is_used_for_twenty_seconds_at_most(start_process: StartProcess) -> None:
    reader, eraser = await start_process(), await start_process()
    ann = await key_of(reader.keyring, ANN)
    await reader.keyring.open_keys(ACME, [ann.key_id])
    await eraser.keyring.destroy(ACME, [ANN])

    reader.clock.pass_by(19.9)
    assert await reader.keyring.seal_keys(ACME, [ANN]) == {ANN: ann}
    assert await reader.keyring.open_keys(ACME, [ann.key_id]) == {ann.key_id: ann.key}
    assert await reader.keyring.erased_at(ACME, [ANN]) == {}

    reader.clock.pass_by(0.1)
    erased = (await reader.keyring.seal_keys(ACME, [ANN]))[ANN]
    assert isinstance(erased, Erased)
    assert await reader.keyring.open_keys(ACME, [ann.key_id]) == {ann.key_id: None}
    assert await reader.keyring.erased_at(ACME, [ANN]) == {ANN: erased.at}


async def test_the_age_of_a_key_counts_from_before_the_question(
    start_process: StartProcess, keyring_database: KeyringDatabase
) -> None:
    reader, eraser = await start_process(), await start_process()
    ann = await key_of(eraser.keyring, ANN)
    await reader.keyring.tenant_keys(ACME)
    async with connected(keyring_database.admin) as admin, admin.transaction():
        await admin.execute("LOCK TABLE keys IN ACCESS EXCLUSIVE MODE")
        asking = asyncio.create_task(reader.keyring.seal_keys(ACME, [ANN]))
        async with connected(keyring_database.admin) as observer:
            await until(lambda: waits_for_a_lock(observer), seconds=10, what="the question waits")
        reader.clock.pass_by(15)
    assert await asking == {ANN: ann}
    await eraser.keyring.destroy(ACME, [ANN])

    reader.clock.pass_by(5)

    assert isinstance((await reader.keyring.seal_keys(ACME, [ANN]))[ANN], Erased)


async def test_who_was_not_erased_a_moment_ago_is_not_asked_about_again(start_process: StartProcess) -> None:
    reader, eraser = await start_process(), await start_process()
    assert await reader.keyring.erased_at(ACME, [ANN]) == {}
    await eraser.keyring.destroy(ACME, [ANN])

    assert await reader.keyring.erased_at(ACME, [ANN]) == {}
    reader.clock.pass_by(20)
    assert set(await reader.keyring.erased_at(ACME, [ANN])) == {ANN}


# What the database holds


async def test_the_database_holds_no_key_in_the_clear(
    start_process: StartProcess, keyring_database: KeyringDatabase
) -> None:
    process = await start_process()
    ann, acme = await key_of(process.keyring, ANN), await process.keyring.tenant_keys(ACME)

    async with connected(keyring_database.admin) as admin:
        stored = await admin.fetch("SELECT t::text FROM tenants t UNION ALL SELECT k::text FROM keys k")

    text = " ".join(row[0] for row in stored)
    assert ann.key_id in text
    assert not any(key.hex() in text for key in (ann.key, acme.wrap, acme.ident, MASTER_KEY))


async def test_the_wrong_master_key_opens_nothing_and_harms_nothing(start_process: StartProcess) -> None:
    right, wrong = await start_process(), await start_process(master_key=bytes(32))
    ann = await key_of(right.keyring, ANN)

    with pytest.raises(KeyringAway, match="master key"):
        await wrong.keyring.seal_keys(ACME, [ANN, BOB])
    with pytest.raises(KeyringAway, match="master key"):
        await wrong.keyring.open_keys(ACME, [ann.key_id])

    right.clock.pass_by(60)
    assert await key_of(right.keyring, ANN) == ann


async def test_a_master_key_of_another_length_is_refused(start_process: StartProcess) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        await start_process(master_key=bytes(16))


async def test_wrapped_keys_that_were_swapped_do_not_open(
    start_process: StartProcess, keyring_database: KeyringDatabase
) -> None:
    process = await start_process()
    ann, bob = await key_of(process.keyring, ANN), await key_of(process.keyring, BOB)
    async with connected(keyring_database.admin) as admin:
        await admin.execute(
            "UPDATE keys k SET wrapped_key = o.wrapped_key FROM keys o WHERE o.customer_id <> k.customer_id"
        )
    other = await start_process()

    with pytest.raises(KeyDamaged, match=ann.key_id):
        await other.keyring.open_keys(ACME, [ann.key_id])
    with pytest.raises(KeyDamaged, match=bob.key_id):
        await other.keyring.seal_keys(ACME, [BOB])


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE keys SET customer_id = gen_random_uuid() RETURNING key_id",
        "UPDATE keys SET key_id = reverse(key_id) RETURNING key_id",
    ],
)
async def test_a_key_that_was_moved_to_another_customer_or_id_does_not_open(
    change: str, start_process: StartProcess, keyring_database: KeyringDatabase
) -> None:
    await key_of((await start_process()).keyring, ANN)
    async with connected(keyring_database.admin) as admin:
        key_id = await admin.fetchval(change)

    with pytest.raises(KeyDamaged):
        await (await start_process()).keyring.open_keys(ACME, [key_id])


async def test_a_destroyed_key_leaves_the_files_with_the_next_rewrite(
    start_process: StartProcess, keyring_database: KeyringDatabase
) -> None:
    process = await start_process()
    customers = [CustomerId(UUID(int=number)) for number in range(40)]
    kept, gone = customers[::2], customers[1::2]
    keys = await process.keyring.seal_keys(ACME, customers)
    async with connected(keyring_database.admin) as admin:
        rows = await admin.fetch("SELECT wrapped_key FROM keys WHERE customer_id = ANY ($1)", gone)

        async def left_in_the_file() -> int:
            await admin.execute("VACUUM keys")
            await admin.execute("CHECKPOINT")
            file = await admin.fetchval("SELECT pg_read_binary_file(pg_relation_filepath('keys'))")
            return sum(row["wrapped_key"] in file for row in rows)

        await process.keyring.destroy(ACME, gone)
        assert await left_in_the_file() > 0  # else there is nothing to rewrite for
        await process.keyring.rewrite()

        assert await left_in_the_file() == 0
    process.clock.pass_by(60)
    assert await process.keyring.seal_keys(ACME, kept) == {customer: keys[customer] for customer in kept}


# Roles


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM keys",
        "SELECT count(*) FROM tenants",
        "INSERT INTO tenants (tenant_id, wrapped_key) VALUES ('x', ''::bytea)",
        "UPDATE keys SET erased_at = NULL",
        "DELETE FROM keys",
        "TRUNCATE keys",
        "CREATE TABLE own (id int)",
        "DROP FUNCTION destroy",
        "ALTER FUNCTION destroy SECURITY INVOKER",
        "SET ROLE rapport_keyring_owner",
        "COPY keys TO STDOUT",
    ],
)
async def test_the_login_roles_reach_keys_through_the_functions_alone(
    statement: str, start_process: StartProcess, keyring_database: KeyringDatabase
) -> None:
    await key_of((await start_process()).keyring, ANN)

    for dsn in (keyring_database.app, keyring_database.eraser):
        async with connected(dsn) as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)


async def test_the_app_role_gives_keys_but_destroys_none(
    start_process: StartProcess, keyring_database: KeyringDatabase
) -> None:
    app = await start_process(dsn=keyring_database.app)
    ann = await key_of(app.keyring, ANN)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.keyring.destroy(ACME, [ANN])

    app.clock.pass_by(60)
    assert await app.keyring.open_keys(ACME, [ann.key_id]) == {ann.key_id: ann.key}
    assert await app.keyring.erased_at(ACME, [ANN]) == {}


async def test_a_table_of_the_same_name_in_the_session_fools_no_function(
    start_process: StartProcess, keyring_database: KeyringDatabase
) -> None:
    ann = await key_of((await start_process()).keyring, ANN)
    async with connected(keyring_database.admin) as admin:
        await admin.execute("SET search_path = pg_temp, public")
        await admin.execute("CREATE TEMPORARY TABLE keys (LIKE public.keys)")

        rows = await admin.fetch("SELECT * FROM open_keys($1, $2)", ACME, [ann.key_id])

    assert [row["key_id"] for row in rows] == [ann.key_id]


async def test_every_table_and_function_of_the_keyring_is_guarded(keyring_database: KeyringDatabase) -> None:
    async with connected(keyring_database.admin) as admin:
        open_tables = await admin.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
            " AND relname <> 'migrations' AND NOT (relrowsecurity AND relforcerowsecurity)"
        )
        open_functions = await admin.fetch(
            "SELECT proname FROM pg_proc p WHERE pronamespace = 'public'::regnamespace"
            " AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')"
            " AND NOT (prosecdef AND proconfig @> ARRAY['search_path=public, pg_temp']"
            " AND pg_get_userbyid(proowner) = 'rapport_keyring_owner'"
            " AND proacl::text NOT LIKE '%,=X%' AND proacl::text NOT LIKE '{=X%')"
        )

    assert [row[0] for row in open_tables] == []
    assert [row[0] for row in open_functions] == []


# Absence


class Line:
    """A line to a server that can be cut, or go silent."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._open = asyncio.Event()
        self._open.set()
        self._is_cut = False
        self._writers: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        self._is_cut = True
        for writer in self._writers:
            writer.transport.abort()

    def silence(self) -> None:
        self._open.clear()

    def mend(self) -> None:
        self._is_cut = False
        self._open.set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        self._writers |= {writer, far_writer}
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._carry(reader, far_writer))
            tasks.create_task(self._carry(far_reader, writer))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                await self._open.wait()
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()


@pytest.fixture
async def line(keyring_database: KeyringDatabase) -> AsyncIterator[tuple[Line, str]]:
    parts = urlsplit(keyring_database.app)
    assert parts.hostname
    assert parts.port
    line = Line(parts.hostname, parts.port)
    server = await asyncio.start_server(line.accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    login = parts.netloc.rpartition("@")[0]
    yield line, urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{port}"))
    line.mend()
    line.cut()
    server.close()


@pytest.mark.parametrize("fault", ["cut", "silence"])
async def test_without_its_database_a_keyring_is_away_within_bounds_and_comes_back(
    fault: str, line: tuple[Line, str], start_process: StartProcess
) -> None:
    wire, dsn = line
    process = await start_process(dsn=dsn, wait_seconds=0.3)
    ann = await key_of(process.keyring, ANN)

    getattr(wire, fault)()
    process.clock.pass_by(60)
    for _ in range(2):  # the connection that it had, then a new one
        began = time.monotonic()
        with pytest.raises(KeyringAway):
            await process.keyring.seal_keys(ACME, [ANN])
        with pytest.raises(KeyringAway):
            await process.keyring.open_keys(ACME, [ann.key_id])
        with pytest.raises(KeyringAway):
            await process.keyring.erased_at(ACME, [BOB])
        with pytest.raises(KeyringAway):
            await process.keyring.tenant_keys(BETA)
        assert time.monotonic() - began < 4 * 3 * 0.3 + 1

    wire.mend()
    assert await key_of(process.keyring, ANN) == ann


async def test_fresh_keys_outlive_a_short_absence(line: tuple[Line, str], start_process: StartProcess) -> None:
    wire, dsn = line
    process = await start_process(dsn=dsn, wait_seconds=0.3)
    ann = await key_of(process.keyring, ANN)

    wire.cut()

    assert await key_of(process.keyring, ANN) == ann
    with pytest.raises(KeyringAway):
        await process.keyring.seal_keys(ACME, [ANN, BOB])


async def test_a_server_that_only_reads_is_away(start_process: StartProcess, keyring_database: KeyringDatabase) -> None:
    async with connected(keyring_database.admin) as admin:
        name = await admin.fetchval("SELECT current_database()")
        await admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    process = await start_process()

    with pytest.raises(KeyringAway):
        await process.keyring.tenant_keys(ACME)


async def test_a_question_that_waits_for_a_lock_too_long_finds_the_keyring_away(
    start_process: StartProcess, keyring_database: KeyringDatabase
) -> None:
    process = await start_process(wait_seconds=0.3)
    await process.keyring.tenant_keys(ACME)
    async with connected(keyring_database.admin) as admin, admin.transaction():
        await admin.execute("LOCK TABLE keys IN ACCESS EXCLUSIVE MODE")

        with pytest.raises(KeyringAway):
            await process.keyring.seal_keys(ACME, [ANN])

    assert isinstance((await process.keyring.seal_keys(ACME, [ANN]))[ANN], SealKey)
