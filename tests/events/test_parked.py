"""What one customer's poison sets aside is released in order, and what was decided about it holds for every rebuild."""

import asyncio
from decimal import Decimal

import orjson
import pytest

from rapport_events.filling import Filler
from rapport_events.reader import ViewReader
from rapport_events.rebuild import begin_rebuild
from rapport_events.releasing import Waiting, release, release_wanted
from rapport_events.statements import load
from rapport_events.testing import ANN, BOB, TENANT
from tests.events.postgres_desk import PostgresDesk
from tests.events.rebuilding import Shop, no_topics
from tests.events.sums import TABLES, Sums


class MendedSums(Sums):
    """The same view after its fault was found: 13.13 is a sum like any other."""

    poison = None


@pytest.fixture
async def shop(desk: PostgresDesk) -> Shop:
    async with desk.keeper.acquire() as connection:
        await connection.execute(TABLES)
    filler = Filler(service="interactions", pool=desk.keeper, keyring=None, scan=no_topics)
    live = ViewReader(Sums(), desk.keeper)
    await live.begin({"interactions": 1})
    return Shop(desk.ledger, desk.keeper, live, filler)


async def seen(shop: Shop, rebuild: int = 1) -> list[int]:
    statement = "SELECT seen FROM sums_v1_rN WHERE customer = $1".replace("_rN", f"_r{rebuild}")
    return list(await shop.pool.fetchval(statement, ANN) or [])


async def parked(shop: Shop, reader: str = "sums_v1_r1") -> list[int]:
    statement = "SELECT position FROM parked WHERE reader = $1 AND released_at IS NULL ORDER BY position"
    return [row["position"] for row in await shop.pool.fetch(statement, reader)]


async def ask(shop: Shop, decision: str | None = None, value: bytes | None = None, position: int = 2) -> int:
    event_id = await shop.pool.fetchval(
        "SELECT event_id FROM parked WHERE position = $1 AND subject = $2", position, str(ANN)
    )
    statement = load("rapport_events", "parking/ask_release")
    return int(await shop.pool.fetchval(statement, TENANT, event_id, decision, value, "a slip of the pen", "operator"))


async def poisoned(shop: Shop) -> None:
    """Let Ann buy four times, the second time for 13.13, and Bob twice."""
    await shop.buy(ANN)
    await shop.buy(ANN, "13.13")
    await shop.buy(ANN, times=2)
    await shop.buy(BOB, times=2)
    await shop.live.take(await shop.news())


async def test_others_go_on_and_a_mended_fold_takes_all_in_order(shop: Shop) -> None:
    await poisoned(shop)
    assert await shop.pool.fetchval("SELECT count FROM sums_v1_r1 WHERE customer = $1", BOB) == 2
    assert (await seen(shop), await parked(shop)) == ([1], [2, 3, 4])
    assert await ask(shop) == 1

    await release_wanted(shop.pool, {"sums_v1_r1": Sums()}, None)
    assert (await seen(shop), await parked(shop)) == ([1], [2, 3, 4])
    assert await shop.pool.fetchval("SELECT max(tries) FROM parked") == 2

    await ask(shop)
    await release_wanted(shop.pool, {"sums_v1_r1": MendedSums()}, None)
    assert (await seen(shop), await parked(shop)) == ([1, 2, 3, 4], [])
    await shop.buy(ANN)
    await shop.live.take(await shop.news())
    assert await seen(shop) == [1, 2, 3, 4, 5]


async def test_a_discarded_event_is_left_out_of_every_rebuild(shop: Shop) -> None:
    await poisoned(shop)
    await ask(shop, "discard")
    await release_wanted(shop.pool, {"sums_v1_r1": Sums()}, None)
    assert (await seen(shop), await parked(shop)) == ([1, 3, 4], [])

    await begin_rebuild(shop.pool, "sums_v1")
    await shop.fill(2)

    assert (await seen(shop, 2), await parked(shop, "sums_v1_r2")) == ([1, 3, 4], [])


async def test_a_replaced_event_is_read_as_it_was_mended_in_every_rebuild(shop: Shop) -> None:
    await poisoned(shop)
    value = await shop.pool.fetchval("SELECT value FROM parked WHERE position = 2")
    await ask(shop, "replace", orjson.dumps({**orjson.loads(value), "total": "13.12"}))
    await release_wanted(shop.pool, {"sums_v1_r1": Sums()}, None)
    assert (await seen(shop), await parked(shop)) == ([1, 2, 3, 4], [])

    await begin_rebuild(shop.pool, "sums_v1")
    await shop.fill(2)

    assert (await seen(shop, 2), await parked(shop, "sums_v1_r2")) == ([1, 2, 3, 4], [])
    for table in ("sums_v1_r1", "sums_v1_r2"):
        statement = "SELECT total FROM sums WHERE customer = $1".replace("sums", table)
        assert await shop.pool.fetchval(statement, ANN) == Decimal("16.12")


async def test_an_unreadable_event_that_was_discarded_is_passed_over_by_a_rebuild(shop: Shop) -> None:
    await shop.buy(ANN)
    [record] = await shop.news()
    broken = type(record)(
        record.source, record.era, record.partition, 1, "crm.customer.purchased.v9", record.headers, record.value
    )
    await shop.live.take([broken])
    assert await parked(shop) == [1]
    await ask(shop, "discard", position=1)
    await release_wanted(shop.pool, {"sums_v1_r1": Sums()}, None)

    second = ViewReader(Sums(2), shop.pool)
    await begin_rebuild(shop.pool, "sums_v1")
    await second.begin({"interactions": 1})
    await second.take([broken])

    assert await parked(shop) == await parked(shop, "sums_v1_r2") == []


async def test_nothing_parks_behind_what_is_just_being_released(shop: Shop) -> None:
    await poisoned(shop)
    customer = Waiting("sums_v1_r1", TENANT, str(ANN), (await shop.pool.fetchval("SELECT min(partition) FROM parked")))

    async def go_on() -> None:
        for _ in range(10):
            await shop.buy(ANN)
            await shop.live.take(await shop.news())

    async def let_go() -> None:
        while await release(shop.pool, MendedSums(), None, customer):
            await asyncio.sleep(0)

    await asyncio.gather(go_on(), let_go())
    await let_go()

    assert (await seen(shop), await parked(shop)) == (list(range(1, 15)), [])


async def test_one_tenant_cannot_release_what_belongs_to_another(shop: Shop) -> None:
    await poisoned(shop)
    event_id = await shop.pool.fetchval("SELECT event_id FROM parked WHERE position = 2")
    statement = load("rapport_events", "parking/ask_release")

    assert await shop.pool.fetchval(statement, "rival", event_id, "discard", None, "why not", "rival") == 0
    assert await shop.pool.fetchval("SELECT count(*) FROM repairs") == 0
