"""A ledger that was restored from a backup gets its lost rows back from the topic, and a new era."""

import pytest

from rapport_events.gate import read_condition
from rapport_events.ledger import LedgerShut
from rapport_events.mirror import Mirror
from tests.events.mirroring import Place, quicker, reached, running, until_stopped
from tests.events.restores import Shop, heads, new_era, set_back, shop_on, tables
from tests.waiting import until


async def until_mirrored(place: Place, mirror: Mirror) -> None:
    """Wait until the topic holds all that the ledger holds."""
    at = await heads(place)
    await until(lambda: list(mirror.state.reach) == at, seconds=30, what="the topic holds the whole ledger")


async def trade(shop: Shop, first: int, last: int) -> None:
    """Record orders and letters of several customers."""
    for number in range(first, last + 1):
        await shop.buy(number)
        await shop.hear(number)


async def test_what_a_restore_lost_comes_back_as_it_was(place: Place) -> None:
    mirror = Mirror(quicker(place.settings, stopped_seconds=0.1, audit_seconds=0.2))
    async with shop_on(place) as shop:
        async with running(mirror):
            await until(place.is_open, seconds=20, what="the ledger is open")
            await trade(shop, 1, 6)
            backup = await heads(place)
            order = await shop.buy(7)
            await trade(shop, 8, 12)
            before = await tables(place)
            at = await heads(place)
            await until_mirrored(place, mirror)
        await set_back(place, backup)
        async with running(mirror):
            await until_stopped(mirror, "RecordNotHeld")
            async with place.keeper() as connection:
                assert (await read_condition(connection)).reason == "record_not_held"
            with pytest.raises(LedgerShut):
                await shop.buy(99)
            done = await new_era(place)
            assert (done.before, done.era, done.taken_from) == (1, 2, place.topic)
            assert sum(taken.count for taken in done.partitions) == 11
            assert await tables(place) == before
            await until(place.is_open, seconds=30, what="the ledger is open in its new era")
            again = await shop.buy(7)
            assert (again.repeated, again.places, again.stream) == (True, order.places, order.stream)
            assert await heads(place) == at
            await shop.buy(13)
            await until_mirrored(place, mirror)
    for partition, head in enumerate(await heads(place)):
        assert len(reached(await place.records(partition, f"{place.topic}.e2"))) == head
