"""A ledger that was restored from a backup gets its lost rows back from the topic, and a new era."""

import asyncio
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import pytest

from rapport_events.gate import Condition, read_condition
from rapport_events.kafka import apply_topics, find_eras
from rapport_events.ledger import LedgerShut
from rapport_events.mirror import Mirror
from rapport_events.new_era import NotNeeded
from tests.events.mirroring import Place, quicker, reached, running, until_stopped
from tests.events.restores import Shop, heads, new_era, set_back, shop_on, tables
from tests.waiting import until


@pytest.fixture
async def shop(place: Place) -> AsyncIterator[Shop]:
    async with shop_on(place) as shop:
        yield shop


@asynccontextmanager
async def open_(place: Place) -> AsyncGenerator[None]:
    """Have the mirror open the ledger; at the end its topic holds everything."""
    mirror = mirror_of(place)
    async with running(mirror):
        await until(place.is_open, seconds=30, what="the ledger is open")
        yield
        at = await heads(place)
        await until(lambda: list(mirror.state.reach) == at, seconds=30, what="the topic holds the whole ledger")


async def until_shut(place: Place, alarm: str) -> Condition:
    """Have the mirror find out that something is wrong."""
    mirror = mirror_of(place)
    async with running(mirror):
        await until_stopped(mirror, alarm)
    return await condition_of(place)


def mirror_of(place: Place) -> Mirror:
    """Return a mirror that looks often."""
    return Mirror(quicker(place.settings, stopped_seconds=0.1, audit_seconds=0.2))


async def condition_of(place: Place) -> Condition:
    """Say how the ledger is."""
    async with place.keeper() as connection:
        return await read_condition(connection)


async def believe(place: Place) -> None:
    """Let the time be over for which somebody may believe in the era before."""
    await place.tell("UPDATE ledger SET era_began_at = era_began_at - interval '1 minute'")


async def trade(shop: Shop, first: int, last: int) -> None:
    """Record orders and letters of several customers."""
    for number in range(first, last + 1):
        await shop.buy(number)
        await shop.hear(number)


async def test_what_a_restore_lost_comes_back_as_it_was(place: Place, shop: Shop) -> None:
    async with open_(place):
        await trade(shop, 1, 6)
        backup = await heads(place)
        order = await shop.buy(7)
        await trade(shop, 8, 12)
    before, at = await tables(place), await heads(place)
    await set_back(place, backup)
    condition = await until_shut(place, "RecordNotHeld")
    assert (condition.reason, condition.takes_appends) == ("record_not_held", False)
    with pytest.raises(LedgerShut) as refused:
        await shop.buy(99)
    assert refused.value.reason == "record_not_held"

    done = await new_era(place)

    assert (done.before, done.era, done.taken_from) == (1, 2, place.topic)
    assert sum(taken.count for taken in done.partitions) == 11
    assert not any(taken.missing or taken.claims_held for taken in done.partitions)
    assert await tables(place) == before
    await believe(place)
    async with open_(place):
        again = await shop.buy(7)
        assert (again.repeated, again.places, again.event_ids) == (True, order.places, order.event_ids)
        assert await heads(place) == at
        await shop.buy(13)
    for partition, head in enumerate(await heads(place)):
        assert len(reached(await place.records(partition, f"{place.topic}.e2"))) == head


async def test_one_that_is_killed_does_the_rest_when_it_is_called_again(place: Place, shop: Shop) -> None:
    async with open_(place):
        backup = await heads(place)
        await trade(shop, 1, 8)
    before = await tables(place)
    await set_back(place, backup)
    await until_shut(place, "RecordNotHeld")
    settings = place.settings
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.events.dying_era"),
        *(settings.service, settings.keeper, settings.bootstrap, settings.prefix),
    )
    assert await process.wait() == -signal.SIGKILL
    assert await tables(place) != before
    assert (await condition_of(place)).reason == "new_era_under_way"

    assert (await new_era(place)).era == 2

    assert await tables(place) == before
    with pytest.raises(NotNeeded):
        await new_era(place)


