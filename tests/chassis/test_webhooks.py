"""Webhooks: every event once where all goes well, in order for each customer, and again until it was taken."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook as Reference

from rapport_chassis.webhooks import commands, queue
from rapport_chassis.webhooks.addresses import Outgoing, resolve
from rapport_chassis.webhooks.delivering import PAUSES, Deliverer
from rapport_chassis.webhooks.sending import Sender
from rapport_chassis.webhooks.view import Endpoint, Webhooks
from rapport_events.ids import PARTITIONS
from rapport_events.reader import ViewReader
from rapport_events.testing import arrived
from tests.chassis.ledgers import Booth, open_booth
from tests.chassis.receiving import Receiver, open_receiver
from tests.chassis.shop import SHOP
from tests.conftest import MakeServiceDatabase

SERVICE = replace(SHOP, handlers=(*SHOP.handlers, *commands.HANDLERS), views=(Webhooks("interactions"),))


@dataclass
class Post:
    """A service that delivers, a clock that can be set, and a receiver."""

    booth: Booth
    receiver: Receiver
    deliverer: Deliverer
    reader: ViewReader
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    async def register(self, **wish: str | bool | list[str]) -> dict[str, Any]:
        answer = await self.booth.client.post(
            "/v1/webhooks", json={"address": self.receiver.address, "types": ["crm.customer.*"], **wish}
        )
        assert answer.status_code == 201, answer.text
        await self.fold()
        return dict(answer.json())

    async def tell(self, webhook: str, verb: str, **body: str) -> dict[str, Any]:
        answer = await self.booth.client.post(f"/v1/webhooks/{webhook}/{verb}", json=body)
        assert answer.status_code == 200, answer.text
        await self.fold()
        return dict(answer.json())

    async def fold(self) -> None:
        for partition in range(PARTITIONS):
            facts = await self.booth.ledger.read_partition(partition, after=0, limit=10_000)
            await self.reader.take([arrived(fact) for fact in facts])

    async def deliver(self) -> None:
        """Deliver until nothing is due."""
        for endpoint in (await self.deliverer.endpoints()).values():
            while await self.deliverer.step(endpoint):
                pass
        await self.fold()

    async def later(self, pause: timedelta) -> None:
        """Let time pass, and deliver what is due then."""
        self.now += pause
        await self.deliver()

    async def endpoint(self) -> Endpoint:
        (found,) = (await self.deliverer.endpoints()).values()
        return found

    async def state(self) -> dict[str, Any]:
        answer = await self.booth.client.get("/v1/webhooks")
        (found,) = answer.json()["webhooks"]
        return dict(found)

    async def deliveries(self, webhook: str, **query: str) -> list[dict[str, Any]]:
        answer = await self.booth.client.get(f"/v1/webhooks/{webhook}/deliveries", params=query)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["deliveries"])


@pytest.fixture
async def post(make_service_database: MakeServiceDatabase) -> AsyncIterator[Post]:
    async with open_booth(await make_service_database("interactions"), SERVICE) as booth, open_receiver() as receiver:
        reader = ViewReader(SERVICE.views[0], booth.keeper, booth.keyring)
        await reader.begin({"interactions": 1})
        deliverer = Deliverer(
            service="interactions",
            pool=booth.keeper,
            keyring=booth.keyring,
            sender=Sender(Outgoing(allows_loopback=True), resolve),
            clock=lambda: opened.now,
        )
        opened = Post(booth, receiver, deliverer, reader)
        yield opened


async def test_the_reference_verifier_accepts_every_delivery(post: Post) -> None:
    webhook = await post.register()
    recorded = [await post.booth.buy(name) for name in ("Ann", "Bob", "Ann", "Cleo", "Ann")]

    await post.deliver()
    await post.deliver()

    assert sorted(post.receiver.ids) == sorted(recorded)
    for told in post.receiver.told:
        event = Reference(webhook["secret"]).verify(told.body, told.headers)
        assert (event["id"], event["type"]) == (told.id, "crm.customer.purchased.v1")
        assert told.headers["content-type"] == "application/cloudevents+json"


async def test_a_customers_events_come_in_order_even_where_one_is_refused(post: Post) -> None:
    webhook = await post.register()
    ann = [await post.booth.buy("Ann") for _ in range(3)]
    bob = [await post.booth.buy("Bob") for _ in range(3)]
    post.receiver.by_event[ann[1]].extend([500, 0])

    await post.deliver()
    taken = [each for each in post.receiver.ids if each not in ann]
    assert taken == bob, "nobody else waits"
    assert [each for each in post.receiver.ids if each in ann] == ann[:2]
    last, tried = await post.deliveries(webhook["id"], state="pending")
    assert (tried["event_id"], tried["status"], last["event_id"], last["status"]) == (ann[1], 500, ann[2], None)

    await post.later(PAUSES[0])
    await post.later(PAUSES[1])

    assert [each for each in post.receiver.ids if each in ann] == [ann[0], ann[1], ann[1], ann[1], ann[2]]


async def test_attempts_are_made_at_the_times_of_the_specification_then_it_is_disabled(post: Post) -> None:
    webhook = await post.register()
    bought = await post.booth.buy()
    post.receiver.answers.extend([500] * 10)
    began_at = post.now
    made: list[timedelta] = []

    await post.deliver()
    made.append(post.now - began_at)
    for pause in PAUSES:
        await post.later(pause - timedelta(microseconds=1))
        assert len(post.receiver.told) == len(made), "none is early"
        await post.later(timedelta(microseconds=1))
        made.append(post.now - began_at)
        assert len(post.receiver.told) == len(made)

    assert len(made) == 10
    assert made[-1] == timedelta(hours=75, minutes=35, seconds=5)
    assert set(post.receiver.ids) == {bought}
    assert [int(told.headers["webhook-timestamp"]) for told in post.receiver.told] == [
        int((began_at + offset).timestamp()) for offset in made
    ]
    reference = Reference(webhook["secret"])
    for told, offset in zip(post.receiver.told, made, strict=True):
        signature = reference.sign(told.id, began_at + offset, told.body.decode())
        assert told.headers["webhook-signature"] == signature
    assert await post.deliverer.endpoints() == {}
    assert (await post.state())["state"] == "exhausted"

    await post.tell(webhook["id"], "enable")
    await post.deliver()
    assert post.receiver.ids == [bought] * 11
    assert (await post.state())["waiting"] == 0


async def test_nothing_overtakes_what_failed_for_the_last_time(post: Post) -> None:
    await post.register()
    first, second = await post.booth.buy(), await post.booth.buy()
    post.receiver.by_event[first].extend([500] * 10)
    await post.deliver()
    endpoint = await post.endpoint()
    for pause in PAUSES:
        post.now += pause
        await post.deliverer.step(endpoint)

    # The view does not know yet that the webhook was disabled.
    await post.deliverer.step(endpoint)

    assert second not in post.receiver.ids


async def test_a_receiver_that_is_gone_is_asked_no_more(post: Post) -> None:
    await post.register()
    await post.booth.buy()
    post.receiver.answers.append(410)

    await post.deliver()

    assert (await post.state())["state"] == "gone"
    assert len(post.receiver.told) == 1


async def test_redirects_are_not_followed(post: Post) -> None:
    webhook = await post.register()
    await post.booth.buy()
    post.receiver.answers.append(307)

    await post.deliver()

    (delivery,) = await post.deliveries(webhook["id"])
    assert (delivery["state"], delivery["status"], len(post.receiver.told)) == ("pending", 307, 1)


async def test_a_new_secret_is_told_beside_the_former_for_a_day(post: Post) -> None:
    first = await post.register()
    second = await post.tell(first["id"], "rotate")
    assert first["secret"] != second["secret"]

    await post.booth.buy()
    await post.deliver()
    (told,) = post.receiver.told
    for secret in (first["secret"], second["secret"]):
        Reference(secret).verify(told.body, told.headers)

    await post.booth.buy()
    await post.later(timedelta(hours=25))
    assert len(post.receiver.told[1].headers["webhook-signature"].split()) == 1


async def test_what_was_recorded_since_a_moment_is_delivered_again_under_the_same_ids(post: Post) -> None:
    webhook = await post.register()
    recorded = [await post.booth.buy(name) for name in ("Ann", "Bob", "Ann")]
    await post.deliver()

    await post.tell(webhook["id"], "replay", since="2000-01-01T00:00:00Z")
    await post.deliver()

    told = [each for each in post.receiver.ids if each in recorded]
    assert sorted(told) == sorted(recorded * 2)


async def test_it_begins_with_what_comes_or_with_a_moment(post: Post) -> None:
    before = await post.booth.buy()
    await post.register(types=["crm.customer.*"])
    later = await post.booth.buy()
    await post.deliver()
    assert post.receiver.ids == [later]

    await post.register(types=["crm.customer.purchased.v1"], since="2000-01-01T00:00:00Z")
    await post.deliver()
    assert post.receiver.ids == [later, before, later]


async def test_names_are_opened_for_those_who_asked_and_may(post: Post) -> None:
    await post.register(open=True, types=["crm.customer.contacted.v1"])
    await post.booth.write("My cat is ill")
    refused = await post.booth.client.post(
        "/v1/webhooks",
        json={"address": post.receiver.address, "open": True},
        headers=post.booth.token(scope="interactions:read interactions:write"),
    )

    await post.deliver()

    assert (refused.status_code, refused.json()["facts"]) == (403, {"scope": "personal:read"})
    assert post.receiver.told[0].event["data"]["pii"] == {"body": "My cat is ill"}


async def test_other_tenants_get_and_see_nothing(post: Post) -> None:
    webhook = await post.register()
    await post.booth.buy(tenant="rival")
    rival = post.booth.token("rival")

    await post.deliver()
    seen = await post.booth.client.get("/v1/webhooks", headers=rival)
    told = await post.booth.client.post(f"/v1/webhooks/{webhook['id']}/disable", json={}, headers=rival)

    assert post.receiver.told == []
    assert seen.json() == {"webhooks": []}
    assert told.status_code == 404


async def test_a_repeated_wish_makes_one_webhook_with_one_secret(post: Post) -> None:
    wish = {"address": post.receiver.address}
    first, again = [
        await post.booth.client.post("/v1/webhooks", json=wish, headers={"Idempotency-Key": "k"}) for _ in range(2)
    ]

    assert first.json() == again.json()


async def test_no_secret_is_in_the_ledger(post: Post) -> None:
    webhook = await post.register()
    rotated = await post.tell(webhook["id"], "rotate")

    events = (await post.booth.client.get("/v1/events")).text
    assert "crm.webhook.secret_rotated.v1" in events
    for secret in (webhook["secret"], rotated["secret"]):
        assert secret.removeprefix("whsec_") not in events


async def test_a_webhook_that_was_removed_gets_nothing(post: Post) -> None:
    webhook = await post.register()
    await post.booth.buy()
    await post.tell(webhook["id"], "remove")
    again = await post.booth.client.post(f"/v1/webhooks/{webhook['id']}/enable", json={})

    await post.deliver()

    assert post.receiver.told == []
    assert (again.status_code, again.json()["code"]) == (404, "webhook_not_found")
    assert (await post.booth.client.get("/v1/webhooks")).json() == {"webhooks": []}


async def test_a_backlog_stays_in_the_ledger(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "WAITING_MAX", 3)
    monkeypatch.setattr(queue, "PAGE", 2)
    await post.register()
    recorded = [await post.booth.buy() for _ in range(9)]
    post.receiver.answers.append(500)

    await post.deliver()
    assert (await post.state())["waiting"] == 4
    await post.later(PAUSES[0])

    assert post.receiver.ids == [recorded[0], *recorded]
