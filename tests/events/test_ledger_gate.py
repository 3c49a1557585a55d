"""After a restart, restore or failover nobody appends before ledger and topic were compared."""

from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from rapport_events.gate import read_remembered, read_server_identity, reopen
from rapport_events.ledger import Appended, LedgerShut, Place
from tests.events.appends import beginning, request
from tests.events.ledger_contract import one
from tests.events.postgres_desk import PostgresDesk


async def test_an_open_ledger_remembers_its_server(desk: PostgresDesk) -> None:
    async with desk.keeper.acquire() as connection:
        server = await read_server_identity(connection)
        remembered = await read_remembered(connection)

    assert (remembered.era, remembered.is_open, remembered.server) == (1, True, server)
    assert server.system_identifier != 0
    assert server.timeline == 1


async def test_a_new_ledger_is_shut_until_it_was_compared(desk: PostgresDesk) -> None:
    await _tell(desk, "UPDATE ledger SET system_identifier = NULL, timeline = NULL, compared_start = NULL")

    async with desk.keeper.acquire() as connection:
        assert (await read_remembered(connection)).server is None
    assert not (await desk.ledger.state()).is_open
    with pytest.raises(LedgerShut):
        await one(desk.ledger, request(beginning()))


async def test_a_restarted_server_takes_appends_only_after_reopening(desk: PostgresDesk) -> None:
    await _tell(desk, "UPDATE ledger SET compared_start = compared_start - interval '1 microsecond'")
    with pytest.raises(LedgerShut):
        await one(desk.ledger, request(beginning()))

    async with desk.keeper.acquire() as connection:
        assert await reopen(connection, await read_server_identity(connection))

    assert (await desk.ledger.state()).is_open
    assert await one(desk.ledger, request(beginning())) == Appended((Place(0, 1, 1),))


async def test_a_server_restarted_since_the_comparison_stays_shut(desk: PostgresDesk) -> None:
    await desk.shut()

    async with desk.keeper.acquire() as connection:
        server = await read_server_identity(connection)
        compared = replace(server, started_at=server.started_at - timedelta(seconds=1))
        assert not await reopen(connection, compared)

    assert not (await desk.ledger.state()).is_open


async def test_the_app_may_neither_shut_nor_open(desk: PostgresDesk) -> None:
    async with desk.app.acquire() as connection:
        for statement in ("SELECT ledger_shut()", "UPDATE ledger SET is_open = false", "UPDATE ledger SET era = 2"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)


async def _tell(desk: PostgresDesk, statement: str) -> None:
    admin = await asyncpg.connect(desk.database.admin)
    try:
        await admin.execute(statement)
    finally:
        await admin.close()
