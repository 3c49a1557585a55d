"""A connection lost in the middle of an append: the events are there once, and the callers learn where."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from rapport_events.database import open_pool
from rapport_events.ledger import ANY, NONE, Append, Appended, Place, VersionConflict
from rapport_events.postgres_ledger import PostgresLedger, append_within
from tests.events.appends import TENANT, beginning, key, new_stream, request, to
from tests.events.ledger_contract import one
from tests.events.postgres_desk import PostgresDesk
from tests.events.severed import Road
from tests.waiting import until


@pytest.fixture
async def road(desk: PostgresDesk) -> AsyncIterator[Road]:
    async with Road(desk.database.app).open() as road:
        yield road


@pytest.fixture
async def ledger(road: Road) -> AsyncIterator[PostgresLedger]:
    """Append over the road; one append has prepared the statement, so the next answer is that of a commit."""
    async with (
        await open_pool(road.dsn, name="tests.severed") as app,
        PostgresLedger(service="interactions", app=app) as ledger,
    ):
        await one(ledger, request(beginning()))
        yield ledger


@pytest.mark.parametrize(
    "appended",
    [
        request(to(new_stream(), expected=NONE)),
        request(to(new_stream(), expected=ANY)),
        request(to(new_stream(), expected=NONE), facts="f"),
        request(to(new_stream(), expected=NONE), identities="i"),
    ],
    ids=["version", "any version", "fact", "identity"],
)
async def test_an_append_whose_answer_was_lost_is_there_once(
    road: Road, ledger: PostgresLedger, appended: Append
) -> None:
    road.lose_answer_to(str(appended.streams[0].stream))

    outcome = await one(ledger, appended)

    assert road.lost == 1
    assert outcome == Appended((Place(0, 2, 1),))
    assert (await ledger.state()).heads[0] == 2


async def test_an_append_with_a_key_whose_answer_was_lost_is_answered_by_its_key(
    road: Road, ledger: PostgresLedger
) -> None:
    appended = request(beginning(), key=key("k"))
    road.lose_answer_to(str(appended.streams[0].stream))

    outcome = await one(ledger, appended)

    assert road.lost == 1
    assert outcome == Appended((Place(0, 2, 1),), repeated=True)
    assert (await ledger.state()).heads[0] == 2


async def test_each_of_a_group_whose_answer_was_lost_gets_its_own(
    desk: PostgresDesk, road: Road, ledger: PostgresLedger
) -> None:
    streams = [new_stream(1) for _ in range(4)]
    conflicting = request(to(new_stream(1), 1, expected=5))
    async with desk.keeper.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await append_within(connection, [(TENANT, request(beginning(2)))])
        async with asyncio.TaskGroup() as tasks:
            first = tasks.create_task(one(ledger, request(beginning(2))))
            await until(lambda: _appenders_waiting(desk, 1), seconds=5, what="the first group waits")
            calls = [tasks.create_task(one(ledger, request(to(stream, 1, expected=NONE)))) for stream in streams]
            calls.append(tasks.create_task(one(ledger, conflicting)))
            road.lose_answer_to(streams[2])
            await transaction.commit()

    places = [Place(1, position, 1) for position in (1, 2, 3, 4)]
    assert first.result() == Appended((Place(2, 2, 1),))
    assert road.lost == 1
    assert [call.result() for call in calls] == [*(Appended((place,)) for place in places), VersionConflict((0,))]


async def test_an_append_whose_server_process_ended_while_it_waited_is_sent_again(desk: PostgresDesk) -> None:
    async with desk.keeper.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await append_within(connection, [(TENANT, request(beginning(3)))])
        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(one(desk.ledger, request(beginning(3))))
            await until(lambda: _appenders_waiting(desk, 1), seconds=5, what="the append waits for the partition")
            await _as_admin(
                desk,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'",
            )
            await until(lambda: _appenders_waiting(desk, 0), seconds=5, what="its process has ended")
            await transaction.commit()

    assert waiting.result() == Appended((Place(3, 2, 1),))


async def _appenders_waiting(desk: PostgresDesk, count: int) -> bool:
    waiting = await _as_admin(
        desk, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    return waiting == count


async def _as_admin(desk: PostgresDesk, statement: str) -> object:
    admin = await asyncpg.connect(desk.database.admin)
    try:
        return await admin.fetchval(statement)
    finally:
        await admin.close()
