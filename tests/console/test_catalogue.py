"""The catalogue shows every type of events: what it means and holds, who publishes it, and who reads it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import orjson
import pytest
from fastapi import FastAPI

from rapport_chassis.auth import Issuer, Verifier
from rapport_chassis.desk import Desk
from rapport_chassis.health import Readiness
from rapport_chassis.peers import Peers, PeerSeal
from rapport_console.app import service as console
from rapport_console.screens.catalogue.contracts import entries, entry_of
from rapport_console.screens.catalogue.page import router
from rapport_console.session import COOKIE
from rapport_console.suite import SERVICES, Suite
from rapport_contacts.app import service as contacts
from rapport_events.codec import EVENTS
from tests.chassis.tokens import ISSUER, KeySet, make_key, sign
from tests.conftest import MakeServiceDatabase
from tests.slices import open_slices

CREATED = "crm.customer.created.v1"


@pytest.fixture
async def client(make_service_database: MakeServiceDatabase) -> AsyncIterator[httpx.AsyncClient]:
    """Open a console before contacts; the other services are away."""
    key = make_key()
    async with AsyncExitStack() as stack:
        database = await make_service_database("contacts")
        slices = await stack.enter_async_context(open_slices(contacts, database, key=key))
        inner = await stack.enter_async_context(httpx.AsyncClient(mounts={"all://contacts": slices.transport}))
        app = FastAPI()
        app.state.desk = Desk(
            service=console,
            verifier=Verifier([Issuer(ISSUER, KeySet(key))]),
            readiness=Readiness("console"),
            peers=Peers(lambda _: "http://127.0.0.1:1", PeerSeal(b"")),
        )
        away = dict.fromkeys(SERVICES, "http://127.0.0.1:1")
        app.state.suite = Suite(inner, {**away, "contacts": "http://contacts"})
        app.include_router(router)
        cookies = {COOKIE: sign(key, scope="contacts:read")}
        transport = httpx.ASGITransport(app)
        yield await stack.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url="http://console", cookies=cookies)
        )


async def test_every_type_is_listed_and_found_by_its_words(client: httpx.AsyncClient) -> None:
    everything = (await client.get("/catalogue")).text
    found = (await client.get("/catalogue", params={"q": "known customer"})).text
    nothing = (await client.get("/catalogue", params={"q": "unicorn"})).text

    assert [name for name in EVENTS if f"/catalogue/{name}" not in everything] == []
    assert f"/catalogue/{CREATED}" in found
    assert "crm.case.assigned" not in found
    assert "No type is found by this" in nothing


async def test_a_type_tells_its_meaning_fields_example_producers_and_consumers(client: httpx.AsyncClient) -> None:
    text = (await client.get(f"/catalogue/{CREATED}")).text

    for part in ("became known as a customer", "crm.contacts", "contacts · directory", "Ann Archer", "pii.emails"):
        assert part in text
    assert "workflow does not answer" in text


async def test_a_type_that_nobody_publishes_is_not_there(client: httpx.AsyncClient) -> None:
    answer = await client.get("/catalogue/crm.unicorn.seen.v1")

    assert (answer.status_code, "No such type" in answer.text) == (404, True)


@pytest.mark.parametrize("name", EVENTS)
def test_the_fields_of_a_type_are_those_of_its_example(name: str) -> None:
    entry = entry_of(name)
    assert entry is not None

    fields = {field.name: field for field in entry.fields}
    top = {place for place in fields if "." not in place}
    example = orjson.loads(entry.example)

    assert top == set(example)
    assert {place for place in fields if fields[place].is_personal} >= {
        f"pii.{each}" for each in example.get("pii", {})
    }
    assert all(field.kind for field in fields.values())


def test_all_words_have_to_be_found() -> None:
    assert [entry.name for entry in entries("identity unlinked")] == ["crm.customer.identity_unlinked.v1"]
