"""Personal values are opened for those who may read them, all that is kept of a person too; what was erased is gone."""

from collections.abc import AsyncIterator
from typing import Any, cast
from uuid import UUID

import orjson
import pytest

from rapport_chassis.privacy_routes import PAGE, VALUES_MAX
from rapport_events.codec import sealed_values
from rapport_events.envelope import Recorded
from rapport_events.ids import CustomerId
from rapport_events.testing import ANN, BOB, TENANT
from rapport_interactions.app import service
from tests.conftest import MakeServiceDatabase
from tests.slices import Slices, open_slices

WORDS = "Please call Ann Young"


@pytest.fixture
async def interactions(make_service_database: MakeServiceDatabase) -> AsyncIterator[Slices]:
    async with open_slices(service, await make_service_database("interactions")) as slices:
        yield slices


def event_of(interactions: Slices, event_id: str) -> Recorded:
    (event,) = [event for event in interactions.ledger.events if str(event.event_id) == event_id]
    return event


async def contact(interactions: Slices, customer: UUID = ANN, body: str = WORDS) -> dict[str, object]:
    """Record what a customer said, and return its sealed words as a subscriber would have them."""
    said = {"customer": str(customer), "channel": "email", "direction": "inbound", "pii": {"body": body}}
    answer = await interactions.wish("/v1/contacts", said)
    assert answer.status_code == 201, answer.text
    event = event_of(interactions, answer.json()["event_ids"][0])
    sealed = sealed_values(event.data)["body"]
    return {"event_id": str(event.event_id), "partition": event.partition, "path": "/pii/body", "value": sealed}


async def reveal(interactions: Slices, *values: object, **token: str) -> list[dict[str, Any]]:
    headers = interactions.token(**token) if token else {}
    answer = await interactions.client.post("/v1/reveal", json={"values": values}, headers=headers)
    assert answer.status_code == 200, answer.text
    return cast("list[dict[str, Any]]", answer.json()["values"])


async def test_values_are_opened_in_their_order(interactions: Slices) -> None:
    ann, bob = await contact(interactions), await contact(interactions, BOB, "Bob")

    assert [each["plain"] for each in await reveal(interactions, bob, ann, bob)] == ["Bob", WORDS, "Bob"]


async def test_what_was_erased_is_said_to_be_erased(interactions: Slices) -> None:
    ann = await contact(interactions)
    await interactions.keyring.destroy(TENANT, [CustomerId(ANN)])
    late = await contact_late(interactions)

    assert await reveal(interactions, ann, late) == [{"state": "erased", "plain": None}] * 2


async def contact_late(interactions: Slices) -> dict[str, object]:
    """Record something about somebody who was erased; the words are not kept at all."""
    answer = await interactions.wish(
        "/v1/contacts",
        {"customer": str(ANN), "channel": "email", "direction": "inbound", "pii": {"body": WORDS}},
    )
    (event_id,) = answer.json()["event_ids"]
    event = event_of(interactions, event_id)
    assert orjson.loads(event.data)["pii"] == {"body": "redacted"}
    return {"event_id": event_id, "path": "/pii/body", "value": "redacted"}


@pytest.mark.parametrize(
    "change",
    [
        {"event_id": str(BOB)},
        {"path": "/pii/subject"},
        {"value": "s1.AAAA"},
        {"value": "Ann Young"},
    ],
)
async def test_a_value_opens_only_where_it_was_sealed(interactions: Slices, change: dict[str, str]) -> None:
    ann = await contact(interactions)

    assert await reveal(interactions, {**ann, **change}) == [{"state": "unreadable", "plain": None}]


async def test_nobody_opens_values_of_another_tenant(interactions: Slices) -> None:
    ann = await contact(interactions)

    (found,) = await reveal(interactions, ann, scope="personal:read", tenant="bolt")

    assert found == {"state": "erased", "plain": None}


async def test_without_the_scope_nothing_is_opened(interactions: Slices) -> None:
    ann = await contact(interactions)
    headers = interactions.token("interactions:read interactions:write operator")

    answers = [
        await interactions.client.post("/v1/reveal", json={"values": [ann]}, headers=headers),
        await interactions.client.get(f"/v1/customers/{ANN}/personal-data", headers=headers),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(403, "scope_missing")] * 2


async def test_a_thousand_values_are_opened_at_a_time_and_no_more(interactions: Slices) -> None:
    ann = await contact(interactions, body="x" * 2_000)

    assert {each["state"] for each in await reveal(interactions, *[ann] * VALUES_MAX)} == {"open"}
    answer = await interactions.client.post("/v1/reveal", json={"values": [ann] * (VALUES_MAX + 1)})

    assert (answer.status_code, answer.json()["code"]) == (413, "too_many_values")


async def test_with_the_keyring_away_nothing_is_said(interactions: Slices) -> None:
    ann = await contact(interactions)
    interactions.keyring.is_away = True

    answers = [
        await interactions.client.post("/v1/reveal", json={"values": [ann]}),
        await interactions.client.get(f"/v1/customers/{ANN}/personal-data"),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(503, "keyring_away")] * 2


async def everything(interactions: Slices, customer: UUID) -> tuple[list[dict[str, Any]], int, int]:
    """Read all pages; return the events, the values that opened, and how many pages there were."""
    events: list[dict[str, Any]] = []
    readable = pages = 0
    cursor: dict[str, str] = {}
    while True:
        page = await interactions.ask(f"/v1/customers/{customer}/personal-data", **cursor)
        events += page["events"]
        readable += page["readable"]
        pages += 1
        if page["next_cursor"] is None:
            return events, readable, pages
        cursor = {"cursor": page["next_cursor"]}


async def test_all_that_is_kept_of_a_person_is_shown_open(interactions: Slices) -> None:
    await contact(interactions)
    await contact(interactions, BOB, "Bob")

    events, readable, _ = await everything(interactions, ANN)

    assert [event["data"]["pii"] for event in events] == [{"body": WORDS}]
    assert readable == 1

    await interactions.keyring.destroy(TENANT, [CustomerId(ANN)])
    events, readable, _ = await everything(interactions, ANN)
    assert [event["data"]["pii"] for event in events] == [{"body": None}]
    assert readable == 0


async def test_a_long_life_comes_in_pages(interactions: Slices) -> None:
    lines = [
        {"command": "record_contact", "body": {"customer": str(ANN), "channel": "email", "direction": "inbound"}}
        for _ in range(PAGE + 1)
    ]
    body = b"\n".join(orjson.dumps(line) for line in lines)
    headers = {"Content-Type": "application/x-ndjson"}
    answer = await interactions.client.post("/v1/commands:batch", content=body, headers=headers)
    assert answer.status_code == 200, answer.text

    events, _, pages = await everything(interactions, ANN)

    assert (len({event["id"] for event in events}), pages) == (PAGE + 1, 2)
