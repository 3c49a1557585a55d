"""Rebuilds and parked records in the simulation are what they are in PostgreSQL: each call is made to both."""

from typing import Any, cast

from rapport_events.parking import BEHIND
from rapport_events.reader import ViewReader
from rapport_events.rebuild import Outcome, begin_rebuild, drop, read_rebuilds, register, switch
from rapport_events.releasing import release_wanted
from rapport_events.statements import load
from rapport_events.testing import ANN, TENANT, arrived
from rapport_events.view import Arrived
from tests.events.sums import Purchases
from tests.simulation.callers import data_of
from tests.simulation.desks import Desk, desk
from tests.simulation.taken import Taken

__all__ = ["desk"]


def events(name: str) -> str:
    return load("rapport_events", name)


async def reader_of(desk: Desk, rebuild: int = 1, *, era: int = 1) -> ViewReader:
    reader = ViewReader(Taken(rebuild), desk.pool)
    await reader.begin({"interactions": era})
    return reader


def line(*totals: str) -> list[Arrived]:
    purchases = Purchases()
    return [arrived(purchases.next(ANN, total)) for total in totals]


async def positions(desk: Desk, rebuild: int = 1) -> list[int]:
    rows = await desk.pool.fetch(Taken(rebuild).sql("taken/rows"))
    return [row["position"] for row in rows]


async def states(desk: Desk) -> dict[int, str]:
    return {row.rebuild: row.state for row in await read_rebuilds(desk.pool, ["taken_v1"])}


async def parked(desk: Desk, reader: str = "taken_v1_r1") -> list[tuple[int, str]]:
    rows = await desk.pool.fetch(events("parking/held"), reader, "acme", str(ANN), line("1.00")[0].partition, 100)
    return [(row["position"], row["cause"]) for row in rows]


async def ask(desk: Desk, event_id: str, decision: str | None = None, value: bytes | None = None) -> int:
    statement = events("parking/ask_release")
    return cast("int", await desk.pool.fetchval(statement, TENANT, event_id, decision, value, "reason", "ann"))


async def release(desk: Desk) -> None:
    await release_wanted(desk.pool, {"taken_v1_r1": cast("Any", Taken()), "taken_v1_r2": cast("Any", Taken(2))}, None)


async def rebuilt(desk: Desk) -> ViewReader:
    """Begin a rebuild, and say that it is filled."""
    await register(desk.pool, [Taken()])
    assert [await begin_rebuild(desk.pool, "taken_v1") for _ in range(2)] == [2, 2]
    assert await states(desk) == {1: "live", 2: "filling"}
    reader = await reader_of(desk, 2)
    await desk.pool.execute(events("rebuild/filled"), "taken_v1_r2")
    return reader


async def switched(desk: Desk, rebuild: int) -> Outcome:
    return await switch(desk.pool, "taken_v1", rebuild, tries=1)


async def test_a_rebuild_takes_over_only_where_it_stands_exactly_where_the_live_one_does(desk: Desk) -> None:
    live, beside = await reader_of(desk), await rebuilt(desk)
    one, two = line("1.00", "1.00")

    await live.take([one])
    outcomes = [await switched(desk, 2)]
    await beside.take([one, two])
    outcomes.append(await switched(desk, 2))
    await live.take([two])
    outcomes += [await switched(desk, number) for number in (2, 2, 3)]

    assert outcomes == ["behind", "ahead", "switched", "switched", "unknown"]
    assert await states(desk) == {1: "beside", 2: "live"}
    assert await positions(desk, 2) == [1, 2]


async def test_a_rebuild_that_is_filled_or_read_is_neither_switched_to_nor_dropped(desk: Desk) -> None:
    await reader_of(desk)
    await begin_rebuild(desk.pool, "taken_v1")

    assert await switched(desk, 2) == "filling"
    assert await drop(desk.pool, "taken_v1", 1) == "live"
    assert await drop(desk.pool, "taken_v1", 3) == "unknown"


