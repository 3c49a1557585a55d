"""A rebuild is filled beside the live one, equals it row by row, and takes over only where it stands level."""

import asyncio
from contextlib import nullcontext
from functools import partial
from uuid import UUID

import asyncpg
import pytest

from rapport_events.filling import Filler
from rapport_events.ids import PARTITIONS
from rapport_events.kafka import apply_topics
from rapport_events.reader import ViewReader
from rapport_events.rebuild import Comparison, begin_rebuild, drop, read_rebuilds, switch, verify
from rapport_events.scanner import read_partitions
from rapport_events.testing import ANN, BOB
from rapport_events.view import Key
from tests.events.postgres_desk import PostgresDesk
from tests.events.publishing import publish
from tests.events.rebuilding import PEOPLE, Shop, no_topics
from tests.events.sums import TABLES, Purchases, Sums

MODEL = "sums_v1"


@pytest.fixture
async def shop(desk: PostgresDesk) -> Shop:
    async with desk.keeper.acquire() as connection:
        await connection.execute(TABLES)
    filler = Filler(service="interactions", pool=desk.keeper, keyring=None, scan=no_topics)
    live = ViewReader(Sums(), desk.keeper)
    await live.begin({"interactions": 1})
    return Shop(desk.ledger, desk.keeper, live, filler)


async def compared(shop: Shop) -> Comparison | None:
    live, other = await read_rebuilds(shop.pool, [MODEL])
    return await verify(shop.pool, live, other, pause=nullcontext)


async def count_of(shop: Shop, customer: UUID) -> int:
    return int(await shop.pool.fetchval("SELECT count FROM sums_v1 WHERE customer = $1", customer) or 0)


async def states(shop: Shop) -> list[tuple[int, str]]:
    return [(each.rebuild, each.state) for each in await read_rebuilds(shop.pool, [MODEL])]


async def test_a_rebuild_equals_the_live_one_row_by_row_and_takes_over(shop: Shop) -> None:
    for customer in PEOPLE:
        await shop.buy(customer, times=5)
    await shop.live.take(await shop.news())

    assert await begin_rebuild(shop.pool, MODEL) == 2
    assert await begin_rebuild(shop.pool, MODEL) == 2
    await shop.fill(2)
    found = await compared(shop)

    assert found == Comparison(against=1, rows=len(PEOPLE), differing=0)
    assert await states(shop) == [(1, "live"), (2, "beside")]
    assert await switch(shop.pool, MODEL, 2) == "switched"
    assert await states(shop) == [(1, "beside"), (2, "live")]
    assert "sums_v1_r2" in await shop.pool.fetchval("SELECT pg_get_viewdef('sums_v1'::regclass)")
    assert await count_of(shop, ANN) == 5


async def test_a_rebuild_has_counted_what_the_live_one_counted(shop: Shop) -> None:
    for customer in PEOPLE[:5]:
        await shop.buy(customer, times=3)
    await shop.live.take(await shop.news())
    await begin_rebuild(shop.pool, MODEL)
    await shop.fill(2)

    rows = await shop.pool.fetch(
        """SELECT DISTINCT partition, position, tally_after, tally_count, tally_total, tally_weighted
             FROM checkpoints"""
    )

    assert len(rows) == PARTITIONS
    assert all(row["position"] == row["tally_count"] for row in rows)


async def test_a_rebuild_that_is_behind_or_ahead_does_not_take_over(shop: Shop) -> None:
    await shop.buy(ANN)
    await shop.live.take(await shop.news())
    await begin_rebuild(shop.pool, MODEL)
    second = await shop.fill(2)

    await shop.buy(ANN)
    news = await shop.news()
    await shop.live.take(news)
    assert await switch(shop.pool, MODEL, 2, tries=2) == "behind"
    assert await count_of(shop, ANN) == 2

    await shop.buy(ANN)
    await second.take([*news, *(later := await shop.news())])
    assert await switch(shop.pool, MODEL, 2, tries=2) == "ahead"
    await shop.live.take(later)
    assert await switch(shop.pool, MODEL, 2, tries=2) == "switched"

    # Back again obeys the same rule.
    await shop.buy(ANN)
    await second.take(await shop.news())
    assert await switch(shop.pool, MODEL, 1, tries=2) == "behind"
    assert await count_of(shop, ANN) == 4


async def test_a_row_that_is_not_the_same_is_found(shop: Shop) -> None:
    for customer in PEOPLE:
        await shop.buy(customer)
    await shop.live.take(await shop.news())
    await begin_rebuild(shop.pool, MODEL)
    await shop.fill(2)
    await shop.pool.execute("UPDATE sums_v1_r1 SET total = 7 WHERE customer = $1", ANN)
    await shop.pool.execute("DELETE FROM sums_v1_r1 WHERE customer = $1", BOB)

    found = await compared(shop)

    assert found == Comparison(against=1, rows=len(PEOPLE), differing=2)
    assert [each.rows_differing for each in await read_rebuilds(shop.pool, [MODEL])] == [None, 2]


