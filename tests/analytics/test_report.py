"""The report: every figure from the facts, in the tenant's zone and currency, by party."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from rapport_analytics.views.report import read_report
from rapport_events.database import Connection, Pool
from rapport_events.ids import new_id
from rapport_events.parties import parties_of
from rapport_events.testing import ANN, BOB, CLEO, NOON, TENANT
from tests.analytics.told import Story, fold_all
from tests.databases import ServiceDatabase


@pytest.fixture
async def app(analytics: ServiceDatabase) -> AsyncIterator[Connection]:
    """Connect as a query of the tenant does."""
    connection = await asyncpg.connect(analytics.app)
    await connection.execute("SELECT set_config('rapport.tenant', $1, false)", TENANT)
    yield connection
    await connection.close()


async def report_of(keeper: Pool, app: Connection, story: Story) -> dict[str, Any]:
    await fold_all(keeper, story.events)
    return await read_report(app)


async def test_an_empty_tenant_has_figures_of_nothing(keeper: Pool, app: Connection) -> None:
    report = await report_of(keeper, app, Story())

    assert report["purchases"]["count"] == 0
    assert report["purchases"]["mean_value"] is None
    assert report["complaints"]["by_category"] == []


async def test_sums_are_exact_and_refunds_stand_apart(keeper: Pool, app: Connection) -> None:
    story = Story()
    for total in ("0.10", "0.20", "0.001"):
        story.bought(ANN, total)
    story.bought(BOB, "0.00")
    story.refunded(ANN, "0.05")
    story.bought(ANN, "99", currency="USD")

    report = await report_of(keeper, app, story)

    assert report["purchases"]["revenue"] == {"total": "0.301", "currency": "EUR"}
    assert report["purchases"]["count"] == 4
    assert report["purchases"]["customers"] == 2
    assert report["purchases"]["repeat_rate"] == 0.5
    assert report["purchases"]["other_currencies"] == {"USD": "99"}
    assert report["refunds"]["amount"]["total"] == "-0.05"
    assert report["refunds"]["rate"] == 0.2
    assert report["net"]["total"] == "0.251"


async def test_the_best_fifth_is_rounded_up(keeper: Pool, app: Connection) -> None:
    story = Story()
    for customer, total in ((ANN, "60"), (BOB, "30"), (CLEO, "10")):
        story.bought(customer, total)

    top = (await report_of(keeper, app, story))["purchases"]["top20"]

    assert top == {"customers": 1, "revenue": "60", "share": 0.6}


async def test_months_begin_in_the_tenants_zone(keeper: Pool, app: Connection) -> None:
    story = Story()
    story.configured("Europe/London", "EUR")
    story.bought(ANN, "1", datetime(2026, 6, 30, 23, 30, tzinfo=UTC))
    story.bought(ANN, "2", datetime(2026, 7, 1, 12, tzinfo=UTC))
    story.bought(BOB, "4", datetime(2026, 8, 1, 12, tzinfo=UTC))

    monthly = (await report_of(keeper, app, story))["purchases"]["monthly"]

    assert monthly == [
        {"month": "2026-07", "purchases": 2, "revenue": "3", "active_customers": 1, "new_customers": 1},
        {"month": "2026-08", "purchases": 1, "revenue": "4", "active_customers": 1, "new_customers": 1},
    ]


async def test_two_linked_ids_count_as_one_customer(keeper: Pool, app: Connection) -> None:
    story = Story()
    story.created(ANN)
    story.created(BOB)
    story.bought(ANN, "1")
    story.bought(BOB, "2")
    story.linked(ANN, BOB)

    report = await report_of(keeper, app, story)

    assert report["customers"] == 1
    assert report["purchases"]["customers"] == 1
    assert report["purchases"]["repeat_customers"] == 1


async def test_merged_customers_count_as_one_until_they_are_unmerged(keeper: Pool, app: Connection) -> None:
    story = Story()
    for customer in (ANN, BOB, CLEO):
        story.created(customer)
        story.bought(customer, "1")
    story.merged(BOB, ANN)
    story.merged(ANN, CLEO)
    told = len(story.events)

    report = await report_of(keeper, app, story)
    assert (report["customers"], report["purchases"]["customers"]) == (1, 1)

    story.unmerged(ANN, CLEO)
    await fold_all(keeper, story.events[told:])
    assert (await read_report(app))["customers"] == 2


async def test_ids_in_a_circle_are_one_customer(keeper: Pool, app: Connection) -> None:
    story = Story()
    for customer in (ANN, BOB, CLEO):
        story.created(customer)
    for customer, survivor in ((ANN, BOB), (BOB, ANN), (CLEO, ANN)):
        story.merged(customer, survivor)

    report = await report_of(keeper, app, story)

    assert report["customers"] == 1
    parties = await parties_of(app, [(TENANT, customer) for customer in (ANN, BOB, CLEO)])
    assert {(party.root, party.members) for party in parties.values()} == {(ANN, (ANN, BOB, CLEO))}


async def test_a_contact_succeeds_when_its_customer_has_bought(keeper: Pool, app: Connection) -> None:
    story = Story()
    story.created(ANN, job="baker")
    story.created(BOB, job="baker")
    story.contacted(ANN, attempts=3, outcome="yes")
    story.contacted(BOB, "email", attempts=4, outcome="no")
    story.bought(ANN, "0")

    contacts = (await report_of(keeper, app, story))["contacts"]

    assert (contacts["count"], contacts["customers"], contacts["successes"]) == (2, 2, 1)
    assert contacts["by_customer_attribute"]["job"] == [
        {"value": "baker", "count": 2, "customers": 2, "successes": 1, "success_rate": 0.5}
    ]
    assert contacts["attribute_sums"] == {"attempts": "7"}
    assert [row["channel"] for row in contacts["by_channel"]] == ["email", "phone"]


async def test_complaints_are_timely_over_all_of_them(keeper: Pool, app: Connection) -> None:
    story = Story()
    first = story.complained(ANN, "delivery")
    second = story.complained(BOB, "delivery")
    story.complained(CLEO, "price", NOON + timedelta(days=31))
    story.responded(ANN, first, timely="yes")
    story.responded(BOB, second, timely="no")

    complaints = (await report_of(keeper, app, story))["complaints"]

    assert (complaints["count"], complaints["answered"], complaints["unanswered"]) == (3, 2, 1)
    assert complaints["timely_rate"] == pytest.approx(1 / 3)
    assert complaints["by_category"][0] == {
        "category": "delivery", "count": 2, "answered": 2, "timely": 1, "untimely": 1, "timely_rate": 0.5,
    }  # fmt: skip
    assert complaints["by_response_attribute"]["timely"] == [{"value": "no", "count": 1}, {"value": "yes", "count": 1}]
    assert [row["month"] for row in complaints["monthly"]] == ["2026-03", "2026-04"]


async def test_another_tenant_sees_nothing_of_it(keeper: Pool, app: Connection) -> None:
    story = Story()
    story.bought(ANN, "5")
    await fold_all(keeper, story.events)
    await app.execute("SELECT set_config('rapport.tenant', 'other', false)")

    report = await read_report(app)

    assert report["purchases"]["count"] == 0


async def test_an_import_counts_once_and_its_last_figures_hold(keeper: Pool, app: Connection) -> None:
    run, other = new_id(3), new_id(4)
    story = Story()
    for skipped in ({"no_customer": 1}, {"no_customer": 2}):
        story.imported("contacts", run, {"crm.customer.created.v1": 4}, skipped=skipped)
        story.imported("interactions", run, {"crm.customer.purchased.v1": 5}, skipped=skipped)
    story.imported("contacts", other, {"crm.customer.created.v1": 1}, rows=3, skipped={"no_customer": 1})

    imports = (await report_of(keeper, app, story))["imports"]

    assert {name: imports[name] for name in ("rows", "rows_used", "skipped", "rejected")} == {
        "rows": 12,
        "rows_used": 7,
        "skipped": {"no_customer": 3},
        "rejected": {"malformed": 2},
    }
    (one,) = (entry for entry in imports["completed"] if entry["import_id"] == str(run))
    assert one["recorded"] == {"crm.customer.created.v1": 4, "crm.customer.purchased.v1": 5}
    assert len(imports["completed"]) == 2
