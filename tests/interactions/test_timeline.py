"""The timeline tells what happened with a customer in all services, whichever came first."""

from decimal import Decimal
from itertools import permutations
from uuid import UUID

from rapport_events.codec import published_by
from rapport_events.contracts.analytics import CustomerStageReached, SegmentDefined, SegmentRetired
from rapport_events.contracts.contacts import (
    CustomerCreated,
    CustomerIdentityLinked,
    CustomerIdentityUnlinked,
    CustomerMerged,
    CustomerUnmerged,
    TenantConfigured,
)
from rapport_events.contracts.interactions import CustomerPurchased
from rapport_events.contracts.platform import ImportCompleted, ImportStarted, WebhookFact
from rapport_events.contracts.workflow import (
    EffectSkippedDuplicate,
    RunStepCompleted,
    RunWaited,
    TaskCreated,
    TimerCancelled,
    TimerFired,
    TimerScheduled,
)
from rapport_events.database import Pool
from rapport_events.ids import CustomerId, new_id, partition_of_customer
from rapport_events.testing import ANN, BOB, TENANT, Lines, fold
from rapport_interactions.happenings import TOLD
from rapport_interactions.views.timeline import Timeline
from tests.interactions.wishes import ANN_ID, buy, complain, wish
from tests.slices import Slices


def link(other: UUID) -> CustomerIdentityLinked:
    return CustomerIdentityLinked(
        linked_id=CustomerId(other), kind="external", system="shop", strength="strong", method="declared"
    )


def thing(customer: UUID) -> UUID:
    return new_id(partition_of_customer(TENANT, CustomerId(customer)))


async def entries(interactions: Slices, customer: UUID = ANN) -> list[tuple[str, str | None]]:
    page = await interactions.ask(f"/v1/customers/{customer}/timeline")
    return [(entry["type"].removeprefix("crm.").removesuffix(".v1"), entry["text"]) for entry in page["entries"]]


async def test_all_that_happened_is_told_newest_first(interactions: Slices) -> None:
    task = thing(ANN)
    created = CustomerCreated(customer_id=CustomerId(ANN), kind="person", source="shop")
    await interactions.hear(created, stream=f"customer-{ANN}", subject=str(ANN))
    await interactions.hear(TaskCreated(task_id=task, kind="answer_complaint"), stream=f"task-{task}", subject=str(ANN))
    stage = CustomerStageReached(stage="first_time", rule_version="1")
    await interactions.hear(stage, stream=f"customer-{ANN}", subject=str(ANN))
    contact = {"channel": "phone", "direction": "inbound", "pii": {"subject": "Lamp", "body": "Where is it?"}}
    await wish(interactions, "/v1/contacts", customer=ANN_ID, **contact)
    await complain(interactions, pii={"text": "Broken!"})

    assert await entries(interactions) == [
        ("customer.complained", "Broken!"),
        ("customer.contacted", "Lamp"),
        ("task.created", None),
        ("customer.created", None),
        ("customer.stage_reached", None),
    ]


async def test_what_is_told_late_stands_where_it_happened(interactions: Slices) -> None:
    for at, said in (("2026-03-02T12:00:00Z", "second"), ("2026-03-01T12:00:00Z", "first")):
        wished = {"channel": "phone", "direction": "inbound", "at": at, "pii": {"subject": said}}
        await wish(interactions, "/v1/contacts", customer=ANN_ID, **wished)

    assert [text for _, text in await entries(interactions)] == ["second", "first"]


async def test_a_summary_tells_codes_and_amounts_as_they_are(interactions: Slices) -> None:
    items = [{"qty": "2", "line_total": "7.65"}, {"qty": "1", "line_total": "0"}]
    await buy(interactions, "15.30", "536365", items=items, channel="web", attributes={"campaign": 4})

    (entry,) = (await interactions.ask(f"/v1/customers/{ANN}/timeline"))["entries"]

    assert entry["summary"] == {
        "order_ref": "536365",
        "total": "15.30",
        "currency": "EUR",
        "channel": "web",
        "attributes": {"campaign": 4},
        "lines": 2,
    }
    assert (entry["source"], entry["role"], entry["stream"][:9]) == ("interactions", None, "purchase-")


async def test_others_who_took_part_have_it_on_their_timeline_too(interactions: Slices) -> None:
    parties = [{"customer": str(BOB), "role": "receiver"}, {"customer": str(ANN), "role": "payer"}]
    await buy(interactions, "15.30", parties=parties)
    await wish(interactions, "/v1/referrals", customer=ANN_ID, referred=str(BOB))

    page = await interactions.ask(f"/v1/customers/{BOB}/timeline")

    assert [(entry["type"], entry["role"]) for entry in page["entries"]] == [
        ("crm.referral.made.v1", "referred"),
        ("crm.customer.purchased.v1", "receiver"),
    ]
    assert len(await entries(interactions, ANN)) == 2


async def test_two_linked_ids_have_one_timeline_with_each_event_once(interactions: Slices) -> None:
    await buy(interactions, "15.30", parties=[{"customer": str(BOB), "role": "receiver"}])
    await wish(interactions, "/v1/purchases", customer={"id": str(BOB)}, total="1", currency="EUR")
    await interactions.hear(link(BOB), stream=f"customer-{ANN}", subject=str(ANN))

    ours, theirs = await entries(interactions, ANN), await entries(interactions, BOB)
    assert ours == theirs
    assert [kind for kind, _ in ours] == ["customer.purchased", "customer.purchased", "customer.identity_linked"]

    unlinked = CustomerIdentityUnlinked(linked_id=CustomerId(BOB), kind="external", system="shop")
    await interactions.hear(unlinked, stream=f"customer-{ANN}", subject=str(ANN))
    assert len(await entries(interactions, BOB)) == 2


