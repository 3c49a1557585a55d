"""The customer's page shows any day of the past, says so, and needs no script for it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import httpx
import pytest
from fastapi import FastAPI

from rapport_analytics.app import service as analytics
from rapport_chassis.auth import Issuer, Verifier
from rapport_chassis.desk import Desk
from rapport_chassis.health import Readiness
from rapport_chassis.peers import Peers, PeerSeal
from rapport_console.app import service as console
from rapport_console.screens.customer.page import router
from rapport_console.screens.customer.when import read_when
from rapport_console.session import COOKIE
from rapport_console.suite import SERVICES, Suite
from rapport_contacts.app import service as contacts
from rapport_events.contracts.base import Event
from rapport_events.contracts.contacts import ConsentGranted, CustomerCreated, CustomerProfileChanged, ProfileChange
from rapport_events.contracts.interactions import CustomerPurchased
from rapport_events.ids import CustomerId, new_id, partition_of_customer
from rapport_events.testing import ANN, NOON, TENANT, Lines
from rapport_interactions.app import service as interactions
from tests.chassis.tokens import ISSUER, KeySet, make_key, sign
from tests.conftest import MakeServiceDatabase
from tests.slices import Slices, open_slices

DAY = timedelta(days=1)
PAGE = f"/customers/{ANN}"
TODAY = date(2026, 3, 10)


@dataclass(slots=True)
class Pages:
    """A console before three services, and somebody who looks."""

    client: httpx.AsyncClient
    services: list[Slices]
    lines: Lines = field(default_factory=Lines)

    async def tell(self, event: Event, stream: str, *, day: int, recorded_on: int | None = None) -> None:
        """Let all services fold a fact of a day after noon."""
        recorded_at = NOON + (day if recorded_on is None else recorded_on) * DAY
        told = self.lines.next(event, stream=stream, subject=str(ANN), at=NOON + day * DAY, recorded_at=recorded_at)
        for slices in self.services:
            slices.events.append(told)
            await slices.fold()

    async def bought(self, total: str, *, day: int, recorded_on: int | None = None) -> None:
        """Let Ann buy."""
        thing = new_id(partition_of_customer(TENANT, CustomerId(ANN)))
        event = CustomerPurchased(purchase_id=thing, total=Decimal(total), currency="EUR")
        await self.tell(event, f"purchase-{thing}", day=day, recorded_on=recorded_on)

    async def look(self, **query: str) -> str:
        """Return the page as somebody without scripts gets it."""
        answer = await self.client.get(PAGE, params=query)
        assert answer.status_code == 200, answer.text
        return answer.text


@pytest.fixture
async def pages(make_service_database: MakeServiceDatabase) -> AsyncIterator[Pages]:
    """Bring contacts, interactions and analytics to life behind a console."""
    key = make_key()
    async with AsyncExitStack() as stack:
        services = [
            await stack.enter_async_context(open_slices(each, await make_service_database(each.name), key=key))
            for each in (contacts, interactions, analytics)
        ]
        mounts = {f"all://{each.service.name}": each.transport for each in services}
        inner = await stack.enter_async_context(httpx.AsyncClient(mounts=mounts))
        app = FastAPI()
        app.state.desk = Desk(
            service=console,
            verifier=Verifier([Issuer(ISSUER, KeySet(key))]),
            readiness=Readiness("console"),
            peers=Peers(lambda _: "http://127.0.0.1:1", PeerSeal(b"")),
        )
        app.state.suite = Suite(inner, {service: f"http://{service}" for service in SERVICES})
        app.include_router(router)
        scopes = "contacts:read interactions:read analytics:read workflow:read personal:read"
        cookies = {COOKIE: sign(key, scope=scopes)}
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console", cookies=cookies)
        yield Pages(await stack.enter_async_context(client), services)


async def live(pages: Pages) -> None:
    """Let Ann become known, agree, buy, change, and buy something that we learn of late."""
    created = CustomerCreated(customer_id=CustomerId(ANN), kind="person", source="shop", attributes={"tier": "bronze"})
    await pages.tell(created, f"customer-{ANN}", day=0)
    await pages.tell(ConsentGranted(purpose="news", wording_version="1"), f"customer-{ANN}", day=2)
    await pages.bought("10", day=3)
    change = ProfileChange(field="attributes.tier", old="bronze", new="gold")
    await pages.tell(CustomerProfileChanged(changes=(change,)), f"customer-{ANN}", day=4)
    await pages.bought("1", day=1, recorded_on=6)


async def test_a_day_of_the_past_shows_what_was_true_then(pages: Pages) -> None:
    await live(pages)

    text = await pages.look(on=(NOON + DAY).date().isoformat())

    assert "This page shows the past:" in text
    assert "what was true at the end of 2026-03-03 (UTC)" in " ".join(text.split())
    assert "bronze" in text
    assert "1.00" in text
    assert "first time" in text
    assert "No purchases" not in text
    assert "10.00" not in text
    assert "gold" not in text
    assert "Consent" not in text


async def test_what_we_believed_is_another_question(pages: Pages) -> None:
    await live(pages)

    text = await pages.look(on=(NOON + DAY).date().isoformat(), by="recorded")

    assert "what we believed at the end of 2026-03-03 (UTC)" in " ".join(text.split())
    assert "No purchases by then" in text


async def test_the_present_shows_no_past_and_offers_its_days(pages: Pages) -> None:
    await live(pages)

    text = await pages.look()

    assert "shows the past" not in text
    assert "gold" in text
    assert 'name="on" value="' + datetime.now(UTC).date().isoformat() in text
    assert '<input type="hidden" name="since" value="2026-03-02">' in text
    assert 'method="get"' in text


async def test_before_anybody_was_known_each_part_says_so(pages: Pages) -> None:
    await live(pages)

    text = await pages.look(on="2026-01-01")

    assert "Nobody was known under this id by then" in text
    assert "had happened with this customer by then" in text


async def test_earlier_entries_are_those_of_the_same_day(pages: Pages) -> None:
    for _ in range(32):
        await pages.bought("1", day=0)
    await pages.bought("7", day=2)

    text = await pages.look(on="2026-03-02")

    assert "on=2026-03-02&amp;by=happened&amp;cursor=" in text
    assert "7.00" not in text


@pytest.mark.parametrize(
    ("on", "question"),
    [
        ("2026-03-02", {"as_of": "2026-03-02T23:59:59.999999+00:00"}),
        ("2026-03-10", {}),
        ("", {}),
        ("yesterday", {}),
    ],
)
def test_a_day_means_its_last_moment_and_today_the_present(on: str, question: dict[str, str]) -> None:
    assert read_when(on, "happened", "", TODAY).question == question


def test_the_slider_begins_where_there_is_something_to_see() -> None:
    slider = read_when("", "happened", "", TODAY).slider(["2026-03-02T23:30:00-02:00", None, "2026-03-05T12:00:00Z"])

    assert (slider.first, slider.most - slider.least, slider.value - slider.least) == (date(2026, 3, 3), 7, 7)
    assert read_when("2026-03-04", "happened", "2026-03-02", TODAY).slider([]).first == date(2026, 3, 2)