async def test_what_is_dropped_takes_its_checkpoints_and_its_parked_records_along(desk: Desk) -> None:
    await reader_of(desk)
    beside = await rebuilt(desk)
    await beside.take(line("13.13"))
    assert len(await parked(desk, "taken_v1_r2")) == 1

    assert [await drop(desk.pool, "taken_v1", 2) for _ in range(2)] == ["dropped", "unknown"]

    await beside.reload()
    assert beside.positions == {}
    assert await parked(desk, "taken_v1_r2") == []
    assert await states(desk) == {1: "live"}
    assert await begin_rebuild(desk.pool, "taken_v1") == 3


async def test_a_rebuild_in_a_later_era_is_never_behind(desk: Desk) -> None:
    live = await reader_of(desk)
    await register(desk.pool, [Taken()])
    await begin_rebuild(desk.pool, "taken_v1")
    await reader_of(desk, 2, era=2)
    await desk.pool.execute(events("rebuild/filled"), "taken_v1_r2")
    await live.take(line("1.00"))

    assert await switched(desk, 2) == "switched"
    assert await switched(desk, 1) == "behind"
    assert [tuple(row) for row in await desk.pool.fetch(events("reader/eras"), ["interactions"])] == [
        ("interactions", 2)
    ]


async def test_one_process_fills_at_a_time(desk: Desk) -> None:
    async with desk.pool.acquire() as one, desk.pool.acquire() as other:
        assert await one.fetchval(events("rebuild/lock"), 7)
        assert not await other.fetchval(events("rebuild/lock"), 7)
        assert await one.fetchval(events("rebuild/unlock"), 7)
        assert await other.fetchval(events("rebuild/lock"), 7)


async def test_a_parked_event_that_was_repaired_is_folded_in_order_with_those_behind_it(desk: Desk) -> None:
    reader = await reader_of(desk)
    good, bad, later = line("1.00", "13.13", "1.00")
    await reader.take([good, bad, later])
    event_id = bad.headers["ce_id"].decode()
    assert await parked(desk) == [(2, "tests.simulation.taken.PoisonError"), (3, BEHIND)]

    assert await ask(desk, event_id) == 1
    await release(desk)
    assert [position for position, _ in await parked(desk)] == [2, 3]

    assert await ask(desk, event_id, "replace", data_of(ANN, "1.00")) == 1
    assert len(await desk.pool.fetch(events("parking/wanted"))) == 1
    await release(desk)

    assert await parked(desk) == []
    assert await positions(desk) == [1, 2, 3]
    assert await desk.pool.fetch(events("parking/wanted")) == []
    assert await ask(desk, event_id) == 0


async def test_what_was_discarded_in_one_version_is_not_parked_in_the_next(desk: Desk) -> None:
    reader = await reader_of(desk)
    records = line("13.13", "1.00")
    await reader.take(records)
    await ask(desk, records[0].headers["ce_id"].decode(), "discard")
    await release(desk)

    beside = await rebuilt(desk)
    await beside.take(records)

    assert (await positions(desk), await positions(desk, 2)) == ([2], [2])
    assert await parked(desk, "taken_v1_r2") == []


async def test_a_rebuild_that_has_set_aside_what_the_live_one_has_folded_is_behind(desk: Desk) -> None:
    live = await reader_of(desk)
    [bad] = line("13.13")
    await live.take([bad])
    beside = await rebuilt(desk)
    await beside.take([bad])
    event_id = bad.headers["ce_id"].decode()
    assert await ask(desk, event_id, "replace", data_of(ANN, "1.00")) == 2
    await release_wanted(desk.pool, {"taken_v1_r1": cast("Any", Taken())}, None)

    outcomes = [await switched(desk, 2)]
    await release(desk)
    outcomes.append(await switched(desk, 2))

    assert outcomes == ["behind", "switched"]
