"""After a restart, restore or failover nobody appends before ledger and topic were compared."""

from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from rapport_events.database import Connection
from rapport_events.gate import note_shut, read_condition, read_remembered, read_server_identity, reopen, shut
from rapport_events.ledger import Appended, LedgerShut, Place
from rapport_events.remedies import explain, remedy
from tests.events.appends import beginning, request
from tests.events.ledger_contract import one
from tests.events.postgres_desk import PostgresDesk

# What pg_restore does: the table is made anew, and gets its row, all but what is computed.
LOAD_DUMP = """
    ALTER TABLE ledger RENAME TO dumped;
    CREATE TABLE ledger (LIKE dumped INCLUDING ALL);
    GRANT SELECT ON ledger TO rapport_events_app;
    GRANT SELECT, UPDATE ON ledger TO rapport_events_keeper;
    INSERT INTO ledger (era, is_open, system_identifier, timeline, compared_start, compared_table)
    SELECT era, is_open, system_identifier, timeline, compared_start, compared_table FROM dumped;
    DROP TABLE dumped;
"""


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


async def test_an_era_that_began_a_moment_ago_stays_shut(desk: PostgresDesk) -> None:
    await _tell(desk, "UPDATE ledger SET era_began_at = clock_timestamp()")

    async with desk.keeper.acquire() as connection:
        assert not await reopen(connection)
        await connection.execute("UPDATE ledger SET era_began_at = era_began_at - interval '1 minute'")
        assert await reopen(connection)


async def test_a_dump_that_was_loaded_into_the_same_server_is_shut_until_it_was_compared(desk: PostgresDesk) -> None:
    await _tell(desk, LOAD_DUMP)

    assert not (await desk.ledger.state()).is_open
    with pytest.raises(LedgerShut):
        await one(desk.ledger, request(beginning()))
    async with desk.keeper.acquire() as connection:
        assert (await read_remembered(connection)).server is None
        assert await reopen(connection)
    assert (await desk.ledger.state()).is_open


async def test_a_ledger_says_why_it_is_shut_until_it_is_open(desk: PostgresDesk) -> None:
    async with desk.keeper.acquire() as connection:
        await note_shut(connection, "record_not_held", "it lacks position 7")
        assert await _words(connection) == (None, None)
        await shut(connection)
        await note_shut(connection, "record_not_held", "it lacks position 7")
        why, what_to_do = await _words(connection)
        assert (why, "`rapport ledger new-era --take-back contacts`" in str(what_to_do)) == (
            "it lacks position 7",
            True,
        )
        assert await reopen(connection)
        assert await _words(connection) == (None, None)
        await connection.execute("UPDATE ledger SET compared_start = NULL")
        why, what_to_do = await _words(connection)
        assert "has not compared" in str(why)
        assert "wait a moment" in str(what_to_do)


async def test_the_app_may_neither_shut_nor_open(desk: PostgresDesk) -> None:
    async with desk.app.acquire() as connection:
        for statement in ("SELECT ledger_shut()", "UPDATE ledger SET is_open = false", "UPDATE ledger SET era = 2"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)


async def _words(connection: Connection) -> tuple[str | None, str | None]:
    condition = await read_condition(connection)
    return explain(condition), remedy(condition, "contacts")


async def _tell(desk: PostgresDesk, statement: str) -> None:
    admin = await asyncpg.connect(desk.database.admin)
    try:
        await admin.execute(statement)
    finally:
        await admin.close()
