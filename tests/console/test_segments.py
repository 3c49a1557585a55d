"""The console shows segments, who is in them, and because of which events."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from decimal import Decimal

import httpx
import pytest
from fastapi import FastAPI

from rapport_analytics.app import service as analytics
from rapport_analytics.derivations.segment import SegmentDerivation
from rapport_analytics.sweeping import sweep_once
from rapport_chassis.auth import Issuer, Verifier
from rapport_chassis.desk import Desk
from rapport_chassis.health import Readiness
from rapport_chassis.peers import Peers, PeerSeal
from rapport_console.app import service as console
from rapport_console.screens.segment import page as segment
from rapport_console.screens.segments import page as segments
from rapport_console.session import COOKIE
from rapport_console.suite import SERVICES, Suite
from rapport_events.contracts.analytics import (
    AttributeCondition,
    Condition,
    ConsentCondition,
    GroupCondition,
    StageCondition,
    TotalCondition,
)
from rapport_events.derivations import derive_once
from rapport_events.gate import reopen
from rapport_events.ids import PARTITIONS, new_id
from rapport_events.postgres_ledger import PostgresLedger
from rapport_events.testing import ANN, NOON
from tests.analytics.told import Story, fold_all
from tests.chassis.tokens import ISSUER, KeySet, sign
from tests.conftest import MakeServiceDatabase
from tests.slices import Slices, open_slices

CONDITION = Condition(
    match="all",
    conditions=(
        TotalCondition(measure="revenue", currency="EUR", at_least=Decimal(5), at_most=Decimal(900)),
        GroupCondition(
            match="none",
            conditions=(
                StageCondition(stages=("advocate", "loyal")),
                ConsentCondition(purpose="news", channel="email"),
                AttributeCondition(name="job", values=("baker", True)),
            ),
        ),
    ),
)


@pytest.fixture
async def house(make_service_database: MakeServiceDatabase) -> AsyncIterator[tuple[Slices, httpx.AsyncClient]]:
    """Bring analytics to life behind a console; the other services are away."""
    async with AsyncExitStack() as stack:
        slices = await stack.enter_async_context(open_slices(analytics, await make_service_database("analytics")))
        inner = await stack.enter_async_context(httpx.AsyncClient(mounts={"all://analytics": slices.transport}))
        app = FastAPI()
        app.state.desk = Desk(
            service=console,
            verifier=Verifier([Issuer(ISSUER, KeySet(slices.key))]),
            readiness=Readiness("console"),
            peers=Peers(lambda _: "http://127.0.0.1:1", PeerSeal(b"")),
        )
        app.state.suite = Suite(inner, {service: f"http://{service}" for service in SERVICES})
        for router in (segments.router, segment.router):
            app.include_router(router)
        cookies = {COOKIE: sign(slices.key, scope="analytics:read")}
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console", cookies=cookies)
        yield slices, await stack.enter_async_context(client)


async def live(slices: Slices, customers: int) -> str:
    """Define a segment, and let customers buy what makes them members; returns Ann's purchase."""
    story = Story()
    story.defined("buyers", CONDITION)
    bought = story.bought(ANN, "7")
    for _ in range(customers - 1):
        story.bought(new_id(), "7", NOON + timedelta(days=1))
    async with slices.keeper.acquire() as connection:
        await reopen(connection)
    await fold_all(slices.keeper, story.events)
    while await sweep_once(slices.keeper):
        pass
    while await derive_once(slices.keeper, SegmentDerivation()):
        pass
    ledger = PostgresLedger(service="analytics", keeper=slices.keeper)
    for partition in range(PARTITIONS):
        await fold_all(slices.keeper, await ledger.read_partition(partition, after=0, limit=1_000))
    return str(bought.event_id)


async def test_segments_are_told_in_words_with_their_members_and_why(house: tuple[Slices, httpx.AsyncClient]) -> None:
    slices, client = house
    assert "No segment is defined yet" in (await client.get("/segments")).text
    bought = await live(slices, customers=1)

    listed = (await client.get("/segments")).text
    shown = (await client.get("/segments/buyers")).text

    words = " ".join(listed.replace("<i>", " ").replace("</i>", " ").split())
    assert "revenue in EUR at least 5 at most 900" in words
    assert "neither stage is advocate or loyal nor agreed to news by email nor job is baker or True" in words
    assert "1 member<" in shown
    assert f"/customers/{ANN}" in shown
    assert f"/events/interactions/{bought}" in shown


async def test_members_come_in_pages(house: tuple[Slices, httpx.AsyncClient]) -> None:
    slices, client = house
    await live(slices, customers=30)

    first = (await client.get("/segments/buyers")).text
    cursor = first.split("/segments/buyers?cursor=")[1].split('"')[0]
    second = (await client.get(f"/segments/buyers?cursor={cursor}", headers={"HX-Request": "true"})).text

    assert (first.count('href="/customers/'), second.count('href="/customers/')) == (25, 5)


async def test_an_unknown_segment_says_so(house: tuple[Slices, httpx.AsyncClient]) -> None:
    _, client = house

    assert "There is no such segment" in (await client.get("/segments/nobody")).text
