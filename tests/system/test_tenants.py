"""One tenant never sees another: not in any table as the role of HTTP, and not over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import pytest

from rapport_events.database import Connection
from tests.system.catalogue import Table, tables, views_that_see_as_their_owner
from tests.system.client import Json
from tests.system.conftest import Say
from tests.system.planting import plant
from tests.system.standing import settle
from tests.system.suites import OWNERS, Suite

KEYED_BY_PARTITION = {"events", "parked"}
"""Architecture: rows of the ledger, and records that were set aside, are found by where they lie."""
KEYED_BY_EVENT = {"repairs"}
"""What was decided about a record holds for every era, so it is keyed by the event."""
OTHER = "rival"
TRIES = 5
IMPORT = "0192a000-0000-7000-8000-000000000005"


@dataclass(frozen=True, slots=True)
class Things:
    """Ids of one tenant."""

    tenant: str
    customer: str
    case: str
    task: str
    events: tuple[Json, ...]


@pytest.fixture(scope="module")
async def things(suite: Suite) -> Things:
    """Make one tenant own rows of every kind, and another one nothing at all."""
    tenant = "owner"
    async with suite.client(tenant) as client:
        customer = await plant(client)
        consent = {"purpose": "marketing", "wording_version": "1"}
        await client.wish("contacts", f"/v1/customers/{customer}/grant_consent", consent)
        settings = {"name": "owner", "zone": "Europe/Vienna", "currency": "EUR"}
        await client.wish("contacts", "/v1/tenant/configure", settings)
        bought = {"customer": {"id": customer}, "total": "5", "currency": "EUR"}
        await client.wish("interactions", "/v1/purchases", bought | {"external": {"system": "shop", "id": "1"}})
        named = {"import_id": IMPORT, "mapping": "small", "mapping_version": "1", "system": "shop"}
        await client.wish("interactions", "/v1/imports", named)
        await client.wish("interactions", f"/v1/imports/{IMPORT}/complete", named | {"rows": 1, "rows_used": 1})
        await settle(suite)
        entries = (await client.read("interactions", f"/v1/customers/{customer}/timeline", limit=100))["entries"]
        task = (await client.read("workflow", "/v1/tasks", customer=customer))["tasks"][0]["task_id"]
        (case,) = {entry["stream"] for entry in entries if entry["type"] == "crm.customer.complained.v1"}
    return Things(tenant, customer, case.removeprefix("case-"), task, tuple(entries))


@pytest.fixture(params=OWNERS)
async def service(request: pytest.FixtureRequest) -> str:
    """Name each service in turn."""
    return str(request.param)


@pytest.fixture
async def catalogue(suite: Suite, service: str) -> AsyncIterator[list[Table]]:
    """Return the tables with tenant rows of a service."""
    connection = await suite.connect(service)
    try:
        yield [table for table in await tables(connection) if table.has_tenant]
    finally:
        await connection.close()


async def rows_seen(connection: Connection, table: str) -> int | None:
    """Count what a role sees of a table; None where it may not even ask."""
    try:
        return int(await connection.fetchval(f'SELECT count(*) FROM "{table}"'))  # noqa: S608  # from the catalogue
    except asyncpg.InsufficientPrivilegeError:
        return None


async def test_another_tenant_and_none_at_all_see_no_row_of_any_table(
    suite: Suite, things: Things, service: str, catalogue: list[Table], say: Say
) -> None:
    connection = await suite.connect(service, "app")
    seen: dict[str | None, dict[str, int | None]] = {}
    try:
        for tenant in (None, OTHER, things.tenant):
            if tenant is not None:
                await connection.execute("SELECT set_config('rapport.tenant', $1, false)", tenant)
            seen[tenant] = {table.name: await rows_seen(connection, table.name) for table in catalogue}
    finally:
        await connection.close()
    closed = {name for name, rows in seen[None].items() if rows is None}
    looked_at = set(seen[None]) - closed

    assert {name: rows for name, rows in seen[None].items() if rows} == {}
    assert {name: rows for name, rows in seen[OTHER].items() if rows} == {}
    # The same questions find the owner's rows, so that they could have found them for the others.
    assert {"events", "commands", "claims"} & looked_at
    assert sum(1 for name in looked_at if seen[things.tenant][name]) >= 2, seen[things.tenant]
    say(f"tenants: {service}: nothing of another tenant in {len(looked_at)} tables, {len(closed)} more are closed")


async def test_every_table_with_a_tenant_is_guarded(service: str, catalogue: list[Table]) -> None:
    app, keeper = f"rapport_{service}_app", f"rapport_{service}_keeper"
    faults: list[str] = []
    for table in catalogue:
        may = {grant for grant in table.grants if grant.startswith((app, "PUBLIC"))}
        if not table.is_guarded:
            faults.append(f"{table.name}: row-level security is not enabled and forced")
        if table.is_child:
            # Policies of the parent do not cover direct reads of a child.
            faults += [f"{table.name}: {grant}, though it is a child" for grant in may]
            continue
        if keeper not in table.bound:
            faults.append(f"{table.name}: no policy for {keeper}")
        if may and app not in table.bound:
            faults.append(f"{table.name}: {may}, and no policy for {app}")
        if not may <= {f"{app} SELECT"}:
            faults.append(f"{table.name}: {app} may do more than read: {may}")

    assert faults == []
    assert len(catalogue) > 5


async def test_the_tenant_leads_every_key(catalogue: list[Table]) -> None:
    exempt = KEYED_BY_PARTITION | KEYED_BY_EVENT
    keyed = [table for table in catalogue if not table.is_child and table.name not in exempt]
    faults = {
        table.name: table.key
        for table in keyed
        if table.key[0:1] != ("tenant_id",) and not (table.is_parent and table.key[0:2] == ("partition", "tenant_id"))
    }

    assert faults == {}


async def test_no_view_sees_more_than_who_asks(suite: Suite, service: str) -> None:
    connection = await suite.connect(service)
    try:
        assert await views_that_see_as_their_owner(connection) == []
    finally:
        await connection.close()


async def test_ids_of_another_tenant_lead_nowhere(suite: Suite, things: Things) -> None:
    async with suite.client(OTHER) as client:
        missing = [
            await client.get("contacts", f"/v1/customers/{things.customer}"),
            await client.get("interactions", f"/v1/cases/{things.case}"),
            *[
                await client.get(entry["source"], f"/v1/events/{entry['event_id']}", partition=str(entry["partition"]))
                for entry in things.events
            ],
            await client.post("interactions", f"/v1/cases/{things.case}/respond", {}),
            await client.post("interactions", f"/v1/cases/{things.case}/resolve", {"resolution_code": "paid"}),
            await client.post("workflow", f"/v1/tasks/{things.task}/complete", {}),
            await client.post(
                "contacts", f"/v1/customers/{things.customer}/change_profile", {"attributes": {"vip": True}}
            ),
        ]
        empty = {
            "customers": (await client.read("contacts", "/v1/customers"))["customers"],
            "found": (await client.read("contacts", "/v1/customers", q="example"))["customers"],
            "entries": (await client.read("interactions", f"/v1/customers/{things.customer}/timeline"))["entries"],
            "tasks": (await client.read("workflow", "/v1/tasks"))["tasks"],
            "totals": (await client.read("analytics", f"/v1/customers/{things.customer}/totals"))["totals"],
            "stages": (await client.read("analytics", f"/v1/customers/{things.customer}/stage"))["stages"],
        }
        report = await client.read("analytics", "/v1/report")

    assert [answer.status_code for answer in missing] == [404] * len(missing)
    assert empty == {name: [] for name in empty}
    assert (report["customers"], report["purchases"]["count"], report["imports"]["completed"]) == (0, 0, [])


async def test_the_same_routes_lead_the_owner_to_everything(suite: Suite, things: Things) -> None:
    async with suite.client(things.tenant) as client:
        assert (await client.get("interactions", f"/v1/cases/{things.case}")).status_code == 200
        for entry in things.events:
            event = await client.read(
                entry["source"], f"/v1/events/{entry['event_id']}", partition=str(entry["partition"])
            )
            assert event["tenantid"] == things.tenant
        assert (await client.read("analytics", f"/v1/customers/{things.customer}/totals"))["totals"]
    assert {entry["source"] for entry in things.events} == set(OWNERS)


async def test_one_batch_folds_facts_of_many_tenants(suite: Suite) -> None:
    tenants = [f"many{number}" for number in range(30)]
    names: list[str] = []
    while len(names) < TRIES and await tenants_of_one_transaction(suite) <= 1:
        names.append(f"c{len(names)}")
        await asyncio.gather(*(create(suite, tenant, names[-1]) for tenant in tenants))
        await settle(suite)

    assert await tenants_of_one_transaction(suite) > 1
    for tenant in tenants:
        async with suite.client(tenant) as client:
            listed = (await client.read("contacts", "/v1/customers"))["customers"]
            assert {customer["name"] for customer in listed} <= {f"Bob of {tenant}"}
            assert len(listed) == len(names)


async def create(suite: Suite, tenant: str, name: str) -> None:
    """Create a customer."""
    async with suite.client(tenant) as client:
        body = {"customer": {"system": "shop", "external_id": name}, "source": "shop"}
        await client.wish("contacts", "/v1/customers", body | {"pii": {"name": f"Bob of {tenant}"}})


async def tenants_of_one_transaction(suite: Suite) -> int:
    """Return of how many tenants the rows are, at most, that one transaction wrote."""
    connection = await suite.connect("contacts")
    live = "SELECT rebuild FROM rebuilds WHERE model = 'directory_v1' AND state = 'live'"
    try:
        table = f"directory_v1_r{await connection.fetchval(live)}"
        return int(
            await connection.fetchval(
                "SELECT coalesce(max(tenants), 0) FROM"  # noqa: S608 - the name is our own
                f" (SELECT count(DISTINCT tenant_id) AS tenants FROM {table}"
                "   WHERE tenant_id LIKE 'many%' GROUP BY xmin::text) AS written"
            )
        )
    finally:
        await connection.close()
