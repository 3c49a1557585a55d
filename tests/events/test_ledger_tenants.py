"""A tenant's rows are seen by nobody else, and nobody writes events past the append function."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from rapport_events.database import Connection
from tests.events.appends import OTHER_TENANT, TENANT, beginning, key, request
from tests.events.ledger_contract import one
from tests.events.postgres_desk import PostgresDesk

TABLES = ("events", "claims", "commands")


@pytest.fixture
async def app(desk: PostgresDesk) -> AsyncIterator[Connection]:
    """Record something for one tenant, and connect as the app role does."""
    for number in range(32):
        await one(desk.ledger, request(beginning(number), key=key(f"k{number}"), facts=f"f{number}"))
    connection = await asyncpg.connect(desk.database.app)
    yield connection
    await connection.close()


@pytest.mark.parametrize("table", TABLES)
async def test_a_tenant_sees_its_own_rows_and_no_other_does(app: Connection, table: str) -> None:
    assert await _count(app, table, TENANT) == 32
    assert await _count(app, table, OTHER_TENANT) == 0


@pytest.mark.parametrize("table", TABLES)
async def test_without_a_tenant_there_are_no_rows(app: Connection, table: str) -> None:
    assert await _count(app, table, None) == 0
    assert await _count(app, table, TENANT) == 32
    assert await _count(app, table, None) == 0, "a tenant that was reset reads as an empty name"


async def test_the_app_writes_nothing_itself(app: Connection) -> None:
    for statement in (
        "INSERT INTO events SELECT * FROM events",
        "UPDATE events SET position = position + 1",
        "DELETE FROM events",
        "TRUNCATE events",
        "INSERT INTO claims SELECT * FROM claims",
        "DELETE FROM claims",
        "INSERT INTO commands SELECT * FROM commands",
        "DELETE FROM commands",
        "CREATE TABLE mine ()",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute(statement)


@pytest.mark.parametrize("role", ["app", "keeper"])
async def test_nobody_reads_a_partition_directly(desk: PostgresDesk, role: str) -> None:
    connection = await asyncpg.connect(getattr(desk.database, role))
    try:
        for number in range(32):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"SELECT FROM events_{number}")
    finally:
        await connection.close()


async def test_the_keeper_adds_events_and_changes_none(desk: PostgresDesk) -> None:
    async with desk.keeper.acquire() as connection:
        for statement in ("UPDATE events SET position = position + 1", "DELETE FROM events", "DELETE FROM claims"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)


async def test_every_table_with_tenants_forces_row_level_security(desk: PostgresDesk) -> None:
    admin = await asyncpg.connect(desk.database.admin)
    try:
        rows = await admin.fetch(
            """
            SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AS is_forced
              FROM pg_class AS c
              JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
             WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
            """
        )
    finally:
        await admin.close()

    assert len(rows) >= 35
    assert [row["relname"] for row in rows if not row["is_forced"]] == []


async def test_a_read_model_is_guarded_and_its_view_shows_the_tenants_rows(desk: PostgresDesk) -> None:
    admin = await asyncpg.connect(desk.database.admin)
    await admin.execute("SET ROLE rapport_events_owner")
    await admin.execute("CREATE TABLE totals_v1_r1 (tenant_id text, amount numeric) PARTITION BY LIST (tenant_id)")
    await admin.execute("CREATE TABLE totals_v1_r1_rest PARTITION OF totals_v1_r1 DEFAULT")
    await admin.execute("SELECT read_model('totals_v1_r1')")
    await admin.execute("ALTER TABLE totals_v1_r1 ADD COLUMN later text")
    await admin.close()

    async with desk.keeper.acquire() as keeper:
        await keeper.execute("INSERT INTO totals_v1_r1 VALUES ($1, 5), ($2, 7)", TENANT, OTHER_TENANT)
        await keeper.execute("CREATE TABLE totals_v1_r2 (tenant_id text, amount numeric)")
        await keeper.execute("SELECT read_model('totals_v1_r2')")
        await keeper.execute("INSERT INTO totals_v1_r2 VALUES ($1, 6)", TENANT)
    async with desk.app.acquire() as app:
        before = await _amounts(app)
        async with desk.keeper.acquire() as keeper:
            await keeper.execute(
                "CREATE OR REPLACE VIEW totals_v1 WITH (security_invoker = true) AS SELECT * FROM totals_v1_r2"
            )
            await keeper.execute("DROP TABLE totals_v1_r1")
        after = await _amounts(app)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute("DELETE FROM totals_v1_r2")

    assert (before, after) == ([5], [6])


async def _amounts(app: Connection) -> list[int]:
    async with app.transaction():
        await app.execute("SELECT set_config('rapport.tenant', $1, true)", TENANT)
        return [int(row["amount"]) for row in await app.fetch("SELECT amount FROM totals_v1")]


async def _count(app: Connection, table: str, tenant: str | None) -> int:
    async with app.transaction():
        if tenant is not None:
            await app.execute("SELECT set_config('rapport.tenant', $1, true)", tenant)
        return int(await app.fetchval(f"SELECT count(*) FROM {table}"))  # noqa: S608 - a name from above
