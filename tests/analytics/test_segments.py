"""Segments: who is in one follows the facts, and what was published follows who is in it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal
from uuid import UUID

import pytest

from rapport_analytics import sweeping
from rapport_analytics.app import service
from rapport_analytics.derivations.segment import SegmentDerivation
from rapport_analytics.sweeping import end_consents_once, sweep_once
from rapport_events.contracts.analytics import (
    AttributeCondition,
    Condition,
    ConsentCondition,
    StageCondition,
    TotalCondition,
)
from rapport_events.derivations import derive_once
from rapport_events.gate import reopen
from rapport_events.ids import PARTITIONS
from rapport_events.postgres_ledger import PostgresLedger
from rapport_events.testing import ANN, BOB, CLEO
from tests.analytics.told import Story, fold_all
from tests.conftest import MakeServiceDatabase
from tests.slices import Slices, open_slices

TWICE = TotalCondition(measure="purchases", at_least=Decimal(2))
NEWS = ConsentCondition(purpose="news", channel="email")
BAKER = AttributeCondition(name="job", values=("baker",))


def when(
    *conditions: TotalCondition | ConsentCondition | AttributeCondition | StageCondition,
    match: Literal["all", "any", "none"] = "all",
) -> Condition:
    return Condition(match=match, conditions=conditions)


@dataclass(slots=True)
class Telling:
    """A story that analytics hears, decides about, and answers from."""

    slices: Slices
    story: Story = field(default_factory=Story)
    _told: int = 0
    _positions: dict[int, int] = field(default_factory=dict[int, int])

    async def settle(self) -> None:
        """Let everything follow from what was told: marks, decisions, and the views of what was published."""
        keeper = self.slices.keeper
        await fold_all(keeper, self.story.events[self._told :])
        self._told = len(self.story.events)
        while (
            await sweep_once(keeper) + await end_consents_once(keeper) + await derive_once(keeper, SegmentDerivation())
        ):
            pass
        ledger = PostgresLedger(service="analytics", keeper=keeper)
        for partition in range(PARTITIONS):
            after = self._positions.get(partition, 0)
            published = await ledger.read_partition(partition, after=after, limit=1_000)
            self._positions[partition] = after + len(published)
            await fold_all(keeper, published)

    async def members(self, segment: str) -> dict[UUID, list[str]]:
        """Return who is in a segment, and because of which events."""
        page = await self.slices.ask(f"/v1/segments/{segment}/members")
        return {
            UUID(each["customer_id"]): [reason["event_id"] for reason in each["because"]] for each in page["members"]
        }

    async def published(self) -> list[tuple[str, str]]:
        """Return who entered and left, in order."""
        rows = await self.slices.keeper.fetch(
            "SELECT subject, split_part(type, '.', 3) AS verb FROM events ORDER BY recorded_at, partition, position"
        )
        return [(row["subject"], row["verb"]) for row in rows]


@pytest.fixture
async def telling(make_service_database: MakeServiceDatabase) -> AsyncIterator[Telling]:
    """Bring analytics to life on a database of its own."""
    async with open_slices(service, await make_service_database("analytics")) as slices:
        async with slices.keeper.acquire() as connection:
            await reopen(connection)
        yield Telling(slices)


async def test_who_meets_the_condition_enters_because_of_these_facts(telling: Telling) -> None:
    story = telling.story
    story.defined("regulars", when(TWICE))
    bought = [str(story.bought(ANN, "1").event_id) for _ in range(2)]
    story.bought(BOB, "1")
    await telling.settle()

    assert await telling.members("regulars") == {ANN: bought}

    second = str(story.bought(BOB, "1").event_id)
    await telling.settle()
    assert second in (await telling.members("regulars"))[BOB]
    assert await telling.published() == [(str(ANN), "entered"), (str(BOB), "entered")]


async def test_a_definition_is_held_against_everybody_a_batch_at_a_time(
    telling: Telling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "CUSTOMERS_AT_ONCE", 2)
    story = telling.story
    for customer in (ANN, BOB, CLEO):
        story.created(customer, job="baker")
    await telling.settle()
    story.defined("bakers", when(BAKER))
    await fold_all(telling.slices.keeper, story.events[-1:])

    assert [await sweep_once(telling.slices.keeper) for _ in range(3)] == [2, 1, 0]

    await telling.settle()
    assert set(await telling.members("bakers")) == {ANN, BOB, CLEO}
    story.defined("bakers", when(AttributeCondition(name="job", values=("clerk",))), version=2)
    await telling.settle()
    assert await telling.members("bakers") == {}
    assert [verb for _, verb in await telling.published()] == ["entered"] * 3 + ["left"] * 3


async def test_a_word_or_an_attribute_lets_enter_and_leave(telling: Telling) -> None:
    story = telling.story
    story.defined("bakers", when(BAKER, NEWS))
    story.created(ANN)
    story.described(ANN, job="baker")
    agreed = story.agreed(ANN)
    await telling.settle()
    assert str(agreed.event_id) in (await telling.members("bakers"))[ANN]

    withdrew = story.withdrew(ANN)
    await telling.settle()
    assert await telling.members("bakers") == {}
    row = await telling.slices.keeper.fetchrow(
        "SELECT data -> 'because' ->> 0 AS because, meta ->> 'causation' AS cause FROM events"
        " WHERE type = 'crm.segment.left.v1'"
    )
    assert row is not None
    assert row["because"] == row["cause"] == str(withdrew.event_id)


async def test_a_consent_that_ends_by_itself_lets_leave(telling: Telling) -> None:
    story, keeper = telling.story, telling.slices.keeper
    soon = datetime.now(UTC) + timedelta(hours=1)
    story.defined("reachable", when(NEWS))
    story.created(ANN)
    story.agreed(ANN, valid_until=soon)
    await telling.settle()
    assert set(await telling.members("reachable")) == {ANN}

    # As if an hour had passed: the word's end lies behind us, and was not looked at yet.
    await keeper.execute("UPDATE consents_v1_r1 SET valid_until = clock_timestamp()")
    await telling.settle()

    assert await telling.members("reachable") == {}


async def test_a_party_is_one_member_and_two_again_after_an_unmerge(telling: Telling) -> None:
    story = telling.story
    story.defined("regulars", when(TWICE))
    for customer, count in ((ANN, 1), (BOB, 2)):
        for _ in range(count):
            story.bought(customer, "1")
    await telling.settle()
    assert set(await telling.members("regulars")) == {BOB}

    story.merged(BOB, ANN)
    await telling.settle()
    assert set(await telling.members("regulars")) == {ANN}
    for customer in (ANN, BOB):
        (found,) = (await telling.slices.ask(f"/v1/customers/{customer}/segments"))["segments"]
        assert (found["segment_id"], found["customer_id"]) == ("regulars", str(ANN))

    story.unmerged(BOB, ANN)
    await telling.settle()
    assert set(await telling.members("regulars")) == {BOB}


async def test_nobody_is_in_a_retired_segment(telling: Telling) -> None:
    story = telling.story
    story.defined("starters", when(StageCondition(stages=("suspect",))))
    story.created(ANN)
    await telling.settle()
    (segment,) = (await telling.slices.ask("/v1/segments"))["segments"]
    assert (segment["members"], segment["is_active"]) == (1, True)

    story.retired("starters")
    await telling.settle()

    assert await telling.members("starters") == {}
    assert (await telling.slices.ask(f"/v1/customers/{ANN}/segments"))["segments"] == []
    assert (await telling.slices.ask("/v1/segments/starters"))["is_active"] is False


async def test_tenants_without_segments_leave_no_marks(telling: Telling) -> None:
    telling.story.bought(ANN, "1")
    await fold_all(telling.slices.keeper, telling.story.events)

    assert await telling.slices.keeper.fetchval("SELECT count(*) FROM marks WHERE view = 'segments'") == 0


async def test_a_segment_is_defined_over_http(telling: Telling) -> None:
    condition = {"match": "all", "conditions": [{"kind": "stage", "stages": ["loyal"]}]}
    body = {"segment_id": "loyals", "name": "Loyal ones", "condition": condition}
    headers = telling.slices.token("analytics:read analytics:write")

    answer = await telling.slices.wish("/v1/segments", body, **headers)
    unknown = await telling.slices.client.get("/v1/segments/nobody/members")

    assert answer.status_code == 201, answer.text
    assert (await telling.slices.ask("/v1/segments/loyals"))["condition"] == condition
    assert (unknown.status_code, unknown.json()["code"]) == (404, "segment_not_found")
