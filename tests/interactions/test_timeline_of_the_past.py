"""A timeline at a moment of the past: what had happened by then, and what we knew of it."""

from datetime import datetime, timedelta
from uuid import UUID

from rapport_events.contracts.contacts import CustomerIdentityLinked, CustomerIdentityUnlinked
from rapport_events.contracts.interactions import CustomerContacted
from rapport_events.ids import CustomerId, new_id, partition_of_customer
from rapport_events.testing import ANN, BOB, NOON, TENANT
from tests.slices import Slices

DAY = timedelta(days=1)


async def contacted(slices: Slices, customer: UUID, outcome: str, *, at: datetime, recorded_at: datetime) -> None:
    thing = new_id(partition_of_customer(TENANT, CustomerId(customer)))
    event = CustomerContacted(interaction_id=thing, channel="phone", direction="inbound", outcome=outcome)
    stream = f"contact-{thing}"
    slices.events.append(
        slices.foreign.next(event, stream=stream, subject=str(customer), at=at, recorded_at=recorded_at)
    )
    await slices.fold()


async def outcomes(slices: Slices, customer: UUID = ANN, **moments: datetime) -> list[str]:
    asked = {name: moment.isoformat() for name, moment in moments.items()}
    page = await slices.ask(f"/v1/customers/{customer}/timeline", **asked)
    return [entry["summary"].get("outcome", entry["type"]) for entry in page["entries"]]


async def test_a_late_fact_changes_what_was_true_and_not_what_we_believed(interactions: Slices) -> None:
    await contacted(interactions, ANN, "second", at=NOON + DAY, recorded_at=NOON + DAY)
    await contacted(interactions, ANN, "first", at=NOON, recorded_at=NOON + 3 * DAY)

    assert await outcomes(interactions, as_of=NOON) == ["first"]
    assert await outcomes(interactions, as_of=NOON + 2 * DAY) == ["second", "first"]
    assert await outcomes(interactions, known_at=NOON + 2 * DAY) == ["second"]
    assert await outcomes(interactions, as_of=NOON, known_at=NOON + 2 * DAY) == []
    assert await outcomes(interactions, as_of=NOON, known_at=NOON + 3 * DAY) == ["first"]


async def test_pages_of_the_past_hold_each_entry_once(interactions: Slices) -> None:
    for number in range(5):
        at = NOON + number * DAY
        await contacted(interactions, ANN, str(number), at=at, recorded_at=at)
    route, asked = f"/v1/customers/{ANN}/timeline", {"as_of": (NOON + 3 * DAY).isoformat()}

    first = await interactions.ask(route, limit=3, **asked)
    second = await interactions.ask(route, limit=3, cursor=first["next_cursor"], **asked)

    assert [entry["summary"]["outcome"] for page in (first, second) for entry in page["entries"]] == list("3210")
    assert (second["next_cursor"], second["moment"]["as_of"]) == (None, "2026-03-05T12:00:00Z")


async def test_a_party_is_that_of_what_we_knew(interactions: Slices) -> None:
    await contacted(interactions, ANN, "ours", at=NOON, recorded_at=NOON)
    await contacted(interactions, BOB, "theirs", at=NOON + DAY, recorded_at=NOON + DAY)
    name = {"linked_id": CustomerId(BOB), "kind": "external", "system": "shop"}
    linked = CustomerIdentityLinked(**name, strength="strong", method="declared")  # type: ignore[arg-type]  # as named
    unlinked = CustomerIdentityUnlinked(**name)  # type: ignore[arg-type]  # as named
    for event, at in ((linked, NOON + 2 * DAY), (unlinked, NOON + 4 * DAY)):
        await interactions.hear(event, stream=f"customer-{ANN}", subject=str(ANN), at=at)

    assert await outcomes(interactions, known_at=NOON + DAY) == ["ours"]
    assert (await outcomes(interactions, BOB, known_at=NOON + 3 * DAY))[1:] == ["theirs", "ours"]
    assert await outcomes(interactions, BOB, known_at=NOON + 2 * DAY, as_of=NOON) == ["ours"]
    assert await outcomes(interactions, BOB, known_at=NOON + 4 * DAY) == ["theirs"]
    # Who is who is knowledge: what was true then is told with what we know of it now.
    assert await outcomes(interactions, BOB, as_of=NOON + 3 * DAY) == ["theirs"]


async def test_a_moment_that_cannot_be_meant_is_refused(interactions: Slices) -> None:
    for moment, code in (
        ("soon", "moment_unreadable"),
        ("2026-03-02", "moment_without_zone"),
        ("2999-01-01T00:00:00Z", "moment_ahead"),
    ):
        answer = await interactions.client.get(f"/v1/customers/{ANN}/timeline", params={"as_of": moment})

        assert (answer.status_code, answer.json()["code"]) == (422, code)
