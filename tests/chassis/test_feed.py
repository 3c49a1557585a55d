"""The feed: everything of one tenant, once, in order per partition, from the first event on."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from cloudevents.core.formats.json import JSONFormat

from rapport_events import feed
from rapport_events.ids import CustomerId, TenantId
from tests.chassis.ledgers import Booth, lines_of, open_booth
from tests.conftest import MakeServiceDatabase
from tests.waiting import until

PEOPLE = ("Ann", "Bob", "Cleo", "Dan")
CONTACTED = "crm.customer.contacted.v1"


@pytest.fixture
async def booth(make_service_database: MakeServiceDatabase) -> AsyncIterator[Booth]:
    async with open_booth(await make_service_database("interactions")) as opened:
        yield opened


async def follow(booth: Booth, **parameters: str | int) -> list[dict[str, Any]]:
    """Read page after page until one is empty."""
    found: list[dict[str, Any]] = []
    while True:
        answer = await booth.client.get("/v1/events", params=parameters)
        page = lines_of(answer)
        if not page:
            return found
        found += page
        parameters["cursor"] = answer.headers["rapport-cursor"]


async def test_pages_hold_every_event_once_in_the_order_of_its_partition(booth: Booth) -> None:
    recorded = [await booth.buy(PEOPLE[number % 4]) for number in range(20)]

    events = await follow(booth, limit=3)

    assert [event["id"] for event in events] == recorded
    positions: dict[int, list[int]] = defaultdict(list)
    for event in events:
        positions[event["partition"]].append(event["position"])
    assert all(found == list(range(1, len(found) + 1)) for found in positions.values())


async def test_every_line_is_a_cloudevent(booth: Booth) -> None:
    event_id = await booth.buy()

    answer = await booth.client.get("/v1/events")
    event = JSONFormat().read(None, answer.content.splitlines()[0])

    assert answer.headers["content-type"] == "application/x-ndjson"
    assert (event.get_id(), event.get_source()) == (event_id, "/crm/interactions")
    data: Any = event.get_data()
    assert (data["purchase_id"], data["total"]) == (event.get_extension("stream")[-36:], "2.50")


async def test_a_tenant_sees_its_own_events_alone(booth: Booth) -> None:
    await booth.buy(tenant="rival")
    mine = await booth.buy()

    assert [event["id"] for event in await follow(booth)] == [mine]


async def test_what_a_filter_leaves_out_moves_the_cursor(booth: Booth, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "WINDOW", 2)
    for _ in range(7):
        await booth.buy()
    written = await booth.write("Hello")

    answer = await booth.client.get("/v1/events", params={"type": "crm.customer.con*"})
    again = await booth.client.get(
        "/v1/events", params={"type": "crm.customer.con*", "cursor": answer.headers["rapport-cursor"]}
    )
    others = await booth.client.get("/v1/events", params={"cursor": again.headers["rapport-cursor"]})

    assert [event["id"] for event in lines_of(answer)] == [written]
    assert (lines_of(again), lines_of(others)) == ([], [])


async def test_filters_name_whole_types_beginnings_and_a_subject(booth: Booth) -> None:
    bought, written = await booth.buy("Ann"), await booth.write("Hello", "Bob")
    everything = await follow(booth)

    of_type = await booth.client.get("/v1/events", params={"type": [CONTACTED, "crm.case.*"]})
    of_ann = await booth.client.get("/v1/events", params={"subject": everything[0]["subject"]})
    of_all = await booth.client.get("/v1/events", params={"type": "*"})
    of_none = await booth.client.get("/v1/events", params={"type": "crm.customer"})

    assert [[event["id"] for event in lines_of(each)] for each in (of_type, of_ann, of_all, of_none)] == [
        [written],
        [bought],
        [bought, written],
        [],
    ]


async def test_personal_values_are_sealed_unless_they_are_asked_for_by_one_who_may(booth: Booth) -> None:
    await booth.write("My cat is ill")

    (sealed,) = lines_of(await booth.client.get("/v1/events"))
    (opened,) = lines_of(await booth.client.get("/v1/events?open=true"))
    refused = await booth.client.get("/v1/events?open=true", headers=booth.token(scope="interactions:read"))
    booth.keyring.is_away = True
    away = await booth.client.get("/v1/events?open=true")

    assert sealed["data"]["pii"]["body"].startswith("s1.")
    assert opened["data"]["pii"] == {"body": "My cat is ill"}
    assert (refused.status_code, refused.json()["facts"]) == (403, {"scope": "personal:read"})
    assert (away.status_code, away.json()["code"]) == (503, "keyring_away")


async def test_a_value_whose_key_was_destroyed_is_null(booth: Booth) -> None:
    await booth.write("My cat is ill")
    (sealed,) = lines_of(await booth.client.get("/v1/events"))
    await booth.keyring.destroy(TenantId("acme"), [CustomerId(UUID(sealed["subject"]))])

    (opened,) = lines_of(await booth.client.get("/v1/events?open=true"))

    assert opened["data"]["pii"] == {"body": None}
    assert {**opened, "data": None} == {**sealed, "data": None}


async def test_it_begins_at_a_moment(booth: Booth) -> None:
    for number in range(9):
        await booth.buy(PEOPLE[number % 4])
    everything = await follow(booth)

    for number in (0, 4, 8):
        since = everything[number]["recordedtime"]
        assert await follow(booth, since=since) == everything[number:]
    later = datetime.fromisoformat(everything[-1]["recordedtime"]).replace(year=2200).isoformat()
    assert await follow(booth, since=later) == []


async def test_lines_wait_for_news(booth: Booth) -> None:
    waiting = asyncio.create_task(booth.client.get("/v1/events?wait=20"))
    await until(lambda: asks(booth), seconds=10, what="the feed has looked")
    assert not waiting.done()
    bought = await booth.buy()

    assert [event["id"] for event in lines_of(await waiting)] == [bought]


async def asks(booth: Booth) -> bool:
    async with booth.keeper.acquire() as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%feed%' OR query LIKE '-- state%'"
        return bool(await connection.fetchval(query))


async def test_a_stream_is_resumed_by_its_last_id(booth: Booth) -> None:
    recorded = [await booth.buy(PEOPLE[number % 4]) for number in range(8)]

    first = await stream(booth)
    assert [event["id"] for _, event in first] == recorded
    for number, (cursor, _) in enumerate(first):
        rest = await stream(booth, **{"Last-Event-ID": cursor})
        assert [event["id"] for _, event in rest] == recorded[number + 1 :]


async def stream(booth: Booth, **headers: str) -> list[tuple[str, dict[str, Any]]]:
    """Read server-sent events until the stream ends, as a browser does."""
    answer = await booth.client.get("/v1/events", headers={"Accept": "text/event-stream", **headers})
    assert answer.headers["content-type"].startswith("text/event-stream")
    found: list[tuple[str, dict[str, Any]]] = []
    for block in answer.text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        if "data" in fields:
            event = json.loads(fields["data"])
            assert fields["event"] == event["type"]
            found.append((fields["id"], event))
    return found


async def test_a_stream_goes_on_while_it_is_open(booth: Booth) -> None:
    waiting = asyncio.create_task(booth.client.get("/v1/events?wait=2", headers={"Accept": "text/event-stream"}))
    await until(lambda: asks(booth), seconds=10, what="the feed has looked")
    bought = await booth.buy()

    assert bought in (await waiting).text


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("cursor=x", "feed_cursor_unreadable"),
        ("cursor=WyJjb250YWN0cyIsMV0", "feed_cursor_unreadable"),
        ("type=crm.*.v1", "feed_type_unreadable"),
        ("limit=0", "malformed"),
        ("wait=999", "malformed"),
    ],
)
async def test_what_cannot_be_read_is_refused(booth: Booth, query: str, code: str) -> None:
    answer = await booth.client.get(f"/v1/events?{query}")

    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_a_cursor_of_a_former_era_is_refused(booth: Booth) -> None:
    await booth.buy()
    cursor = (await booth.client.get("/v1/events")).headers["rapport-cursor"]
    async with booth.keeper.acquire() as connection:
        await connection.execute("UPDATE ledger SET era = 2")

    answer = await booth.client.get("/v1/events", params={"cursor": cursor})

    assert (answer.status_code, answer.json()["code"], answer.json()["facts"]) == (409, "feed_era_ended", {"era": 2})


async def test_another_form_is_not_to_be_had(booth: Booth) -> None:
    answer = await booth.client.get("/v1/events", headers={"Accept": "text/html"})

    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")
