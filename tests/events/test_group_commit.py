"""Group commit: many callers, few commits, and one notification of the mirror for many."""

import asyncio

import asyncpg

from rapport_events.database import Connection, open_pool
from rapport_events.gate import reopen
from rapport_events.postgres_ledger import PostgresLedger
from tests.databases import Databases, ServiceDatabase
from tests.events.appends import TENANT, beginning, request
from tests.events.ledger_contract import one
from tests.events.postgres_desk import PostgresDesk
from tests.waiting import until

CALLERS = 32
APPENDS_EACH = 50


async def test_32_callers_need_less_than_a_commit_for_four_events(
    service: ServiceDatabase, databases: Databases
) -> None:
    async with await open_pool(service.keeper, name="tests.opener") as keeper, keeper.acquire() as connection:
        await reopen(connection)
    admin = await asyncpg.connect(databases.admin_dsn)
    try:
        before = await _commits(admin, service)
        async with (
            await open_pool(service.app, name="tests.app") as app,
            PostgresLedger(service="interactions", app=app) as ledger,
            asyncio.TaskGroup() as tasks,
        ):
            for _ in range(CALLERS):
                tasks.create_task(_call_again_and_again(ledger))
        commits = await _commits(admin, service) - before
    finally:
        await admin.close()

    assert commits < CALLERS * APPENDS_EACH / 4
    print(f"{CALLERS * APPENDS_EACH} events in {commits} commits")  # noqa: T201 - shown with pytest -s


async def test_the_mirror_is_woken_after_a_commit_and_not_for_each(desk: PostgresDesk) -> None:
    heard: list[object] = []

    def heard_of(_connection: object, _process: int, _channel: str, payload: object) -> None:
        heard.append(payload)

    listener = await asyncpg.connect(desk.database.keeper)
    try:
        await listener.add_listener("rapport_ledger", heard_of)
        for _ in range(100):
            await one(desk.ledger, request(beginning()))
        await until(lambda: len(heard) > 0, seconds=5, what="the mirror hears of the commits")
    finally:
        await listener.close()

    assert set(heard) == {""}
    assert len(heard) < 100


async def _call_again_and_again(ledger: PostgresLedger) -> None:
    for number in range(APPENDS_EACH):
        await ledger.append(TENANT, [request(beginning(number % 32))])


async def _commits(admin: Connection, service: ServiceDatabase) -> int:
    """Count the commits of a database; its connections report theirs when they end."""
    name = service.admin.rpartition("/")[2]

    async def is_left() -> bool:
        return not await admin.fetchval("SELECT count(*) FROM pg_stat_activity WHERE datname = $1", name)

    await until(is_left, seconds=10, what="nobody is connected")
    return int(await admin.fetchval("SELECT xact_commit FROM pg_stat_database WHERE datname = $1", name))