async def test_merged_customers_have_one_timeline_until_they_are_unmerged(interactions: Slices) -> None:
    await buy(interactions, "15.30")
    await wish(interactions, "/v1/purchases", customer={"id": str(BOB)}, total="1", currency="EUR")
    merged = CustomerMerged(customer_id=CustomerId(BOB), survivor_id=CustomerId(ANN))
    await interactions.hear(merged, stream=f"customer-{BOB}", subject=str(BOB))
    await wish(interactions, "/v1/purchases", customer={"id": str(BOB)}, total="2", currency="EUR")

    assert await entries(interactions, ANN) == await entries(interactions, BOB)
    assert len(await entries(interactions, ANN)) == 4

    unmerged = CustomerUnmerged(customer_id=CustomerId(BOB), survivor_id=CustomerId(ANN))
    await interactions.hear(unmerged, stream=f"customer-{BOB}", subject=str(BOB))
    assert await entries(interactions, ANN) == [("customer.purchased", None)]
    assert len(await entries(interactions, BOB)) == 4


async def test_pages_hold_each_event_once_and_end(interactions: Slices) -> None:
    for number in range(5):
        await buy(interactions, f"{number}")
    await interactions.hear(link(BOB), stream=f"customer-{ANN}", subject=str(ANN))

    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(5):
        page = await interactions.ask(f"/v1/customers/{BOB}/timeline", limit=2, **cursor)
        seen += [entry["summary"].get("total", "link") for entry in page["entries"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == ["4", "3", "2", "1", "0", "link"]

    answer = await interactions.client.get(f"/v1/customers/{ANN}/timeline", params={"cursor": "nonsense"})
    assert (answer.status_code, answer.json()["code"]) == (422, "cursor_unknown")


async def test_texts_are_masked_for_those_who_may_not_see_them_and_while_the_keyring_is_away(
    interactions: Slices,
) -> None:
    await complain(interactions, pii={"text": "Broken!"})
    clerk = interactions.token("interactions:read")
    route = f"/v1/customers/{ANN}/timeline"

    masked = (await interactions.client.get(route, headers=clerk)).json()
    assert (masked["entries"][0]["text"], masked["is_masked"]) == ("masked", True)
    assert masked["entries"][0]["summary"]["category"] == "delivery"

    interactions.keyring.is_away = True
    assert await entries(interactions) == [("customer.complained", "masked")]
    interactions.keyring.is_away = False
    await interactions.keyring.destroy(TENANT, [CustomerId(ANN)])
    assert await entries(interactions) == [("customer.complained", "redacted")]


async def test_another_tenant_sees_nothing(interactions: Slices) -> None:
    await buy(interactions, "15.30")
    other = interactions.token("interactions:read personal:read", tenant="bolt")

    answer = await interactions.client.get(f"/v1/customers/{ANN}/timeline", headers=other)

    assert answer.json()["entries"] == []


async def test_rows_do_not_depend_on_how_topics_interleave(interactions: Slices) -> None:
    lines, purchase, task = Lines(), thing(ANN), thing(ANN)
    subject = str(ANN)
    facts = [
        lines.next(
            CustomerCreated(customer_id=CustomerId(ANN), kind="person", source="shop"),
            stream=f"customer-{ANN}",
            subject=subject,
        ),
        lines.next(
            CustomerPurchased(purchase_id=purchase, total=Decimal(1), currency="EUR"),
            stream=f"purchase-{purchase}",
            subject=subject,
        ),
        lines.next(TaskCreated(task_id=task, kind="call"), stream=f"task-{task}", subject=subject),
    ]
    seen: list[list[tuple[object, ...]]] = []
    for order in permutations(facts):
        async with interactions.keeper.acquire() as connection:
            await connection.execute("TRUNCATE timeline_v1_r1")
            for fact in order:
                await fold(Timeline(), connection, [fact])
        seen.append(await _rows(interactions.keeper))

    assert len(seen[0]) == 3
    assert all(rows == seen[0] for rows in seen)


async def _rows(keeper: Pool) -> list[tuple[object, ...]]:
    rows = await keeper.fetch("SELECT * FROM timeline_v1 ORDER BY source, partition, position")
    return [tuple(row.values()) for row in rows]


def test_every_fact_about_a_customer_is_told() -> None:
    """A new event stands on the timeline, or it is said here why not."""
    not_about_a_customer = {
        SegmentDefined,
        SegmentRetired,
        TenantConfigured,
        ImportStarted,
        ImportCompleted,
        *WebhookFact.__subclasses__(),
    }
    # What a timer or a single step did shows in the task, run or mail that it belongs to.
    machinery = {TimerScheduled, TimerFired, TimerCancelled, RunWaited, RunStepCompleted, EffectSkippedDuplicate}
    services = ("contacts", "interactions", "workflow", "analytics")
    published = {event for service in services for event in published_by(service)}

    assert published - not_about_a_customer - machinery == set(TOLD)
