"""Totals and stage at a moment of the past: of what had happened by then, and of what we knew."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from rapport_analytics.app import service
from rapport_events.contracts.analytics import CustomerStageReached
from rapport_events.contracts.base import Event
from rapport_events.contracts.interactions import CustomerPurchased, PurchaseRefunded
from rapport_events.ids import CustomerId, new_id, partition_of_customer
from rapport_events.testing import ANN, NOON, TENANT
from tests.conftest import MakeServiceDatabase
from tests.slices import Slices, open_slices

DAY = timedelta(days=1)


@pytest.fixture
async def slices(make_service_database: MakeServiceDatabase) -> AsyncIterator[Slices]:
    """Bring analytics to life on a database of its own."""
    async with open_slices(service, await make_service_database("analytics")) as slices:
        yield slices


async def tell(slices: Slices, event: Event, stream: str, *, at: datetime, recorded_at: datetime) -> None:
    told = slices.foreign.next(event, stream=stream, subject=str(ANN), at=at, recorded_at=recorded_at)
    slices.events.append(told)
    await slices.fold()


async def bought(slices: Slices, total: str, *, at: datetime, recorded_at: datetime) -> None:
    thing = new_id(partition_of_customer(TENANT, CustomerId(ANN)))
    event = CustomerPurchased(purchase_id=thing, total=Decimal(total), currency="EUR")
    await tell(slices, event, f"purchase-{thing}", at=at, recorded_at=recorded_at)


async def refunded(slices: Slices, amount: str, *, at: datetime, recorded_at: datetime) -> None:
    thing = new_id(partition_of_customer(TENANT, CustomerId(ANN)))
    event = PurchaseRefunded(refund_id=thing, amount=Decimal(amount), currency="EUR")
    await tell(slices, event, f"refund-{thing}", at=at, recorded_at=recorded_at)


async def totals(slices: Slices, **moments: datetime) -> tuple[int, str, int, str] | None:
    asked = {name: moment.isoformat() for name, moment in moments.items()}
    answer = await slices.ask(f"/v1/customers/{ANN}/totals", **asked)
    assert len(answer["sales"]) == sum(total["purchases"] + total["refunds"] for total in answer["totals"])
    (total,) = answer["totals"] or [None]
    return total and (total["purchases"], total["revenue"], total["refunds"], total["refunded"])


async def stage(slices: Slices, **moments: datetime) -> str | None:
    asked = {name: moment.isoformat() for name, moment in moments.items()}
    answer = await slices.ask(f"/v1/customers/{ANN}/stage", **asked)
    current: str | None = answer["current"]
    return current


async def test_totals_are_those_of_what_had_happened_or_of_what_we_knew(slices: Slices) -> None:
    await bought(slices, "10", at=NOON, recorded_at=NOON)
    await refunded(slices, "2.50", at=NOON + 2 * DAY, recorded_at=NOON + 2 * DAY)
    await bought(slices, "1", at=NOON - DAY, recorded_at=NOON + 4 * DAY)

    assert await totals(slices) == (2, "11", 1, "2.50")
    assert await totals(slices, as_of=NOON) == (2, "11", 0, "0")
    assert await totals(slices, as_of=NOON - DAY) == (1, "1", 0, "0")
    assert await totals(slices, known_at=NOON + 3 * DAY) == (1, "10", 1, "2.50")
    assert await totals(slices, as_of=NOON, known_at=NOON + DAY) == (1, "10", 0, "0")
    assert await totals(slices, known_at=NOON - DAY) is None


async def test_a_stage_of_the_past_is_worked_out_and_a_belief_is_what_was_published(slices: Slices) -> None:
    await bought(slices, "1", at=NOON, recorded_at=NOON)
    await bought(slices, "1", at=NOON - 2 * DAY, recorded_at=NOON + 4 * DAY)
    published = CustomerStageReached(stage="first_time", rule_version="1")
    await tell(slices, published, f"customer-{ANN}", at=NOON, recorded_at=NOON)
    published = CustomerStageReached(stage="repeat", previous="first_time", rule_version="1")
    await tell(slices, published, f"customer-{ANN}", at=NOON - 2 * DAY, recorded_at=NOON + 4 * DAY)

    assert await stage(slices) == "repeat"
    assert await stage(slices, as_of=NOON - DAY) == "first_time"
    assert await stage(slices, as_of=NOON) == "repeat"
    assert await stage(slices, as_of=NOON, known_at=NOON + DAY) == "first_time"
    assert await stage(slices, known_at=NOON + DAY) == "first_time"
    assert await stage(slices, known_at=NOON + 4 * DAY) == "repeat"
    assert await stage(slices, known_at=NOON - DAY) is None


async def test_figures_of_a_whole_tenant_have_no_past(slices: Slices) -> None:
    answer = await slices.client.get("/v1/report", params={"as_of": NOON.isoformat()})

    assert (answer.status_code, answer.json()["code"]) == (422, "past_not_kept")
