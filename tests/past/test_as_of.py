"""Answers of the past equal a plain fold of the events up to that moment, whichever of the two times is meant."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from rapport_analytics.app import service as analytics
from rapport_contacts.app import service as contacts
from rapport_interactions.app import service as interactions
from tests.conftest import MakeServiceDatabase
from tests.past.oracle import Json, Oracle
from tests.past.world import World
from tests.slices import Slices, open_slices

SEED = 20_260_302
CUSTOMERS = 40
FACTS = 1_600
PAIRS = 1_000
BOTH_OF = 5
TIMELINES_OF = 10
"""Of so many pairs one is asked for with both moments together, or has its timeline compared, too."""


@dataclass(frozen=True, slots=True)
class Suite:
    """Three services that have folded the same world."""

    world: World
    contacts: Slices
    analytics: Slices
    interactions: Slices


@pytest.fixture
async def suite(make_service_database: MakeServiceDatabase) -> AsyncIterator[Suite]:
    """Let all services fold one world."""
    world = World(SEED, CUSTOMERS)
    async with AsyncExitStack() as stack:
        opened = [
            await stack.enter_async_context(open_slices(service, await make_service_database(service.name)))
            for service in (contacts, analytics, interactions)
        ]
        await world.make_up(opened[0].keyring, FACTS)
        for slices in opened:
            slices.keyring = opened[0].keyring
            slices.events += [each.record for each in world.happened]
            await slices.fold()
        yield Suite(world, *opened)


async def test_a_thousand_answers_of_the_past_equal_a_fold_of_the_events(suite: Suite) -> None:
    for number in range(PAIRS):
        customer = suite.world.dice.choice(suite.world.customers)
        as_of, known_at = suite.world.moment(is_recorded=False), suite.world.moment(is_recorded=True)
        moments: list[tuple[datetime | None, datetime | None]] = [(as_of, None), (None, known_at)]
        if number % BOTH_OF == 0:
            moments.append((as_of, known_at))
        async with asyncio.TaskGroup() as group:
            for moment in moments:
                group.create_task(compare(suite, customer, *moment, has_timeline=number % TIMELINES_OF == 0))


async def compare(
    suite: Suite, customer: UUID, as_of: datetime | None, known_at: datetime | None, *, has_timeline: bool
) -> None:
    """Compare what the suite answers with what must be."""
    where = (customer, as_of, known_at)
    oracle = Oracle(suite.world.happened, as_of, known_at)
    assert await card(suite.contacts, *where) == oracle.card(customer), where
    assert await totals(suite.analytics, *where) == oracle.totals(customer), where
    if has_timeline:
        told = await timeline(suite.interactions, *where)
        assert told == oracle.timeline(customer)[: len(told)], where


async def card(slices: Slices, customer: UUID, as_of: datetime | None, known_at: datetime | None) -> Json | None:
    """Return of a card what the oracle knows."""
    answer = await slices.client.get(f"/v1/customers/{customer}", params=asked(as_of, known_at))
    shown = answer.json()
    if answer.status_code == 404:
        assert shown["code"] == "customer_not_known_then"
        return None
    assert answer.status_code == 200, shown
    same = {name: shown[name] for name in ("id", "kind", "source", "name", "emails", "phones", "attributes")}
    names = [(each["id"], each["value"], each["since"]) for each in shown["identities"]]
    consents = {(each["event_id"], each["purpose"], each["channel"], each["state"]) for each in shown["consents"]}
    known = datetime.fromisoformat(shown["known_at"])
    return {**same, "ids": sorted(shown["ids"]), "known_at": known, "identities": sorted(names), "consents": consents}


async def totals(slices: Slices, customer: UUID, as_of: datetime | None, known_at: datetime | None) -> dict[str, Any]:
    """Return counts and sums by currency."""
    shown = await slices.ask(f"/v1/customers/{customer}/totals", **asked(as_of, known_at))
    return {
        each["currency"]: (each["purchases"], Decimal(each["revenue"]), each["refunds"], Decimal(each["refunded"]))
        for each in shown["totals"]
    }


async def timeline(slices: Slices, customer: UUID, as_of: datetime | None, known_at: datetime | None) -> list[str]:
    """Return the ids of the first 200 entries."""
    shown = await slices.ask(f"/v1/customers/{customer}/timeline", limit=200, **asked(as_of, known_at))
    return [entry["event_id"] for entry in shown["entries"]]


def asked(as_of: datetime | None, known_at: datetime | None) -> dict[str, str]:
    """Return the parameters of a question."""
    given = {"as_of": as_of, "known_at": known_at}
    return {name: moment.isoformat() for name, moment in given.items() if moment}
