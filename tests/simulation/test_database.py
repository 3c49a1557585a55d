"""The database of the simulation answers as PostgreSQL does: each call is made to both."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

import asyncpg
import pytest

from rapport_events.database import Connection
from rapport_events.gate import note_shut, read_remembered, read_server_identity, reopen, shut
from rapport_events.ledger import LedgerShut
from rapport_events.parking import Parked, event_key, park, parked_customers, repairs_of
from rapport_events.reader import Overtaken, ViewReader
from rapport_events.statements import load
from rapport_events.testing import ANN, arrived
from rapport_events.view import Arrived
from tests.events.appends import beginning, request
from tests.events.sums import Purchases
from tests.simulation.desks import Desk, desk
from tests.simulation.taken import Taken
from tests.waiting import until

__all__ = ["desk"]

LINES = ["interactions"], [1]


def events(name: str) -> str:
    return load("rapport_events", name)


def line(count: int, total: str = "1.00") -> list[Arrived]:
    purchases = Purchases()
    return [arrived(purchases.next(ANN, total)) for _ in range(count)]


async def reader_of(desk: Desk) -> ViewReader:
    reader = ViewReader(Taken(), desk.pool)
    await reader.begin({"interactions": 1})
    return reader


async def advance(connection: Connection, partitions: Sequence[int], now: Sequence[int], then: Sequence[int]) -> str:
    count = len(partitions)
    columns = ["taken_v1_r1"] * count, ["interactions"] * count, [1] * count, list(partitions), list(now), list(then)
    tallies = [[0] * count] * 3
    return (await connection.execute(events("reader/advance"), *columns, *tallies)).rpartition(" ")[2]


async def taken(desk: Desk) -> list[tuple[int, int]]:
    rows = await desk.pool.fetch(Taken().sql("taken/rows"))
    return [(row["number"], row["position"]) for row in rows]


async def test_a_reader_begins_at_0_in_every_partition_and_begins_once(desk: Desk) -> None:
    for era in (1, 2):
        await desk.pool.execute(events("reader/begin"), "taken_v1_r1", ["interactions"], [era])

    rows = await desk.pool.fetch(events("reader/positions"), "taken_v1_r1")

    assert sorted((row["era"], row["partition"], row["position"]) for row in rows) == [(1, p, 0) for p in range(32)]
    assert [tuple(row) for row in await desk.pool.fetch(events("reader/eras"), ["interactions"])] == [
        ("interactions", 1)
    ]


async def test_only_checkpoints_that_are_where_they_are_believed_to_be_move(desk: Desk) -> None:
    await reader_of(desk)
    async with desk.pool.acquire() as connection:
        assert await advance(connection, [3, 4], [0, 0], [2, 1]) == "2"
        assert await advance(connection, [3, 4], [1, 1], [9, 2]) == "1"
        assert await advance(connection, [32], [0], [1]) == "0"

    rows = await desk.pool.fetch(events("reader/positions"), "taken_v1_r1")
    assert {row["partition"]: row["position"] for row in rows if row["position"]} == {3: 2, 4: 2}


async def test_who_moves_a_checkpoint_waits_for_whoever_is_about_to(desk: Desk) -> None:
    await reader_of(desk)
    async with AsyncExitStack() as stack:
        one, other = [await stack.enter_async_context(desk.pool.acquire()) for _ in range(2)]
        group = await stack.enter_async_context(asyncio.TaskGroup())
        async with one.transaction():
            assert await advance(one, [3], [0], [1]) == "1"
            second = group.create_task(advance(other, [3], [0], [1]))
            await asyncio.sleep(0.05)
            assert not second.done()
        assert await second == "0"


async def test_what_is_not_committed_is_seen_by_nobody_else_and_gone_after_an_error(desk: Desk) -> None:
    await reader_of(desk)
    with pytest.raises(ZeroDivisionError):
        await _fail_in_the_middle(desk)

    assert await desk.pool.fetch(Taken().sql("taken/rows")) == []
    assert await _positions(desk) == {0}


async def _fail_in_the_middle(desk: Desk) -> None:
    async with desk.pool.acquire() as connection, connection.transaction():
        await advance(connection, [3], [0], [1])
        with pytest.raises(KeyError):
            await _fail_in_a_savepoint(connection)
        assert await connection.fetch(Taken().sql("taken/rows")) == []
        assert await _positions(desk) == {0}
        raise ZeroDivisionError


async def _fail_in_a_savepoint(connection: Connection) -> None:
    async with connection.transaction():
        await connection.execute(Taken().sql("taken/add"), *_row(1))
        raise KeyError


async def _positions(desk: Desk) -> set[int]:
    return {row["position"] for row in await desk.pool.fetch(events("reader/positions"), "taken_v1_r1")}


def _row(number: int) -> list[list[object]]:
    return [["acme"], [str(ANN)], [number], [3], [7], ["e"]]


async def test_a_number_is_taken_once(desk: Desk) -> None:
    await desk.pool.execute(Taken().sql("taken/add"), *_row(1))
    with pytest.raises(asyncpg.UniqueViolationError):
        await desk.pool.execute(Taken().sql("taken/add"), *_row(1))

    rows = await desk.pool.fetch(Taken().sql("taken/counts"), ["acme", "acme"], [str(ANN), "nobody"])
    assert [tuple(row) for row in rows] == [("acme", str(ANN), 1)]


async def test_a_reader_takes_each_number_once_whoever_else_is_there(desk: Desk) -> None:
    one, other = await reader_of(desk), await reader_of(desk)
    records = line(3)

    await one.take(records[:2])
    with pytest.raises(Overtaken):
        await other.take_once(records)
    await other.take([records[2], *records])

    assert await taken(desk) == [(1, 1), (2, 2), (3, 3)]


async def test_what_is_parked_is_parked_once_and_holds_its_customer_back(desk: Desk) -> None:
    reader = await reader_of(desk)
    [good], [poison] = line(1), line(1, "13.13")
    [record] = [reader.view.decode(good)]
    async with desk.pool.acquire() as connection:
        assert await parked_customers(connection, reader.view, [record]) == set()
        for _ in range(2):
            await park(connection, reader.view.reader, [Parked(poison, "cause")])
        assert await parked_customers(connection, reader.view, [record]) == {("acme", str(ANN))}
        assert await repairs_of(connection, [(poison.source, event_key(poison))]) == {}


async def test_a_poisoned_fact_is_parked_with_those_behind_it(desk: Desk) -> None:
    reader = await reader_of(desk)
    purchases = Purchases()

    await reader.take([arrived(purchases.next(ANN, total)) for total in ("1.00", "13.13", "1.00")])

    assert await taken(desk) == [(1, 1)]
    assert await _positions(desk) == {0, 3}


async def test_the_mirror_reads_rows_in_order_in_the_present_era_only(desk: Desk) -> None:
    await desk.append([request(beginning(3, count=3)), request(beginning(4))])

    rows = await desk.pool.fetch(events("mirror/rows"), [3, 4, 5], [1, 0, 0], 10, 10**6, 1)
    other = await desk.pool.fetch(events("mirror/rows"), [3, 4, 5], [1, 0, 0], 10, 10**6, 2)

    assert sorted((row["partition"], row["position"]) for row in rows) == [(3, 2), (3, 3), (4, 1)]
    assert other == []
    held = await desk.pool.fetch(events("mirror/held"), [3, 3, 5], [2, 9, 1], [3, 9, 1])
    ids = {row["position"]: str(row["event_id"]) for row in rows if row["partition"] == 3}
    assert sorted((row["partition"], row["first"], row["ids"]) for row in held) == [
        (3, 2, [ids[2], ids[3]]),
        (3, 9, []),
        (5, 1, []),
    ]


async def test_marks_of_a_partition_are_kept_in_place_of_those_before(desk: Desk) -> None:
    keep = events("mirror/keep_marks")
    await desk.pool.execute(keep, 1, [3, 4], [3, 3, 4], [5, 6, 0], [5, 6, 1], ["a", "b", "c"])
    await desk.pool.execute(keep, 2, [3], [3], [0], [1], ["d"])
    await desk.pool.execute(keep, 1, [3], [3], [9], [7], ["e"])

    rows = await desk.pool.fetch(events("mirror/marks"), 1)
    assert sorted(tuple(row) for row in rows) == [(3, 9, 7, "e"), (4, 0, 1, "c")]


async def test_one_connection_leads_until_it_is_lost(desk: Desk) -> None:
    async with AsyncExitStack() as stack:
        one, other = [await stack.enter_async_context(desk.pool.acquire()) for _ in range(2)]
        assert await one.fetchval(events("mirror/lead"))
        assert not await other.fetchval(events("mirror/lead"))
        assert await one.fetchval(events("mirror/beat"))
        one.terminate()

        async def leads() -> bool:
            return bool(await other.fetchval(events("mirror/lead")))

        await until(leads, seconds=5, what="the other one leads")


async def test_a_ledger_that_was_shut_takes_nothing_until_it_is_opened_on_its_server(desk: Desk) -> None:
    async with desk.pool.acquire() as connection:
        server = await read_server_identity(connection)
        assert (await read_remembered(connection)).server == server
        await shut(connection)
        await note_shut(connection, "shut", "by hand")
        with pytest.raises(LedgerShut):
            await desk.append([request(beginning(3))])
        assert not (await read_remembered(connection)).is_open
        assert await reopen(connection, server)
        await desk.append([request(beginning(3))])
        [glance] = await connection.fetch(events("mirror/glance"))
        assert (glance["era"], glance["is_compared"], glance["heads"][3]) == (1, True, 1)


async def _advance_and_lose(desk: Desk) -> None:
    async with desk.pool.acquire() as connection, connection.transaction():
        await advance(connection, [3], [0], [1])
        connection.terminate()
        await advance(connection, [3], [1], [2])


async def test_a_lost_connection_rolls_back(desk: Desk) -> None:
    await reader_of(desk)
    with pytest.raises((asyncpg.InterfaceError, asyncpg.PostgresConnectionError)):
        await _advance_and_lose(desk)

    async def is_back() -> bool:
        async with desk.pool.acquire() as connection:
            return await advance(connection, [3], [0], [0]) == "1"

    await until(is_back, seconds=5, what="the server has noticed")
