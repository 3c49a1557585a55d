"""What the model of the protocol left out, on a real server: lock order, and rivals within one group."""

import asyncio

import asyncpg
import pytest

from rapport_events.database import Connection
from rapport_events.ids import PARTITIONS
from rapport_events.ledger import NONE, Append, Appended, KeyReused, Outcome, VersionConflict
from rapport_events.postgres_ledger import append_within
from rapport_events.statements import load
from tests.events.appends import TENANT, beginning, key, new_stream, request, to
from tests.events.ledger_contract import one
from tests.events.postgres_desk import PostgresDesk
from tests.waiting import until

ROUNDS = 40
P = 3


async def _advance(connection: Connection, partitions: list[int], now: int) -> int:
    async with connection.transaction():
        count = len(partitions)
        columns = ["sums_v1_r1"] * count, ["interactions"] * count, [1] * count, partitions
        tallies = [[0] * count] * 3
        moves = [now] * count, [now + 1] * count, *tallies
        status = await connection.execute(load("rapport_events", "reader/advance"), *columns, *moves)
    return int(status.rpartition(" ")[2])


async def test_whoever_moves_many_partitions_takes_their_locks_in_one_order_and_one_of_them_moves_all(
    desk: PostgresDesk,
) -> None:
    await desk.keeper.execute(load("rapport_events", "reader/begin"), "sums_v1_r1", ["interactions"], [1])
    upwards = list(range(PARTITIONS))
    one_way, other_way = [await asyncpg.connect(desk.database.keeper) for _ in range(2)]

    for number in range(ROUNDS):
        # A circle of locks would be ended by the server, with an error.
        moved = await asyncio.gather(
            _advance(one_way, upwards, number), _advance(other_way, list(reversed(upwards)), number)
        )
        assert sorted(moved) == [0, PARTITIONS]

    for connection in (one_way, other_way):
        await connection.close()


async def _together(desk: PostgresDesk, requests: list[Append]) -> list[Outcome]:
    """Let callers of one process ask while its connection is busy, so that all of them come in one group."""
    async with desk.keeper.acquire() as connection, asyncio.TaskGroup() as tasks:
        transaction = connection.transaction()
        await transaction.start()
        await append_within(connection, [(TENANT, request(beginning(P)))])
        first = tasks.create_task(one(desk.ledger, request(beginning(P))))
        await until(lambda: _waits(desk), seconds=5, what="the first group waits for its partition")
        calls = [tasks.create_task(one(desk.ledger, each)) for each in requests]
        await asyncio.sleep(0)
        await transaction.commit()
    assert isinstance(first.result(), Appended)
    return [call.result() for call in calls]


async def _waits(desk: PostgresDesk) -> bool:
    admin = await asyncpg.connect(desk.database.admin)
    try:
        waiting: int = await admin.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'"
        )
    finally:
        await admin.close()
    return waiting == 1


async def test_of_requests_with_one_key_in_a_group_the_first_is_recorded_and_all_hear_its_answer(
    desk: PostgresDesk,
) -> None:
    before = (await desk.ledger.state()).heads[P]
    same = [request(to(new_stream(P), P, expected=NONE), key=key("k")) for _ in range(8)]
    other = request(to(new_stream(P), P, expected=NONE), key=key("k", "another body"))

    *outcomes, reused = await _together(desk, [*same, other])

    assert {outcome.places for outcome in outcomes if isinstance(outcome, Appended)} == {
        outcomes[0].places if isinstance(outcomes[0], Appended) else ()
    }
    assert [outcome.repeated for outcome in outcomes if isinstance(outcome, Appended)] == [False, *[True] * 7]
    assert isinstance(reused, KeyReused)
    assert (await desk.ledger.state()).heads[P] == before + 3


@pytest.mark.parametrize("rivals", [2, 16])
async def test_of_requests_for_one_version_of_a_stream_in_a_group_one_wins(desk: PostgresDesk, rivals: int) -> None:
    stream = new_stream(P)

    outcomes = await _together(desk, [request(to(stream, P, expected=NONE)) for _ in range(rivals)])

    assert [type(outcome) for outcome in outcomes] == [Appended, *[VersionConflict] * (rivals - 1)]
    found = await desk.ledger.read_streams(TENANT, [stream])
    assert [event.version for event in found[stream]] == [1]
