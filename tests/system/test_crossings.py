"""No route tells one tenant of another's things: asked in every place of every route, as the OpenAPI documents say."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Final

import httpx
import pytest

from tests.system.bare import bare_functions, functions_as_owner, in_process, without_filters
from tests.system.belongings import Belongings, give_up, own
from tests.system.conftest import Say
from tests.system.crossing import SUITE_WIDE, Asking
from tests.system.operations import Operation, operations
from tests.system.probes import Wire
from tests.system.suites import OWNERS, Suite

LEAST: Final = 1_000
"""Questions that must be asked."""
OWNER: Final = "crossed"
FOUND: Final = {200, 412}
"""Shown; or there, and decided against another version than the one that was named."""
TAKEN: Final = {200, 201}
AS_OWNER: Final = {
    "append": "writes for the tenants that each request names; it looks at keys and claims of these alone",
    "ask_release": "notes a wish for the tenant that it is given, beside a parked record of that tenant",
    "begin_rebuild": "of read models as wholes",
    "ask_verify": "of read models as wholes",
    "drop_rebuild": "of read models as wholes",
    "ledger_state": "tells numbers of partitions, which are all tenants'",
    "positions_before": "tells numbers of partitions, which are all tenants'",
    "search_directory_v1": "operators of trigrams are not leak-proof, so it looks at the tenant itself",
    "switch_rebuild": "of read models as wholes",
}
"""Functions before which no policy stands, and why that is no way in: who adds one says so here."""
_ANSWER_SECONDS: Final = 60


@pytest.fixture(scope="module")
async def clients(suite: Suite) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    """Call the services of the suite."""
    async with AsyncExitStack() as stack:
        yield {
            service: await stack.enter_async_context(
                httpx.AsyncClient(base_url=suite.urls[service], timeout=_ANSWER_SECONDS, trust_env=False)
            )
            for service in OWNERS
        }


@pytest.fixture(scope="module")
async def known(clients: dict[str, httpx.AsyncClient]) -> list[Operation]:
    """Read from each service what it can be asked."""
    found: list[Operation] = []
    for service, client in clients.items():
        found += operations(service, (await client.get("/openapi.json")).json())
    return found


@pytest.fixture(scope="module")
async def belongings(suite: Suite) -> AsyncIterator[Belongings]:
    """Make one tenant own things of every kind."""
    yield await own(suite, OWNER)
    await give_up(suite)


async def test_no_route_tells_of_another_tenants_things(
    suite: Suite, clients: dict[str, httpx.AsyncClient], known: list[Operation], belongings: Belongings, say: Say
) -> None:
    asking = Asking(clients, suite.token, belongings)

    await asking.ask_all(known)

    say(f"tenants: {asking.asked} questions over {len(known)} routes, {len(asking.faults)} crossings")
    assert asking.faults == []
    assert asking.asked >= LEAST


async def test_the_same_routes_find_the_owners_things(
    suite: Suite, clients: dict[str, httpx.AsyncClient], known: list[Operation], belongings: Belongings
) -> None:
    found = await Asking(clients, suite.token, belongings).find_own(known)

    named = {each.label for each in known if each.slots_of("path") and (each.is_command or each.method == "GET")}
    assert named - found.keys() == set()
    assert {label: status for label, status in found.items() if status not in FOUND} == {}


async def test_every_route_is_filled_so_that_it_is_taken(
    suite: Suite, clients: dict[str, httpx.AsyncClient], known: list[Operation]
) -> None:
    refused: dict[str, object] = {}
    for operation in known:
        if operation.slots_of("path") or operation.path.startswith(SUITE_WIDE):
            continue
        wire = Wire(operation.method, operation.path, dict(operation.query), {}, operation.body)
        told = await wire.send(clients[operation.service], suite.token("filled"))
        if told.status not in TAKEN:
            refused[operation.label] = told

    assert refused == {}


async def test_row_level_security_alone_tells_of_nothing_either(
    suite: Suite, known: list[Operation], belongings: Belongings, say: Say
) -> None:
    stripped: set[str] = set()
    async with bare_functions(suite) as functions:
        with without_filters(stripped, functions):
            async with in_process(suite) as clients:
                asking = Asking(clients, suite.token, belongings)
                await asking.ask_all(known, commands_in_batches=True)
                found = await asking.find_own(known)

    say(f"tenants: {asking.asked} questions, {len(stripped)} statements unfiltered, {len(asking.faults)} crossings")
    assert asking.faults == []
    assert asking.asked >= LEAST
    assert len(stripped) > 10
    assert functions >= {"read_streams", "find_claims"}
    assert {label: status for label, status in found.items() if status not in FOUND} == {}


async def test_few_functions_stand_before_no_policy(suite: Suite) -> None:
    assert await functions_as_owner(suite) == set(AS_OWNER)


async def test_the_questions_would_find_what_no_policy_guards(
    suite: Suite, known: list[Operation], belongings: Belongings
) -> None:
    async with bare_functions(suite) as functions:
        with without_filters(set(), functions):
            async with in_process(suite, login="keeper") as clients:
                asking = Asking(clients, suite.token, belongings)
                await asking.ask_all([each for each in known if each.method == "GET" and each.service == "contacts"])

    told = {fault.partition(" path:")[0] for fault in asking.faults}
    assert told >= {"contacts GET /v1/customers/{customer_id}", "contacts GET /v1/events/{event_id}"}
