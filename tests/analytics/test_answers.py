"""What analytics answers over HTTP: each figure with the facts behind it."""

from collections.abc import AsyncIterator

import pytest

from rapport_analytics.app import service
from rapport_events.testing import ANN, BOB
from tests.analytics.told import Story
from tests.conftest import MakeServiceDatabase
from tests.slices import Slices, open_slices


@pytest.fixture
async def slices(make_service_database: MakeServiceDatabase) -> AsyncIterator[Slices]:
    """Bring analytics to life on a database of its own."""
    async with open_slices(service, await make_service_database("analytics")) as slices:
        yield slices


async def hear(slices: Slices, story: Story) -> None:
    slices.events += story.events
    await slices.fold()


async def test_totals_name_the_events_that_they_are_made_of(slices: Slices) -> None:
    story = Story()
    bought = story.bought(ANN, "12.50")
    story.refunded(ANN, "2.50")
    await hear(slices, story)

    answer = await slices.ask(f"/v1/customers/{ANN}/totals")

    (total,) = answer["totals"]
    assert (total["revenue"], total["refunded"], total["purchases"]) == ("12.50", "2.50", 1)
    assert str(bought.event_id) in [sale["event_id"] for sale in answer["sales"]]


async def test_a_linked_id_answers_with_the_totals_of_the_party(slices: Slices) -> None:
    story = Story()
    story.bought(ANN, "1")
    story.bought(BOB, "2")
    story.linked(ANN, BOB)
    await hear(slices, story)

    answer = await slices.ask(f"/v1/customers/{BOB}/totals")

    assert answer["totals"][0]["revenue"] == "3"


async def test_the_facts_behind_a_figure_come_in_pages(slices: Slices) -> None:
    story = Story()
    bought = {str(story.bought(customer, "1").event_id) for customer in (ANN, BOB, ANN)}
    await hear(slices, story)

    first = await slices.ask("/v1/facts/purchases", limit=2, month="2026-03")
    second = await slices.ask("/v1/facts/purchases", limit=2, month="2026-03", cursor=first["next_cursor"])

    assert {fact["event_id"] for page in (first, second) for fact in page["facts"]} == bought
    assert second["next_cursor"] is None
    assert (await slices.ask("/v1/facts/purchases", month="2026-04"))["facts"] == []


async def test_complaints_are_listed_by_category(slices: Slices) -> None:
    story = Story()
    story.complained(ANN, "delivery")
    story.complained(BOB, "price")
    await hear(slices, story)

    answer = await slices.ask("/v1/facts/complaints", value="price")

    assert [fact["customer_id"] for fact in answer["facts"]] == [str(BOB)]


async def test_another_tenant_gets_nothing_of_it(slices: Slices) -> None:
    story = Story()
    story.bought(ANN, "1")
    await hear(slices, story)
    foreign = slices.token("analytics:read", tenant="other")

    totals = await slices.client.get(f"/v1/customers/{ANN}/totals", headers=foreign)
    facts = await slices.client.get("/v1/facts/purchases", headers=foreign)

    assert (totals.json()["totals"], facts.json()["facts"]) == ([], [])


async def test_a_stage_is_that_of_the_party_and_again_of_each_after_an_unmerge(slices: Slices) -> None:
    story = Story()
    for customer in (ANN, BOB):
        story.created(customer)
        story.bought(customer, "1")
    story.merged(BOB, ANN)
    await hear(slices, story)

    for customer in (ANN, BOB):
        assert (await slices.ask(f"/v1/customers/{customer}/stage"))["current"] == "repeat"

    told = len(story.events)
    story.unmerged(BOB, ANN)
    slices.events += story.events[told:]
    await slices.fold()
    for customer in (ANN, BOB):
        answer = await slices.ask(f"/v1/customers/{customer}/stage")
        assert [stage["stage"] for stage in answer["stages"]] == ["first_time", "suspect"]
