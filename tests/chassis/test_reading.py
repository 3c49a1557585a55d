"""Queries over real rows: one tenant's only, as fresh as they say, names only for those who may read them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from fastapi import APIRouter
from joserfc.jwk import ECKey

from rapport_chassis.auth import Issuer, Verifier
from rapport_chassis.desk import Desk, Store
from rapport_chassis.health import Readiness
from rapport_chassis.http import make_app
from rapport_chassis.peers import Peers, PeerSeal
from rapport_chassis.positions import Position, write_token
from rapport_chassis.reading import Read
from rapport_chassis.standing import Standing
from rapport_events.database import Pool, open_pool
from rapport_events.execute import Executor
from rapport_events.ids import CustomerId, TenantId
from rapport_events.ledger import LedgerState
from rapport_events.memory_keyring import MemoryKeyring
from rapport_events.memory_ledger import MemoryLedger
from tests.chassis.shop import SHOP
from tests.chassis.tokens import ISSUER, KeySet, make_key, sign
from tests.conftest import MakeServiceDatabase
from tests.events.sums import TABLES, Sums
from tests.waiting import until

ANN = UUID("00000000-0000-8000-8000-00000000a000")
BOB = UUID("00000000-0000-8000-8000-00000000b000")
READER = Sums().reader
ROUTER = APIRouter()


@ROUTER.get("/v1/sums")
async def get_sums(read: Read) -> dict[str, Any]:
    """Show all sums, as far as the caller may see them."""
    async with read.rows() as connection:
        rows = await connection.fetch("SELECT customer, total::text FROM sums_v1")
    keys = await read.keys(["k1"])
    freshness = await read.freshness("sums")
    sums = {str(row["customer"]): row["total"] for row in rows}
    return {"sums": sums, "masked": read.is_masked, "keys": len(keys), "freshness": freshness.model_dump(mode="json")}


@ROUTER.get("/v1/write")
async def write(read: Read) -> None:
    """Try what a query must not do."""
    async with read.rows() as connection:
        await connection.execute("DELETE FROM checkpoints")


@dataclass
class Counter:
    """A service with rows of two tenants, and a client without a token."""

    client: httpx.AsyncClient
    desk: Desk
    admin: "asyncpg.Connection[asyncpg.Record]"
    keyring: MemoryKeyring
    pool: Pool
    key: ECKey
    heads: dict[str, LedgerState | None]

    async def get(
        self, path: str, tenant: str = "acme", scope: str = "interactions:read personal:read"
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {sign(self.key, tenant=tenant, scope=scope)}"}
        return await self.client.get(path, headers=headers)

    async def move(self, position: int) -> None:
        await self.admin.execute(
            "INSERT INTO checkpoints (reader, source, era, partition, position) VALUES ($1, 'interactions', 1, 3, $2)"
            " ON CONFLICT (reader, source, era, partition) DO UPDATE SET position = $2, moved_at = clock_timestamp()",
            READER,
            position,
        )


@pytest.fixture
async def counter(make_service_database: MakeServiceDatabase) -> AsyncIterator[Counter]:
    database = await make_service_database("interactions")
    key, ledger, keyring, seal = make_key(), MemoryLedger(service="interactions"), MemoryKeyring(), PeerSeal(b"")
    admin = await asyncpg.connect(database.admin)
    keeper = await asyncpg.connect(database.keeper)
    await keeper.execute(TABLES)
    await keeper.execute(
        "INSERT INTO rebuilds (model, rebuild, state, tables) VALUES ('sums_v1', 1, 'live', '{sums_v1}')"
    )
    for tenant, customer, total in (("acme", ANN, 1), ("rival", BOB, 2)):
        await keeper.execute("INSERT INTO sums_v1_r1 VALUES ($1, $2, 1, $3, '{1}')", tenant, customer, total)
    await keeper.close()
    heads: dict[str, LedgerState | None] = {}

    async def ask(source: str) -> LedgerState | None:
        return heads.get(source)

    async with await open_pool(database.app, name="tests") as pool:
        standing = Standing(pool, (Sums(),), ask)
        store = Store(ledger=ledger, executor=Executor(ledger, keyring), keyring=keyring, pool=pool, standing=standing)
        desk = Desk(
            service=replace(SHOP, views=(Sums(),), routers=(ROUTER,)),
            verifier=Verifier([Issuer(ISSUER, KeySet(key))]),
            readiness=Readiness("interactions"),
            peers=Peers(lambda _: "http://127.0.0.1:1", seal),
            seal=seal,
            opened=store,
        )
        async with httpx.AsyncClient(transport=httpx.ASGITransport(make_app(desk)), base_url="http://x") as client:
            yield Counter(client, desk, admin, keyring, pool, key, heads)
    await admin.close()


def state(position: int) -> LedgerState:
    heads = tuple(position if partition == 3 else 0 for partition in range(32))
    return LedgerState(era=1, is_open=True, heads=heads, reach=heads)


async def test_a_caller_sees_the_rows_of_the_own_tenant_alone(counter: Counter) -> None:
    acme, rival, stranger = [(await counter.get("/v1/sums", tenant)).json() for tenant in ("acme", "rival", "nobody")]

    assert acme["sums"] == {str(ANN): "1"}
    assert rival["sums"] == {str(BOB): "2"}
    assert stranger["sums"] == {}


async def test_a_connection_forgets_its_tenant(counter: Counter) -> None:
    await counter.get("/v1/sums", "acme")

    assert await counter.pool.fetchval("SELECT count(*) FROM sums_v1") == 0


async def test_a_query_writes_nothing(counter: Counter) -> None:
    await counter.move(7)

    answer = await counter.get("/v1/write")

    assert answer.is_server_error
    assert await counter.admin.fetchval("SELECT count(*) FROM checkpoints") == 1


@pytest.mark.parametrize("scope", ["", "contacts:read", "interactions:write"])
async def test_reading_needs_the_scope(counter: Counter, scope: str) -> None:
    answer = await counter.get("/v1/sums", scope=scope)

    assert (answer.status_code, answer.json()["facts"]) == (403, {"scope": "interactions:read"})


async def test_names_stay_closed_without_the_scope_and_without_the_keyring(counter: Counter) -> None:
    await counter.keyring.seal_keys(TenantId("acme"), [CustomerId(ANN)])
    opened = (await counter.get("/v1/sums")).json()
    unscoped = (await counter.get("/v1/sums", scope="interactions:read")).json()
    counter.keyring.is_away = True
    away = await counter.get("/v1/sums")

    assert (opened["keys"], opened["masked"]) == (1, False)
    assert (unscoped["keys"], unscoped["masked"]) == (0, True)
    assert (away.status_code, away.json()["keys"], away.json()["masked"]) == (200, 0, True)


async def test_a_read_after_a_write_waits_until_it_is_shown(counter: Counter) -> None:
    await counter.move(6)
    token = write_token([Position("interactions", 1, 3, 7), Position("workflow", 1, 3, 99)])

    waiting = asyncio.create_task(counter.get(f"/v1/sums?after={token}"))
    await until(lambda: asks(counter.admin), seconds=5, what="the read has looked at the checkpoints")
    assert not waiting.done()
    await counter.move(7)

    assert (await waiting).status_code == 200


async def asks(admin: "asyncpg.Connection[asyncpg.Record]") -> bool:
    return bool(await admin.fetchval("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '-- not_reached%'"))


async def test_a_read_does_not_wait_for_ever(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rapport_chassis.standing.AFTER_SECONDS_MAX", 0.1)
    token = write_token([Position("interactions", 1, 3, 7)])

    answer = await counter.get(f"/v1/sums?after={token}")

    assert (answer.status_code, answer.json()["code"]) == (503, "not_yet_folded")
    assert answer.headers["retry-after"] == "1"


async def test_a_new_era_is_past_all_positions_of_the_former(counter: Counter) -> None:
    await counter.admin.execute("INSERT INTO checkpoints VALUES ($1, 'interactions', 2, 3, 0)", READER)
    token = write_token([Position("interactions", 1, 3, 7)])

    assert (await counter.get(f"/v1/sums?after={token}")).status_code == 200


async def test_a_position_that_nobody_gave_is_refused(counter: Counter) -> None:
    answer = await counter.get("/v1/sums?after=x")

    assert (answer.status_code, answer.json()["code"]) == (422, "position_unreadable")


async def test_lag_is_unknown_until_the_owner_answers(counter: Counter) -> None:
    await counter.move(7)

    freshness = (await counter.get("/v1/sums")).json()["freshness"]

    assert freshness["lag_seconds"] is None


async def test_lag_is_how_long_something_recorded_has_been_missing(counter: Counter) -> None:
    await counter.move(7)
    counter.heads["interactions"] = state(7)
    watching = asyncio.create_task(counter.desk.store.standing.run())
    try:
        current = await freshness_when(counter, _is_current)
        counter.heads["interactions"] = state(9)
        behind = await freshness_when(counter, _is_behind)
        await counter.move(9)
        again = await freshness_when(counter, _is_current)
    finally:
        watching.cancel()

    moments = [datetime.fromisoformat(found["as_of"]) for found in (current, behind, again)]
    assert moments == sorted(moments)


def _is_current(found: dict[str, Any]) -> bool:
    return bool(found["lag_seconds"] == 0)


def _is_behind(found: dict[str, Any]) -> bool:
    return bool(found["lag_seconds"])


async def freshness_when(counter: Counter, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    found: dict[str, Any] = {}

    async def holds() -> bool:
        found.update((await counter.get("/v1/sums")).json()["freshness"])
        return condition(found)

    await until(holds, seconds=10, what="freshness is as expected")
    return found


async def test_readers_tell_lag_and_parked_and_single_partitions_only_to_operators(counter: Counter) -> None:
    await counter.move(7)
    counter.heads["interactions"] = state(9)
    for tenant in ("acme", "rival", "rival"):
        await counter.admin.execute(
            "INSERT INTO parked VALUES ($1, 'interactions', 1, 3, (SELECT 1 + count(*) FROM parked),"
            " 'e', $2, 's', 't', 'c', '{}', '')",
            READER,
            tenant,
        )
    watching = asyncio.create_task(counter.desk.store.standing.run())
    try:
        await freshness_when(counter, _is_behind)
        (plain,) = (await counter.get("/v1/readers")).json()["readers"]
        (full,) = (await counter.get("/v1/readers", scope="operator")).json()["readers"]
    finally:
        watching.cancel()

    assert (plain["view"], plain["lag"], plain["parked"], plain["lines"]) == ("sums", 2, 1, [])
    line = full["lines"][0]
    assert (line["source"], line["partition"], line["position"], line["head"], line["lag"]) == (
        "interactions",
        3,
        7,
        9,
        2,
    )


async def test_an_answer_that_has_no_past_refuses_to_be_asked_for_it(counter: Counter) -> None:
    for name in ("as_of", "known_at"):
        answer = await counter.get(f"/v1/sums?{name}=2026-03-02T12:00:00Z")

        assert (answer.status_code, answer.json()["code"]) == (422, "past_not_kept")
        assert answer.json()["facts"] == {"parameter": name}
