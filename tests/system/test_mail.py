"""A large first purchase leads to a mail, from the fact to the page on which people read it."""

from datetime import UTC, datetime, timedelta

import httpx

from rapport_cli.launching.ports import url_of
from tests.system.client import Client
from tests.system.suites import Suite
from tests.waiting import until

SECONDS = 60
ANN = {"system": "shop", "external_id": "ann"}


async def test_a_large_first_purchase_is_thanked_for_by_a_mail(suite: Suite, client: Client, tenant: str) -> None:
    pii = {"name": "Ann Archer", "emails": ["ann@example.test"]}
    ann = (await client.wish("contacts", "/v1/customers", {"customer": ANN, "source": "shop", "pii": pii})).id
    consent = {"purpose": "marketing", "channel": "email", "wording_version": "1"}
    await client.wish("contacts", f"/v1/customers/{ann}/grant_consent", consent)
    at = (datetime.now(UTC) - timedelta(days=3, hours=1)).isoformat()
    await client.wish("interactions", "/v1/purchases", {"customer": ANN, "total": "250", "currency": "EUR", "at": at})

    async def is_over() -> bool:
        runs = (await client.read("workflow", "/v1/runs", customer=ann))["runs"]
        return [run["state"] for run in runs] == ["completed"]

    await until(is_over, seconds=SECONDS, what="the run has come to its end")
    (run,) = (await client.read("workflow", "/v1/runs", customer=ann))["runs"]
    assert [(step["kind"], step["outcome"]) for step in run["steps"]] == [("wait", "waited"), ("mail", "sent")]

    console = url_of(suite.base, "console")
    async with httpx.AsyncClient(base_url=console, trust_env=False) as browser:
        browser.cookies.set("rapport_session", suite.token(tenant), domain="127.0.0.1")
        listed = await browser.get("/mails")
        assert listed.text.count("ann@example.test") == 1
        number = listed.text.partition("/mails?number=")[2].partition('"')[0]
        shown = await browser.get("/mails", params={"number": number})
        assert "Dear Ann Archer," in shown.text
        customer = await browser.get(f"/customers/{ann}")
        assert "thank for first purchase" in customer.text

        browser.cookies.set("rapport_session", suite.token("another"), domain="127.0.0.1")
        assert "ann@example.test" not in (await browser.get("/mails")).text
        browser.cookies.set("rapport_session", suite.token(tenant, "workflow:read"), domain="127.0.0.1")
        assert "ann@example.test" not in (await browser.get("/mails")).text
