"""No service waits for another: each may be killed, the others answer, and it catches up by itself."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress

import asyncpg
import orjson
import pytest

from rapport_chassis.positions import read_token
from rapport_cli.launching.processes import Known
from tests.system.client import Client, Granted, Json
from tests.system.standing import settle
from tests.system.story import ANN, BOB, whole_day
from tests.system.suites import OWNERS, Suite
from tests.waiting import until

SECONDS = 90
ROLES = ("http", "mirror", "readers", "effects")


@pytest.fixture(scope="module")
async def suite(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Suite]:
    """Start a suite with a process for each role of each service."""
    suite = Suite(tmp_path_factory.mktemp("split"), is_split=True)
    try:
        await suite.up()
        yield suite
    finally:
        await suite.end()


def processes(suite: Suite, service: str) -> dict[str, Known]:
    """Return the processes of a service, by role."""
    running = suite.run.processes
    return {role: running[f"{service}-{role}"] for role in ROLES if f"{service}-{role}" in running}


def kill(suite: Suite, service: str) -> bool:
    """Kill whatever runs of a service; says whether something did."""
    alive = [known for known in processes(suite, service).values() if known.is_alive]
    for known in alive:
        with suppress(ProcessLookupError):
            os.kill(known.pid, signal.SIGKILL)
    return bool(alive)


@asynccontextmanager
async def kept_dead(suite: Suite, service: str) -> AsyncGenerator[None]:
    """Kill a service by its process ids, and again whenever the launcher has started it."""
    released = asyncio.Event()

    def is_released() -> bool:
        kill(suite, service)
        return released.is_set()

    async with asyncio.TaskGroup() as group:
        kill(suite, service)
        group.create_task(until(is_released, seconds=SECONDS, what="the service may live again"))
        try:
            yield
        finally:
            released.set()


async def is_ready(client: Client, service: str) -> bool:
    """Say whether a service answers."""
    return await client.is_answered(service, "/ready")


QUESTIONS = {
    "contacts": ("/v1/customers", "/v1/customers/{ann}"),
    "interactions": ("/v1/customers/{ann}/timeline",),
    "workflow": ("/v1/tasks?customer={ann}",),
    "analytics": ("/v1/customers/{ann}/totals", "/v1/customers/{ann}/stage", "/v1/report"),
}


async def assert_answered(client: Client, services: Collection[str], ann: str) -> None:
    """See that every question to these services is answered."""
    for service in services:
        for path in QUESTIONS[service]:
            assert await client.is_answered(service, path.format(ann=ann)), f"{service} {path}"


async def record_facts(client: Client, services: Collection[str], ann: str) -> int:
    """Tell each of these services something about Ann; returns how many facts that are about her."""
    if "contacts" in services:
        profile = {"attributes": {"seen": "while one was dead"}, "pii": {"names": {"display": "Ann Renamed"}}}
        await client.wish("contacts", f"/v1/customers/{ann}/change_profile", profile)
    if "interactions" in services:
        sale = {"customer": ANN, "total": "7.00", "currency": "EUR", "external": {"system": "shop", "id": "meanwhile"}}
        await client.wish("interactions", "/v1/purchases", sale)
        # A name of ours in words of ours: its key is in the keyring, which is no service.
        complaint = {"customer": ANN, "category": "delivery", "channel": "web", "pii": {"text": "Where is it?"}}
        await client.wish("interactions", "/v1/complaints", complaint)
    if "workflow" in services:
        await client.wish("workflow", "/v1/tasks", {"customer": {"id": ann}, "kind": "meanwhile"})
    return ("contacts" in services) + 2 * ("interactions" in services)


@pytest.mark.parametrize("dead", OWNERS)
async def test_with_one_service_killed_the_others_answer_and_it_catches_up_by_itself(
    suite: Suite, tenant: str, dead: str
) -> None:
    others = set(OWNERS) - {dead}
    async with suite.client(tenant) as client:
        await whole_day(client)
        await settle(suite)
        ann = await id_of(client, ANN)
        before, launcher = processes(suite, dead), suite.run.launcher
        entries = await timeline(client, ann)

        async with kept_dead(suite, dead):
            assert not await is_ready(client, dead)
            more = await record_facts(client, others, ann)
            await assert_answered(client, others, ann)
            assert not await is_ready(client, dead)

        await until(lambda: is_ready(client, dead), seconds=SECONDS, what=f"{dead} answers again")
        await settle(suite, seconds=SECONDS)
        after = processes(suite, dead)
        tasks = (await client.read("workflow", "/v1/tasks", customer=ann))["tasks"]
        totals = (await client.read("analytics", f"/v1/customers/{ann}/totals"))["totals"]
        found = {entry["event_id"] for entry in await timeline(client, ann)}
        await assert_answered(client, set(OWNERS), ann)

    assert set(before) == set(after) == set(ROLES)
    assert {known.pid for known in before.values()}.isdisjoint(known.pid for known in after.values())
    assert suite.run.launcher == launcher
    assert len(found) == len(entries) + more
    assert ("meanwhile" in {task["kind"] for task in tasks}) == (dead != "workflow")
    assert ("answer_complaint" in {task["kind"] for task in tasks}) == (dead != "interactions")
    assert totals[0]["purchases"] == (5 if dead == "interactions" else 6)


async def timeline(client: Client, customer: str) -> list[Json]:
    """Return what people told of a customer; what rules made of it has its own assertions."""
    answer = await client.read("interactions", f"/v1/customers/{customer}/timeline", limit=100)
    return [entry for entry in answer["entries"] if entry["source"] in {"contacts", "interactions"}]


async def id_of(client: Client, customer: Json) -> str:
    """Return the id of a customer who is known."""
    return (await client.wish("contacts", "/v1/customers", {"customer": customer, "source": "shop"})).id


async def test_interactions_takes_facts_of_customers_whom_contacts_does_not_know(suite: Suite, tenant: str) -> None:
    async with suite.client(tenant) as client:
        async with kept_dead(suite, "contacts"):
            sale = {"customer": BOB, "total": "7.00", "currency": "EUR"}
            sold = await client.wish("interactions", "/v1/purchases", sale)
            call = {"customer": BOB, "channel": "phone", "direction": "inbound", "pii": {"body": "Hello, Bob here."}}
            await client.wish("interactions", "/v1/contacts", call)
            subject = await subject_of(client, sold)
            entries = await timeline_after(client, subject, sold.position)
        await until(lambda: is_ready(client, "contacts"), seconds=SECONDS, what="contacts answers again")

        known = await id_of(client, BOB)
        await settle(suite, seconds=SECONDS)
        card = await client.read("contacts", f"/v1/customers/{known}")

    assert known == card["id"] == subject
    assert entries


async def subject_of(client: Client, sold: Granted) -> str:
    """Return whom a fact is about."""
    (place,) = read_token(sold.position)
    event = await client.read("interactions", f"/v1/events/{sold.body['event_ids'][0]}", partition=place.partition)
    return str(event["subject"])


async def timeline_after(client: Client, customer: str, position: str) -> list[Json]:
    """Return a timeline as soon as it shows a write."""
    entries: list[Json] = (await client.read("interactions", f"/v1/customers/{customer}/timeline", after=position))[
        "entries"
    ]
    return entries


async def test_the_report_needs_neither_interactions_nor_its_database(suite: Suite, tenant: str) -> None:
    async with suite.client(tenant) as client:
        await whole_day(client)
        await settle(suite)
        shown = await report(suite, tenant)
        async with kept_dead(suite, "interactions"):
            await allow(suite, "interactions", is_allowed=False)
            with pytest.raises(asyncpg.PostgresError):
                await suite.connect("interactions")
            assert not await is_ready(client, "interactions")

            assert await report(suite, tenant) == shown
        # Its processes run again, and find no database.
        await until(lambda: all_run(suite, "interactions"), seconds=SECONDS, what="the launcher has started it again")
        assert not await is_ready(client, "interactions")
        assert await report(suite, tenant) == shown

        await allow(suite, "interactions", is_allowed=True)
        await until(lambda: is_ready(client, "interactions"), seconds=SECONDS, what="interactions answers again")
        await record_facts(client, {"interactions"}, await id_of(client, ANN))
        await settle(suite, seconds=SECONDS)
        later = await report(suite, tenant)

    assert shown["purchases"]["count"] == 8
    assert later["purchases"]["count"] == 9


def all_run(suite: Suite, service: str) -> bool:
    """Say whether all roles of a service have a process."""
    found = processes(suite, service)
    return set(found) == set(ROLES) and all(known.is_alive for known in found.values())


async def report(suite: Suite, tenant: str) -> Json:
    """Return what `rapport report` prints, without what tells the time."""
    said = await suite.verb("report", "--tenant", tenant, "--json", tenant=tenant)
    assert said.code == 0, said.error
    found: Json = {name: value for name, value in orjson.loads(said.out).items() if name != "freshness"}
    return found


async def allow(suite: Suite, service: str, *, is_allowed: bool) -> None:
    """Open a service's database, or shut it and end all connections."""
    connection = await suite.connect("keyring")
    try:
        await connection.execute(f"ALTER DATABASE rapport_{service} ALLOW_CONNECTIONS {is_allowed}")
        if not is_allowed:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", f"rapport_{service}"
            )
    finally:
        await connection.close()
