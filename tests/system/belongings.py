"""A tenant that owns something of every kind, and all by which others could ask for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from rapport_events.ids import PARTITIONS
from tests.system.client import Client
from tests.system.planting import PLANTED, plant
from tests.system.probes import Thing
from tests.system.standing import settle
from tests.system.suites import OWNERS, Suite

IMPORT: Final = "0192a000-0000-7000-8000-000000000705"
SEGMENT: Final = "regulars_of_quenlivar"
KEY: Final = "key-of-quarzolino"
PARKED: Final = "parked-of-quarzolino"
_PARK: Final = """
INSERT INTO parked (reader, source, era, partition, position, event_id, tenant_id, subject, type, cause, headers, value)
VALUES ('crossing', 'contacts', 1, 0, 1000000000, $1, $2, $3, 'crm.customer.created.v1', 'planted', '{}', '{}')
"""


@dataclass(frozen=True, slots=True)
class Belongings:
    """What a tenant has."""

    tenant: str
    things: tuple[Thing, ...]
    of_service: dict[str, tuple[Thing, ...]]
    """Of which each service has one of its own."""

    @property
    def markers(self) -> list[str]:
        """Return texts that nobody else may ever be told."""
        all_things = [*self.things, *(thing for things in self.of_service.values() for thing in things)]
        ids = [thing.value for thing in all_things if thing.kind not in _SHORT]
        return [*PLANTED, *ids]

    def all_of(self, service: str) -> Sequence[Thing]:
        """Return what one service can be asked for."""
        return (*self.things, *self.of_service[service])


_SHORT: Final = {"position", "feed", "cursor", "era"}
"""Of these, another tenant may well have the same."""


async def own(suite: Suite, tenant: str) -> Belongings:
    """Make a tenant own things of every kind, and wait until all is shown."""
    of_service: dict[str, tuple[Thing, ...]] = {}
    async with suite.client(tenant) as client:
        things = await _plant(client)
        webhooks = {service: await _webhook(client, service) for service in OWNERS}
        await settle(suite)
        customer = things[0].value
        things += await _found(client, customer)
        for service in OWNERS:
            of_service[service] = (webhooks[service], *await _events(client, service), await _feed(client, service))
    for service in OWNERS:
        await _tell(suite, service, _PARK, PARKED, tenant, customer)
        of_service[service] += (Thing("parked", PARKED),)
    return Belongings(tenant, tuple(things), of_service)


async def give_up(suite: Suite) -> None:
    """Take away what no reader had set aside."""
    for service in OWNERS:
        await _tell(suite, service, "DELETE FROM parked WHERE reader = 'crossing'")


async def _plant(client: Client) -> list[Thing]:
    customer = await plant(client)
    other = {"customer": {"system": "shop", "external_id": "Quenlivar-18"}, "source": "shop"}
    second = await client.wish("contacts", "/v1/customers", other, Idempotency_Key=KEY)
    granted = {"purpose": "marketing", "wording_version": "1"}
    await client.wish("contacts", f"/v1/customers/{customer}/grant_consent", granted)
    asked = await client.wish("contacts", f"/v1/customers/{customer}/request_access", {})
    settings = {"name": "owner", "zone": "Europe/Vienna", "currency": "EUR"}
    await client.wish("contacts", "/v1/tenant/configure", settings)
    external = {"system": "shop", "id": "Quenlivar-1"}
    bought = {"customer": {"id": customer}, "total": "5", "currency": "EUR", "external": external}
    purchase = await client.wish("interactions", "/v1/purchases", bought)
    named = {"import_id": IMPORT, "mapping": "small", "mapping_version": "1", "system": "shop"}
    for service in ("contacts", "interactions"):
        await client.wish(service, "/v1/imports", named)
    loyal = {"match": "all", "conditions": [{"kind": "total", "measure": "purchases", "at_least": "1"}]}
    await client.wish("analytics", "/v1/segments", {"segment_id": SEGMENT, "name": "Regulars", "condition": loyal})
    return [
        _placed("customer", customer),
        _placed("merged", second.id),
        _placed("request", str(asked.body["event_ids"][0])),
        _placed("purchase", purchase.id),
        Thing("import", IMPORT),
        Thing("segment", SEGMENT),
        Thing("external", "Quenlivar-1"),
        Thing("external", "Quenlivar-18"),
        Thing("email", "Quarzolino@example.test"),
        Thing("key", KEY),
        Thing("position", second.position),
    ]


async def _found(client: Client, customer: str) -> list[Thing]:
    timeline = await client.read("interactions", f"/v1/customers/{customer}/timeline", limit=1)
    entries = (await client.read("interactions", f"/v1/customers/{customer}/timeline", limit=100))["entries"]
    (case,) = {each["stream"].removeprefix("case-") for each in entries if each["type"] == "crm.customer.complained.v1"}
    tasks = (await client.read("workflow", "/v1/tasks", customer=customer))["tasks"]
    runs = (await client.read("workflow", "/v1/runs", customer=customer))["runs"]
    page = await client.read("contacts", "/v1/customers", limit=1)
    return [
        _placed("case", case),
        _placed("task", tasks[0]["task_id"]),
        *[Thing("run", run["run_id"]) for run in runs[:1]],
        Thing("cursor", page["next_cursor"]),
        Thing("cursor", timeline["next_cursor"]),
    ]


def _placed(kind: str, value: str) -> Thing:
    """Return a thing whose last byte says where it lies."""
    return Thing(kind, value, int(value[-2:], 16) % PARTITIONS)


async def _webhook(client: Client, service: str) -> Thing:
    made = await client.post(service, "/v1/webhooks", {"address": "http://127.0.0.1:9/quenlivar", "types": ["none.*"]})
    assert made.status_code == 201, made.text
    found = str(made.json()["id"])
    return _placed("webhook", found)


async def _events(client: Client, service: str) -> list[Thing]:
    answer = await client.get(service, "/v1/events", limit=1)
    (event,) = [orjson.loads(line) for line in answer.text.splitlines()]
    return [Thing("event", str(event["id"]), int(str(event["partition"])))]


async def _feed(client: Client, service: str) -> Thing:
    answer = await client.get(service, "/v1/events", limit=1)
    return Thing("feed", answer.headers["Rapport-Cursor"])


async def _tell(suite: Suite, service: str, sql: str, *values: object) -> None:
    connection = await suite.connect(service)
    try:
        await connection.execute(sql, *values)
    finally:
        await connection.close()