async def test_an_interrupted_rebuild_goes_on_where_it_was(shop: Shop) -> None:
    for customer in PEOPLE:
        await shop.buy(customer, times=3)
    await shop.live.take(await shop.news())
    await begin_rebuild(shop.pool, MODEL)
    view = Sums(2)
    await shop.filler.begin(view, {"interactions": 1})
    half: dict[Key, int] = {line: at for line, at in (await shop.goals()).items() if line[2] < 16}
    await shop.filler.catch_up([view], half)
    assert await states(shop) == [(1, "live"), (2, "filling")]

    await shop.fill(2)

    found = await compared(shop)
    assert found is not None
    assert found.differing == 0
    [_, second] = await read_rebuilds(shop.pool, [MODEL])
    assert (second.work_began_after or 0) > 0


async def test_what_two_fill_at_once_counts_once(shop: Shop) -> None:
    for customer in PEOPLE:
        await shop.buy(customer, times=3)
    await shop.live.take(await shop.news())
    await begin_rebuild(shop.pool, MODEL)

    await asyncio.gather(shop.fill(2), shop.fill(2))

    found = await compared(shop)
    assert found is not None
    assert found.differing == 0


async def test_a_transaction_that_has_begun_never_sees_an_older_state_after_a_switch(
    shop: Shop, desk: PostgresDesk
) -> None:
    """Its snapshot may be from before the new one caught up, so the switch waits, and gives up while it lasts."""
    await shop.buy(ANN)
    await shop.live.take(await shop.news())
    await begin_rebuild(shop.pool, MODEL)
    await shop.fill(2)
    async with desk.app.acquire() as reading:
        async with reading.transaction(isolation="repeatable_read", readonly=True):
            await reading.fetchval("SELECT 1")
            assert await switch(shop.pool, MODEL, 2, tries=1) == "busy"

        assert await switch(shop.pool, MODEL, 2, tries=1) == "switched"


async def test_the_live_one_is_never_dropped_and_another_one_whole(shop: Shop) -> None:
    await shop.buy(ANN)
    await shop.live.take(await shop.news())
    await begin_rebuild(shop.pool, MODEL)
    await shop.fill(2)
    await switch(shop.pool, MODEL, 2)

    assert await drop(shop.pool, MODEL, 2) == "live"
    assert await drop(shop.pool, MODEL, 1) == "dropped"
    assert await drop(shop.pool, MODEL, 1) == "unknown"
    assert await states(shop) == [(2, "live")]
    assert await shop.pool.fetchval("SELECT to_regclass('sums_v1_r1')") is None
    # Whoever still feeds it finds nothing to move, and numbers are not used again.
    await shop.buy(ANN)
    await shop.live.take(await shop.news())
    assert shop.live.positions == {}
    assert await begin_rebuild(shop.pool, MODEL) == 3


async def test_the_app_begins_and_switches_rebuilds_and_cannot_read_their_tables(
    shop: Shop, desk: PostgresDesk
) -> None:
    assert await begin_rebuild(desk.app, MODEL) == 2
    await shop.fill(2)
    assert await switch(desk.app, MODEL, 2) == "switched"
    assert await drop(desk.app, MODEL, 1) == "dropped"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await desk.app.execute("INSERT INTO rebuilds (model, rebuild, state, tables) VALUES ('x', 1, 'live', '{}')")


async def test_facts_of_others_are_read_from_their_topic(desk: PostgresDesk, kafka: str, topic_prefix: str) -> None:
    async with desk.keeper.acquire() as connection:
        await connection.execute(TABLES)
    topic = f"{topic_prefix}.interactions"
    await apply_topics(kafka, [topic])
    purchases = Purchases()
    one, two, three = (purchases.next(ANN) for _ in range(3))
    # A repaired hole: what follows it comes again.
    await publish(kafka, topic, [one, three, two, three, *(purchases.next(BOB) for _ in range(3))])
    scan = partial(read_partitions, kafka)
    filler = Filler(service="contacts", pool=desk.keeper, keyring=None, scan=scan, prefix=topic_prefix)
    live = ViewReader(Sums(), desk.keeper)
    await live.begin({"interactions": 1})
    await begin_rebuild(desk.keeper, MODEL)

    async def goals() -> dict[Key, int]:
        return {("interactions", 1, one.partition): 3}

    await filler.fill([Sums(2)], {"interactions": 1}, goals)
    await filler.catch_up([Sums(2)], await goals())

    rows = await desk.keeper.fetch("SELECT customer, seen FROM sums_v1_r2 ORDER BY customer")
    assert [(row["customer"], row["seen"]) for row in rows] == [(ANN, [1, 2, 3]), (BOB, [1, 2, 3])]


async def test_a_migration_takes_away_a_shape_that_nobody_reads(shop: Shop, desk: PostgresDesk) -> None:
    await shop.buy(ANN)
    await shop.live.take(await shop.news())
    await begin_rebuild(shop.pool, MODEL)
    await shop.fill(2)
    await switch(shop.pool, MODEL, 2)
    owner = await asyncpg.connect(desk.database.admin)
    try:
        await owner.execute("SET ROLE rapport_events_owner")
        await owner.execute("SELECT drop_read_model('sums_v1')")
        left = await owner.fetch("SELECT relname FROM pg_class WHERE relname LIKE 'sums%'")
    finally:
        await owner.close()

    assert left == []
    assert await states(shop) == []
