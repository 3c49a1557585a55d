"""The console merges two customers, with a choice of whose values show, and takes it back; no script is needed."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import httpx
import pytest
from fastapi import FastAPI

from rapport_chassis.auth import Issuer, Verifier
from rapport_chassis.desk import Desk
from rapport_chassis.health import Readiness
from rapport_chassis.peers import Peers, PeerSeal
from rapport_console.app import service as console
from rapport_console.screens.customer import page as customer
from rapport_console.screens.merge import page as merge
from rapport_console.session import COOKIE
from rapport_console.suite import SERVICES, Suite
from rapport_contacts.app import service as contacts
from tests.chassis.tokens import ISSUER, KeySet, sign
from tests.conftest import MakeServiceDatabase
from tests.contacts.wishes import create
from tests.slices import Slices, open_slices


@dataclass(slots=True)
class Pages:
    """A console before contacts, and somebody who looks."""

    client: httpx.AsyncClient
    contacts: Slices

    async def look(self, path: str) -> str:
        answer = await self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def press(self, path: str, **form: str) -> httpx.Response:
        """Send a form, and let the views fold what comes of it."""
        answer = await self.client.post(path, data=form)
        await self.contacts.fold()
        return answer


@pytest.fixture
async def pages(make_service_database: MakeServiceDatabase) -> AsyncIterator[Pages]:
    """Bring contacts to life behind a console; the other services are away."""
    async with AsyncExitStack() as stack:
        slices = await stack.enter_async_context(open_slices(contacts, await make_service_database("contacts")))
        inner = await stack.enter_async_context(httpx.AsyncClient(mounts={"all://contacts": slices.transport}))
        app = FastAPI()
        app.state.desk = Desk(
            service=console,
            verifier=Verifier([Issuer(ISSUER, KeySet(slices.key))]),
            readiness=Readiness("console"),
            peers=Peers(lambda _: "http://127.0.0.1:1", PeerSeal(b"")),
        )
        app.state.suite = Suite(inner, {service: f"http://{service}" for service in SERVICES})
        for router in (customer.router, merge.router):
            app.include_router(router)
        cookies = {COOKIE: sign(slices.key, scope="contacts:read contacts:write personal:read")}
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://console", cookies=cookies) as client:
            yield Pages(client, slices)


def rows(text: str, field: str) -> str:
    """Return the row of a field in the table of differences."""
    found = re.search(rf"<tr><td>{field}</td>.*?</tr>", text, re.DOTALL)
    assert found is not None, text
    return found[0]


async def test_two_customers_are_merged_by_hand_and_come_apart_again(pages: Pages) -> None:
    ann = await create(pages.contacts, "1", name="Ann Young", emails=["ann@example.org"])
    twin = await create(pages.contacts, "2", name="A. Young", emails=["a@example.org"])
    assert f"/customers/{twin}/merge?survivor={ann}" in await pages.look(f"/customers/{twin}/merge?q=ann")

    preview = await pages.look(f"/customers/{twin}/merge?survivor={ann}&keep.names=merged")
    assert 'value="merged" checked' in rows(preview, "names")
    assert 'value="both" checked' in rows(preview, "emails")
    assert "<dt>Name</dt><dd>A. Young</dd>" in preview

    answer = await pages.press(f"/customers/{twin}/merge", survivor=ann, **{"keep.names": "merged"})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"/customers/{ann}?after=")
    shown = await pages.look(f"/customers/{ann}")
    assert "A. Young</h1>" in shown
    assert f'action="/customers/{twin}/unmerge"' in shown

    answer = await pages.press(f"/customers/{twin}/unmerge")
    assert answer.headers["location"].startswith(f"/customers/{twin}?after=")
    assert "Ann Young</h1>" in await pages.look(f"/customers/{ann}")


async def test_a_refused_merge_says_why(pages: Pages) -> None:
    ann, twin = await create(pages.contacts, "1"), await create(pages.contacts, "2")
    await pages.press(f"/customers/{twin}/merge", survivor=ann)

    answer = await pages.press(f"/customers/{ann}/merge", survivor=twin)

    assert answer.status_code == 409
    assert "This would close a circle" in answer.text
    assert "<button formmethod" not in answer.text


async def test_a_page_shows_consent_with_the_event_that_says_so(pages: Pages) -> None:
    ann = await create(pages.contacts, "1", name="Ann Young")
    body = {"purpose": "news", "channel": "email", "wording_version": "7", "evidence_ref": "form-1"}
    answer = await pages.contacts.wish(f"/v1/customers/{ann}/grant_consent", body)

    shown = await pages.look(f"/customers/{ann}")

    assert "wording 7" in shown
    assert f"/events/contacts/{answer.json()['event_ids'][0]}" in shown
