"""Whoever delivers to webhooks is killed in mid-delivery: nothing is lost, and what comes again is the same."""

import asyncio
from collections import defaultdict
from typing import Any, Final

import httpx
import pytest
from standardwebhooks import Webhook as Reference

from tests.chassis.houses import House
from tests.chassis.receiving import Receiver, open_receiver
from tests.chassis.test_run import START_SECONDS, takes_commands
from tests.waiting import until

KILLS: Final = 3
BEFORE_EACH: Final = 12
"""Events that are delivered before the sender is killed once more."""
CUSTOMERS: Final = 8


@pytest.fixture
async def house(house: House) -> House:
    await house.start("http,mirror,readers", program=("rapport_chassis.run",), RAPPORT_WEBHOOK_LOOPBACK="true")
    await until(lambda: takes_commands(house), seconds=START_SECONDS, what="the ledger takes commands")
    return house


async def deliver(house: House) -> asyncio.subprocess.Process:
    return await house.start("effects", program=("rapport_chassis.run",), RAPPORT_WEBHOOK_LOOPBACK="true")


async def register(client: httpx.AsyncClient, receiver: Receiver) -> dict[str, Any]:
    wish = {"address": receiver.address, "types": ["crm.customer.*"]}
    answer = await client.post("/v1/webhooks", json=wish)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def buy(client: httpx.AsyncClient, count: int) -> dict[str, list[str]]:
    """Let customers buy; return the events of each, in order."""
    bought: defaultdict[str, list[str]] = defaultdict(list)
    for number in range(count):
        customer = str(number % CUSTOMERS)
        body = {"customer": {"system": "shop", "external_id": customer}, "total": "1.00", "currency": "EUR"}
        answer = await client.post("/v1/purchases", json=body)
        assert answer.status_code == 201, answer.text
        bought[customer] += answer.json()["event_ids"]
    return bought


async def test_a_sender_that_is_killed_in_mid_delivery_loses_nothing(house: House) -> None:
    async with open_receiver() as receiver, house.client() as client:
        webhook = await register(client, receiver)
        bought = await buy(client, (KILLS + 1) * BEFORE_EACH)
        recorded = {event for events in bought.values() for event in events}
        sender = await deliver(house)
        for kill in range(1, KILLS + 1):
            receiver.silent_after = len(receiver.told) + BEFORE_EACH - 4
            await until(lambda: receiver.silent > 0, seconds=START_SECONDS, what="a delivery waits for its answer")
            sender.kill()
            await sender.wait()
            await until(lambda: receiver.silent == 0, seconds=START_SECONDS, what="its connections are gone")
            assert set(receiver.ids) < recorded, kill
            receiver.silent_after = None
            sender = await deliver(house)
        await until(lambda: set(receiver.ids) == recorded, seconds=START_SECONDS, what="everything was delivered")

        assert len(receiver.ids) > len(recorded), "what had no answer came again"
        for told in receiver.told:
            event = Reference(webhook["secret"]).verify(told.body, told.headers)
            assert event["id"] == told.id
        bodies: defaultdict[str, set[bytes]] = defaultdict(set)
        for told in receiver.told:
            bodies[told.id].add(told.body)
        assert {len(same) for same in bodies.values()} == {1}
        first = list(dict.fromkeys(receiver.ids))
        for events in bought.values():
            assert [event for event in first if event in events] == events

        async def is_noted() -> bool:
            path = f"/v1/webhooks/{webhook['id']}/deliveries"
            made = (await client.get(path, params={"state": "pending"})).json()["deliveries"]
            return not made

        await until(is_noted, seconds=START_SECONDS, what="all is noted as delivered")