async def test_where_numbers_were_used_twice_the_ledger_keeps_its_own(place: Place, shop: Shop) -> None:
    async with open_(place):
        await trade(shop, 1, 2)
        backup = await heads(place)
        await trade(shop, 3, 8)
        [lost] = (await shop.buy(9, customer=3)).places
    at = await heads(place)
    await set_back(place, backup)
    await place.open()
    [new] = (await shop.buy(10, customer=3)).places
    own = await tables(place)
    await until_shut(place, "RecordNotHeld")

    done = await new_era(place)

    assert new.partition == lost.partition
    differing = done.partitions[lost.partition]
    assert (differing.differs_at, differing.count) == (new.position, 0)
    assert differing.missing == at[lost.partition] - new.position + 1
    assert "the ledger holds event" in differing.cause
    assert set(own["events"]) < set((await tables(place))["events"])
    for partition, head in enumerate(await heads(place)):
        assert head == (new.position if partition == new.partition else at[partition])


async def test_an_outside_name_that_was_used_again_stays_with_its_new_fact(place: Place, shop: Shop) -> None:
    async with open_(place):
        backup = await heads(place)
        await shop.buy(1, customer=1)
    await set_back(place, backup)
    await place.open()
    await shop.buy(1, customer=2)
    claims = (await tables(place))["claims"]
    await until_shut(place, "RecordNotHeld")

    done = await new_era(place)

    assert [taken.claims_held for taken in done.partitions if taken.count] == [1]
    assert (await tables(place))["claims"] == claims


async def test_records_behind_a_hole_are_left_where_they_are(place: Place, shop: Shop) -> None:
    async with open_(place):
        backup = await heads(place)
        [placed] = (await shop.buy(1)).places
    await place.publish(placed.partition, [(placed.position + 2, "x")])
    before = await tables(place)
    await set_back(place, backup)
    await until_shut(place, "RecordNotHeld")
    taken = (await new_era(place)).partitions[placed.partition]
    assert (taken.count, taken.reach, taken.behind_hole) == (1, placed.position, 1)
    assert await tables(place) == before


async def test_a_backup_from_before_an_era_is_found_out_and_takes_back_from_the_newest_topic(
    place: Place, shop: Shop
) -> None:
    async with open_(place):
        await trade(shop, 1, 3)
    backup = await heads(place)
    await new_era(place, is_forced=True)
    await believe(place)
    async with open_(place):
        await trade(shop, 4, 6)
    before = await tables(place)
    await set_back(place, backup)
    await place.tell("UPDATE ledger SET era = 1, era_began_at = NULL")
    assert (await until_shut(place, "StaysShut")).reason == "era_forgotten"

    done = await new_era(place)

    assert (done.before, done.era, done.taken_from) == (1, 3, f"{place.topic}.e2")
    assert await tables(place) == before


async def test_a_ledger_that_takes_facts_needs_no_new_era(place: Place, shop: Shop) -> None:
    async with open_(place):
        await shop.buy(1)
        with pytest.raises(NotNeeded):
            await new_era(place)
        await shop.buy(2)


async def test_without_taking_back_what_was_lost_stays_in_the_old_topic(place: Place, shop: Shop) -> None:
    async with open_(place):
        backup = await heads(place)
        await shop.buy(1)
    await set_back(place, backup)
    await until_shut(place, "RecordNotHeld")
    assert (await new_era(place, takes_back=False)).taken_from is None
    assert await heads(place) == backup


async def test_eras_are_read_from_the_names_of_topics(place: Place) -> None:
    bootstrap, prefix = place.settings.bootstrap, place.settings.prefix
    topics = [f"{prefix}.events{end}" for end in ("", ".e2", ".e11", ".e1", ".e03", ".ex", "_more")]
    await apply_topics(bootstrap, topics)
    assert await find_eras(bootstrap, "events", prefix) == [1, 2, 11]
