"""Stages: the table, and their publication once for each party."""

import asyncio
from datetime import timedelta
from uuid import UUID

import orjson

from rapport_analytics.derivations.stage import StageDerivation
from rapport_analytics.stages import JourneyFact, journey
from rapport_events.database import Pool
from rapport_events.derivations import derive_once
from rapport_events.statements import load
from rapport_events.testing import ANN, BOB, NOON
from tests.analytics.told import Story, fold_all


def facts(*told: tuple[str, int]) -> list[JourneyFact]:
    """Make facts of kinds and days."""
    return [
        JourneyFact(
            event_id=UUID(int=n),
            kind=kind,  # type: ignore[arg-type]
            occurred_at=NOON + timedelta(days=day),
            recorded_at=NOON + timedelta(seconds=n),
            correlation_id="test",
            customer=ANN,
        )
        for n, (kind, day) in enumerate(told)
    ]


def stages(*told: tuple[str, int]) -> list[str]:
    return [step.stage for step in journey(facts(*told))]


def test_a_customer_climbs_by_purchases() -> None:
    bought = [("purchased", day) for day in range(0, 50, 10)]

    assert stages(("known", 0), ("approached", 0), *bought) == [
        "suspect", "prospect", "first_time", "repeat", "majority", "loyal",
    ]  # fmt: skip


def test_five_purchases_over_more_than_180_days_make_nobody_loyal() -> None:
    assert stages(*[("purchased", day) for day in (0, 50, 100, 150, 181)]) == ["first_time", "repeat", "majority"]


def test_the_last_five_within_180_days_make_loyal_however_long_ago_the_first_was() -> None:
    assert stages(*[("purchased", day) for day in (0, 200, 250, 300, 350, 380)])[-1] == "loyal"


def test_a_stage_is_never_left_by_a_contact() -> None:
    assert stages(("purchased", 0), ("approached", 1), ("known", 2)) == ["first_time"]


def test_a_referral_makes_an_advocate_at_once() -> None:
    assert stages(("known", 0), ("referred", 1), ("purchased", 2)) == ["suspect", "advocate"]


async def published(keeper: Pool) -> list[tuple[str, str, str | None]]:
    rows = await keeper.fetch(
        "SELECT subject, data ->> 'stage' AS stage, data ->> 'previous' AS previous"
        " FROM events ORDER BY partition, position"
    )
    return [(row["subject"], row["stage"], row["previous"]) for row in rows]


async def test_whoever_is_loyal_already_is_an_advocate_after_a_referral(keeper: Pool) -> None:
    story = Story()
    story.created(ANN)
    for _ in range(5):
        story.bought(ANN, "1")
    await fold_all(keeper, story.events)
    await derive_once(keeper, StageDerivation())
    told = len(story.events)
    story.bought(ANN, "1")
    story.referred(ANN, BOB)
    await fold_all(keeper, story.events[told:])

    await derive_once(keeper, StageDerivation())

    assert [(stage, previous) for _, stage, previous in await published(keeper)][-2:] == [
        ("loyal", "majority"),
        ("advocate", "loyal"),
    ]


async def test_no_fold_waits_for_what_is_being_derived(keeper: Pool) -> None:
    story = Story()
    story.created(ANN)
    await fold_all(keeper, story.events)
    told = len(story.events)
    story.bought(ANN, "1")
    async with keeper.acquire() as connection, connection.transaction():
        taken = await connection.fetch(load("rapport_events", "marks/take"), "journey", 500)
        async with asyncio.timeout(10):
            await fold_all(keeper, story.events[told:])

    assert len(taken) == 1
    assert await derive_once(keeper, StageDerivation()) == 1


async def test_each_stage_is_published_once(keeper: Pool) -> None:
    story = Story()
    story.created(ANN)
    for _ in range(2):
        story.bought(ANN, "1")
    await fold_all(keeper, story.events)
    await derive_once(keeper, StageDerivation())
    told = len(story.events)
    story.bought(ANN, "1")
    await fold_all(keeper, story.events[told:])

    taken = await derive_once(keeper, StageDerivation())

    assert taken == 1
    assert await derive_once(keeper, StageDerivation()) == 0
    assert [(stage, previous) for _, stage, previous in await published(keeper)] == [
        ("suspect", None), ("first_time", "suspect"), ("repeat", "first_time"), ("majority", "repeat"),
    ]  # fmt: skip


async def test_a_link_lets_a_party_reach_what_neither_id_had(keeper: Pool) -> None:
    story = Story()
    story.bought(ANN, "1")
    story.bought(BOB, "1")
    await fold_all(keeper, story.events)
    await derive_once(keeper, StageDerivation())
    told = len(story.events)
    story.linked(ANN, BOB)
    await fold_all(keeper, story.events[told:])

    await derive_once(keeper, StageDerivation())

    assert (str(ANN), "repeat", "first_time") in await published(keeper)


async def tell(keeper: Pool, story: Story, since: int = 0) -> int:
    """Fold what was told, decide, and return how much has been told by now."""
    await fold_all(keeper, story.events[since:])
    while await derive_once(keeper, StageDerivation()):
        pass
    return len(story.events)


async def test_an_unmerge_publishes_the_stage_that_still_holds(keeper: Pool) -> None:
    story = Story()
    for customer in (ANN, BOB):
        story.created(customer)
        story.bought(customer, "1")
    told = await tell(keeper, story)
    story.merged(BOB, ANN)
    told = await tell(keeper, story, told)
    assert (await published(keeper))[-1] == (str(ANN), "repeat", "first_time")

    story.unmerged(BOB, ANN)
    await tell(keeper, story, told)

    assert [stage for who, stage, _ in await published(keeper) if who == str(ANN)] == [
        "suspect", "first_time", "repeat", "first_time",
    ]  # fmt: skip
    assert [stage for who, stage, _ in await published(keeper) if who == str(BOB)] == ["suspect", "first_time"]


async def test_what_happened_while_merged_counts_for_each_afterwards(keeper: Pool) -> None:
    story = Story()
    for customer in (ANN, BOB):
        story.created(customer)
    story.merged(BOB, ANN)
    for customer in (ANN, BOB, BOB):
        story.bought(customer, "1")
    told = await tell(keeper, story)
    story.unmerged(BOB, ANN)
    told = await tell(keeper, story, told)
    story.merged(BOB, ANN, NOON + timedelta(days=1))

    await tell(keeper, story, told)

    stages = await published(keeper)
    assert [stage for who, stage, _ in stages if who == str(BOB)] == ["suspect", "first_time", "repeat"]
    assert [stage for who, stage, _ in stages if who == str(ANN)][-3:] == ["first_time", "repeat", "majority"]


async def test_a_repeat_names_both_purchases(keeper: Pool) -> None:
    story = Story()
    bought = [story.bought(ANN, "1") for _ in range(2)]
    await tell(keeper, story)

    row = await keeper.fetchrow("SELECT data ->> 'because' AS because FROM events WHERE data ->> 'stage' = 'repeat'")

    assert row is not None
    assert orjson.loads(row["because"]) == [str(event.event_id) for event in bought]


async def test_a_stage_names_the_events_that_decided_it(keeper: Pool) -> None:
    story = Story()
    bought = story.bought(ANN, "1")
    await fold_all(keeper, story.events)
    await derive_once(keeper, StageDerivation())

    row = await keeper.fetchrow("SELECT data -> 'because' ->> 0 AS because, meta ->> 'causation' AS cause FROM events")

    assert row is not None
    assert row["because"] == row["cause"] == str(bought.event_id)
