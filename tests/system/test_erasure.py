"""A person who was forgotten stands nowhere: in no answer, table, topic, log, and in no file of the database."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

import httpx
import orjson
import pytest

from rapport_console.session import COOKIE
from rapport_events.envelope import topic_of
from tests.system.client import Client, Json
from tests.system.planting import CONTROL, DIGITS, PLANTED, hits, plant
from tests.system.standing import settle
from tests.system.suites import OWNERS, Suite
from tests.system.test_privacy import dump, records
from tests.waiting import until

WAIT_SECONDS: Final = 3
"""Instead of 30: the processes that hold keys are killed here meanwhile."""
TENANT: Final = "forgotten"
SHOP: Final = {"system": "shop", "external_id": f"{PLANTED[1]}-17"}


@pytest.fixture(scope="module")
async def suite(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Suite]:
    """Start a suite that completes an erasure soon."""
    settings = {"RAPPORT_ERASURE_WAIT_SECONDS": str(WAIT_SECONDS)}
    suite = Suite(tmp_path_factory.mktemp("erasure"), settings=settings)
    try:
        await suite.up()
        yield suite
    finally:
        await suite.end()


async def tell(suite: Suite, service: str, *statements: str) -> list[Mapping[str, Any]]:
    """Run statements as the superuser; return the rows of the last."""
    connection = await suite.connect(service)
    try:
        rows = [await connection.fetch(statement) for statement in statements]
    finally:
        await connection.close()
    return [dict(row) for row in rows[-1]]


async def files_with(suite: Suite, *names: str) -> dict[str, list[str]]:
    """Name the files of the whole data folder that hold a planted value, the database's and its log's too."""
    # A checkpoint leaves pages of unlogged tables in memory: what is not written yet would hide what they hold.
    evict = ("CREATE EXTENSION IF NOT EXISTS pg_buffercache", "SELECT pg_buffercache_evict_all()")
    await tell(suite, "contacts", *evict, "CHECKPOINT")

    def look() -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in sorted(suite.home.folder.rglob("*")):
            if path.is_file():
                text = path.read_bytes()
                there = [*hits(text), *(name for name in names if name.encode() in text)]
                if there:
                    found[str(path.relative_to(suite.home.folder))] = there
        return found

    return await asyncio.to_thread(look)


async def figures(client: Client, ann: str) -> Json:
    """Return every count and sum that the suite shows of a tenant and of one of its customers."""
    asked = {
        "report": await client.read("analytics", "/v1/report"),
        "totals": await client.read("analytics", f"/v1/customers/{ann}/totals"),
        "stage": await client.read("analytics", f"/v1/customers/{ann}/stage"),
        "tasks": await client.read("workflow", "/v1/tasks"),
        "customers": await client.read("contacts", "/v1/customers"),
    }
    for found in asked.values():
        found.pop("freshness")
    tasks, customers = asked["tasks"]["tasks"], asked["customers"]["customers"]
    counts = {"tasks": [task["state"] for task in tasks], "customers": len(customers)}
    return {"report": asked["report"], "totals": asked["totals"], "stage": asked["stage"], **counts}


async def answers(client: Client, ann: str) -> bytes:
    """Return all that is said about the customer."""
    found = [
        await client.get("contacts", f"/v1/customers/{ann}"),
        await client.get("contacts", "/v1/customers"),
        await client.get("contacts", "/v1/customers", q=DIGITS[3:]),
        await client.get("contacts", f"/v1/customers/{ann}/privacy"),
        await client.get("interactions", f"/v1/customers/{ann}/timeline"),
        await client.get("workflow", "/v1/tasks", customer=ann),
        *[await client.get(service, f"/v1/customers/{ann}/personal-data") for service in OWNERS],
        *[await client.get(service, "/v1/events", limit=1_000, open="true") for service in OWNERS],
    ]
    return b"".join(each.content for each in found)


MAPPING: Final = """
name = "list"
version = 1
system = "shop"
zone = "UTC"
currency = "EUR"

[[event]]
type = "customer.created"
subject = "who"
time = "at"
fields = { kind = { value = "person" } }
pii = { name = "name" }

[[event]]
type = "customer.purchased"
subject = "who"
time = "at"
items = { qty = "n", line_total = "total" }
"""


async def imported(suite: Suite, folder: Path) -> Json:
    """Import a list with the customer on it; return what was sent."""
    mapping, listed = folder / "list.toml", folder / "list.csv"
    mapping.write_text(MAPPING)
    rows = [f"{SHOP['external_id']},{PLANTED[2]},2026-03-02 12:00,1,{total}" for total in (5, 5, 7)]
    listed.write_text("\n".join(["who,name,at,n,total", *rows, ""]))
    options = ("--mapping", str(mapping), "--from-start", "--json")
    said = await suite.verb("import", str(listed), *options, tenant=TENANT)
    assert said.code == 0, said.error
    sent: Json = orjson.loads(said.out)["sent"]
    return sent


async def page(suite: Suite, path: str, form: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Look at a page of the console as somebody who has entered; with a form, send it."""
    cookies = {COOKIE: suite.token(TENANT)}
    async with httpx.AsyncClient(base_url=suite.urls["console"], cookies=cookies, trust_env=False) as browser:
        answer = await (browser.get(path) if form is None else browser.post(path, data=form))
    return answer.status_code, answer.text


async def exported(suite: Suite, ann: str, folder: Path) -> bytes:
    """Have all that is kept of the customer handed over; return what stands in the file."""
    file = folder / "ann.zip"
    said = await suite.verb("privacy", "export", "--customer", ann, "--to", str(file), tenant=TENANT)
    assert said.code == 0, said.error
    with ZipFile(file) as packed:
        return packed.read("personal-data.json")


