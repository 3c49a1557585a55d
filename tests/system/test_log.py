"""The log as people meet it: on the command line, through the public door, and delivered to their own address."""

import json
from typing import Any

from standardwebhooks import Webhook as Reference

from tests.chassis.receiving import open_receiver
from tests.system.client import Client
from tests.system.suites import Said, Suite
from tests.waiting import until

ANN = {"system": "shop", "external_id": "Ann"}
PURCHASE = {"customer": ANN, "total": "2.50", "currency": "GBP"}


def events_of(said: Said) -> list[dict[str, Any]]:
    assert said.code == 0, said.error
    return [json.loads(line) for line in said.out.splitlines()]


async def test_events_come_to_the_command_line(suite: Suite, client: Client, tenant: str) -> None:
    sold = await client.wish("interactions", "/v1/purchases", PURCHASE)

    everything = events_of(await suite.verb("subscribe", "--replay", "all", "--once", tenant=tenant))
    of_type = ("--type", "crm.customer.*", "--replay", "1h", "--once")
    chosen = events_of(await suite.verb("subscribe", *of_type, "--services", "interactions", tenant=tenant))
    tail = await suite.verb("events", "tail", "--customer", "shop:Ann", "--since", "1h", "--once", tenant=tenant)
    nothing = events_of(await suite.verb("subscribe", "--once", tenant=tenant))
    unusable = await suite.verb("subscribe", "--replay", "soon", tenant=tenant)
    python = await suite.verb("subscribe", "--print", "python")

    (purchase,) = [event for event in everything if event["id"] in sold.body["event_ids"]]
    assert chosen == [purchase]
    assert purchase["id"] in tail.out
    assert "\x1b[" not in tail.out, "no colour in a pipe"
    assert nothing == []
    assert (unusable.code, "1h" in unusable.error) == (2, True)
    assert "ce_position" in python.out


async def test_events_come_through_the_public_door(suite: Suite, client: Client, tenant: str) -> None:
    sold = await client.wish("interactions", "/v1/purchases", PURCHASE)
    door = suite.urls["console"] + "/api/interactions"
    async with Client({"door": door}, suite.token(tenant)) as caller:
        lines = await caller.get("door", "/v1/events", type="crm.customer.*")
        stream = await caller.get_stream("door", "/v1/events", type="crm.customer.*")

    assert [json.loads(line)["id"] for line in lines.text.splitlines()] == sold.body["event_ids"]
    assert lines.headers["rapport-cursor"]
    assert sold.body["event_ids"][0] in stream


async def test_events_are_delivered_to_an_address(suite: Suite, client: Client, tenant: str) -> None:
    async with open_receiver() as receiver:
        wish = ("interactions", receiver.address, "--type", "crm.customer.*", "--json")
        added = await suite.verb("webhook", "add", *wish, tenant=tenant)
        assert added.code == 0, added.error
        webhook = json.loads(added.out)
        sold = await client.wish("interactions", "/v1/purchases", PURCHASE)
        await until(lambda: receiver.ids == sold.body["event_ids"], seconds=30, what="the purchase is delivered")
        again = ("interactions", webhook["id"], "--since", "1h")
        replayed = await suite.verb("webhook", "replay", *again, tenant=tenant)
        await until(lambda: receiver.ids == sold.body["event_ids"] * 2, seconds=30, what="it is delivered again")

    for told in receiver.told:
        Reference(webhook["secret"]).verify(told.body, told.headers)
    listed = await suite.verb("webhook", "endpoints", tenant=tenant)
    made = await suite.verb("webhook", "deliveries", "interactions", webhook["id"], tenant=tenant)
    ended = await suite.verb("webhook", "change", "interactions", webhook["id"], "remove", tenant=tenant)
    assert (replayed.code, listed.code, made.code, ended.code) == (0, 0, 0, 0)
    assert receiver.address in listed.out
    assert sold.body["event_ids"][0] in made.out
