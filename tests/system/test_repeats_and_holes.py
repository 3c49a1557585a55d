"""Whatever comes twice, late, in the wrong order or not at all: no figure changes, and nothing stays behind."""

import asyncio

from tests.system.client import Client, Json
from tests.system.rows import changes, rows_of
from tests.system.standing import settle
from tests.system.story import ANN, NOON, figures, whole_day
from tests.system.suites import OWNERS, Suite
from tests.system.topics import events_of, lose_topic, mirror_paused, numbers_in, publish, resend_all, until_whole
from tests.waiting import until

SECONDS = 60


async def until_no_lag(client: Client) -> None:
    """Wait until every service says of itself that nothing is missing."""

    async def has_none() -> bool:
        answers = [await client.read(service, "/v1/readers") for service in OWNERS]
        return all(reader["lag"] == 0 and reader["parked"] == 0 for each in answers for reader in each["readers"])

    await until(has_none, seconds=SECONDS, what="no reader lags, and nothing is parked")


async def test_every_command_sent_twice_is_one_wish(suite: Suite, client: Client) -> None:
    first = await whole_day(client)
    await settle(suite)
    shown, rows = await figures(client), await rows_of(suite)

    again = await whole_day(client)
    await settle(suite)

    assert again.answers == first.answers
    assert await figures(client) == shown
    assert changes(rows, await rows_of(suite)) == {}
    await until_no_lag(client)


async def test_the_outside_name_of_a_fact_is_enough_to_know_it_again(suite: Suite, client: Client) -> None:
    day = await whole_day(client)
    await settle(suite)
    shown, rows = await figures(client), await rows_of(suite)

    named = [line(path, body) for _, path, body in day.told if path in NAMES]
    answers = await client.batch("interactions", [each for each in named for _ in range(2)])
    await settle(suite)

    assert {answer["outcome"] for answer in answers} == {"repeated"}
    assert len(answers) == 2 * len(named) > 20
    assert await figures(client) == shown
    assert changes(rows, await rows_of(suite)) == {}


NAMES = {
    "/v1/purchases": "record_purchase",
    "/v1/refunds": "refund_purchase",
    "/v1/referrals": "record_referral",
    "/v1/contacts": "record_contact",
    "/v1/complaints": "file_complaint",
}


def line(path: str, body: Json) -> Json:
    """Write a command as a batch takes it, without a key."""
    return {"command": NAMES[path], "body": {"at": NOON, **body}}


async def test_many_callers_with_one_wish_record_one_fact(suite: Suite, client: Client) -> None:
    body = {"customer": ANN, "total": "5.00", "currency": "EUR", "external": {"system": "shop", "id": "one"}}

    answers = await asyncio.gather(*(client.post("interactions", "/v1/purchases", body) for _ in range(40)))
    await settle(suite)

    assert {answer.status_code for answer in answers} <= {200, 201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert (await figures(client))["purchases"]["count"] == 1


async def test_every_record_delivered_twice_changes_nothing(suite: Suite, client: Client) -> None:
    await whole_day(client)
    await settle(suite)
    shown, rows = await figures(client), await rows_of(suite)

    for service in OWNERS:
        await resend_all(suite, service)
    for service in OWNERS:
        await until_whole(suite, service, times=2)
    await settle(suite)

    assert await figures(client) == shown
    assert changes(rows, await rows_of(suite)) == {}
    await until_no_lag(client)


async def test_a_repaired_hole_2_1_2_is_read_to_its_end(suite: Suite, client: Client, tenant: str) -> None:
    await buy(client, "before")
    await settle(suite)
    async with mirror_paused(suite, "interactions"):
        for order in ("first", "second"):
            await buy(client, order)
        before, first, second = await events_of(suite, "interactions", tenant)
        assert [each.position - before.position for each in (first, second)] == [1, 2]
        await publish(suite, [second, first, second])
        await settle(suite)

        assert (await figures(client))["purchases"]["count"] == 3
    await buy(client, "after")
    await settle(suite)

    assert (await numbers_in(suite, "interactions"))[first.partition][-4:-1] == [
        second.position,
        first.position,
        second.position,
    ]
    purchases = (await figures(client))["purchases"]
    assert (purchases["count"], purchases["customers"]) == (4, 1)
    await until_no_lag(client)


async def buy(client: Client, order: str) -> None:
    """Let Ann buy something."""
    body = {"customer": ANN, "total": "1.00", "currency": "EUR", "external": {"system": "shop", "id": order}}
    await client.wish("interactions", "/v1/purchases", body)


async def test_topics_emptied_while_running_are_filled_again(suite: Suite, client: Client) -> None:
    await whole_day(client)
    await settle(suite)
    shown, rows = await figures(client), await rows_of(suite)

    for service in OWNERS:
        await lose_topic(suite, service)
    for service in OWNERS:
        await until_whole(suite, service)
    await settle(suite)
    assert await figures(client) == shown
    assert changes(rows, await rows_of(suite)) == {}

    await buy(client, "after the loss")
    await settle(suite)
    assert (await figures(client))["purchases"]["count"] == shown["purchases"]["count"] + 1
    await until_no_lag(client)