async def erase(suite: Suite, ann: str) -> Json:
    """Forget the customer, and kill the services between two steps; return the receipt once all is done."""
    verb = await suite.begin_verb("privacy", "erase", "--customer", ann, "--yes", "--json", tenant=TENANT)

    async def are_destroyed() -> bool:
        return bool(await tell(suite, "keyring", "SELECT FROM keys WHERE erased_at IS NOT NULL"))

    await until(are_destroyed, seconds=60, what="the keys are destroyed")
    os.kill(suite.run.processes["services"].pid, signal.SIGKILL)
    out, error = await verb.communicate()
    assert verb.returncode == 0, error.decode()
    await settle(suite)
    await until_rewritten(suite)
    (receipt,) = orjson.loads(out)
    found: Json = receipt
    return found


async def rebuild(suite: Suite, service: str, *models: str) -> None:
    """Make read models anew beside those that are read, and have all rows compared."""
    for model in models:
        await tell(suite, service, f"SELECT begin_rebuild('{model}')")

    async def have(column: str, *values: object) -> bool:
        rows = await tell(suite, service, "SELECT * FROM rebuilds WHERE rebuild = 2")
        return sum(row[column] in values if values else row[column] is not None for row in rows) == len(models)

    await until(lambda: have("state", "beside"), seconds=60, what=f"rebuilds of {service} are filled")
    for model in models:
        await tell(suite, service, f"SELECT ask_verify('{model}', 2)")
    await until(lambda: have("verified_at"), seconds=60, what=f"rebuilds of {service} are compared")
    rows = await tell(suite, service, "SELECT model, rows_differing FROM rebuilds WHERE rebuild = 2")
    assert {row["model"]: row["rows_differing"] for row in rows} == dict.fromkeys(models, 0)


async def until_rewritten(suite: Suite) -> None:
    """Wait until no file of search holds what was deleted from it."""

    async def is_rewritten() -> bool:
        return not await tell(suite, "contacts", "SELECT FROM directory_rewrites")

    await until(is_rewritten, seconds=30, what="the files of search are rewritten")


async def test_a_forgotten_person_stands_nowhere(suite: Suite, tmp_path: Path) -> None:
    async with suite.client(TENANT) as client:
        ann = await plant(client)
        for number in range(3):
            other = {"customer": {"system": "shop", "external_id": f"other-{number}"}, "source": CONTROL}
            pii = {"name": f"Other {number}", "phones": [f"+49 30 1000{number}"], "emails": [f"o{number}@example.test"]}
            await client.wish("contacts", "/v1/customers", {**other, "pii": pii})
        bought = {"customer": SHOP, "total": "17.50", "currency": "EUR"}
        await client.wish("interactions", "/v1/purchases", bought)
        await imported(suite, tmp_path)
        await settle(suite)
        # What ANALYZE notes of a table is logged and backed up.
        await tell(suite, "contacts", "ANALYZE")
        before = await figures(client, ann)
        assert len(hits(await answers(client, ann))) > 15
        privacy = f"/customers/{ann}/privacy"
        assert (await page(suite, f"{privacy}/erase", {"typed": "yes", "id": ann}))[0] == HTTPStatus.CONFLICT
        assert hits((await page(suite, privacy))[1].encode()) != []
        assert len(hits(await exported(suite, ann, tmp_path))) > 15
        assert (await suite.verb("privacy", "export", "--customer", ann, tenant=TENANT)).code == 0
        found = await files_with(suite, CONTROL)
        assert {name for names in found.values() for name in names} >= {DIGITS, CONTROL}

        receipt = await erase(suite, ann)

        assert receipt["is_genuine"]
        assert set(receipt["readable"].values()) == {0}
        assert receipt["certificate"]["before"]["values"] > 5
        assert await figures(client, ann) == before
        shown = (await page(suite, privacy))[1] + (await page(suite, f"/customers/{ann}"))[1]
        assert (receipt["certificate"]["certificate_hash"] in shown, hits(shown.encode())) == (True, [])
        assert hits(await answers(client, ann) + await exported(suite, ann, tmp_path)) == []
        dumps = {name: await dump(suite, name, tmp_path) for name in ("keyring", *OWNERS)}
        assert {name: hits(text) for name, text in dumps.items()} == {name: [] for name in dumps}
        topics = {name: b"".join(await records(suite, topic_of(name))) for name in OWNERS}
        assert {name: hits(text) for name, text in topics.items()} == {name: [] for name in topics}
        await rebuild(suite, "contacts", "directory_v1", "card_v1", "history_v1")
        await rebuild(suite, "interactions", "timeline_v1", "case_v1")
        await rebuild(suite, "analytics", "totals_v1")
        await until_rewritten(suite)
        found = await files_with(suite, CONTROL)
        assert {name for names in found.values() for name in names} == {CONTROL}
        assert any(path.startswith("postgres/") and "pg_wal" in path for path in found)

        assert "recorded" not in await imported(suite, tmp_path)
        await settle(suite)
        assert await figures(client, ann) == before
        await client.wish("interactions", "/v1/purchases", bought)
        again = (await client.read("contacts", "/v1/customers:named", **SHOP))["id"]
        await settle(suite)
        totals = await client.read("analytics", f"/v1/customers/{again}/totals")
        assert (again != ann, [total["revenue"] for total in totals["totals"]]) == (True, ["17.50"])
        assert (await figures(client, ann))["totals"] == before["totals"]
