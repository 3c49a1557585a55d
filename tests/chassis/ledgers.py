"""A service on a ledger in PostgreSQL, open for appends, reached as HTTP clients reach it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
from joserfc.jwk import ECKey

from rapport_chassis.auth import Issuer, Verifier
from rapport_chassis.desk import Desk, Store
from rapport_chassis.health import Readiness
from rapport_chassis.http import make_app
from rapport_chassis.peers import Peers, PeerSeal
from rapport_chassis.service import Service
from rapport_chassis.standing import Standing
from rapport_chassis.webhooks.addresses import Outgoing
from rapport_events.database import Pool, open_pool
from rapport_events.execute import Executor
from rapport_events.gate import reopen
from rapport_events.memory_keyring import MemoryKeyring
from rapport_events.postgres_ledger import PostgresLedger
from tests.chassis.shop import SHOP
from tests.chassis.tokens import ISSUER, KeySet, make_key, sign
from tests.databases import ServiceDatabase

SCOPES = "interactions:read interactions:write personal:read"


@dataclass(frozen=True)
class Booth:
    client: httpx.AsyncClient
    ledger: PostgresLedger
    keyring: MemoryKeyring
    app: Pool
    keeper: Pool
    key: ECKey

    def token(self, tenant: str = "acme", scope: str = SCOPES) -> dict[str, str]:
        return {"Authorization": f"Bearer {sign(self.key, tenant=tenant, scope=scope)}"}

    async def buy(self, customer: str = "Ann", tenant: str = "acme") -> str:
        """Record a purchase, and return the event's id."""
        body = {"customer": {"system": "shop", "external_id": customer}, "total": "2.50"}
        return await self._record("/v1/purchases", body, tenant)

    async def write(self, text: str, customer: str = "Ann", tenant: str = "acme") -> str:
        """Record a contact, and return the event's id."""
        body = {"customer": {"system": "shop", "external_id": customer}, "text": text}
        return await self._record("/v1/contacts", body, tenant)

    async def _record(self, route: str, body: dict[str, Any], tenant: str) -> str:
        answer = await self.client.post(route, json=body, headers=self.token(tenant))
        assert answer.status_code == 201, answer.text
        return str(answer.json()["event_ids"][0])


def lines_of(answer: httpx.Response) -> list[dict[str, Any]]:
    """Return the events of an answer in JSON lines."""
    assert answer.status_code == 200, answer.text
    return [orjson.loads(line) for line in answer.content.splitlines()]


@asynccontextmanager
async def open_booth(database: ServiceDatabase, service: Service = SHOP) -> AsyncGenerator[Booth]:
    """Bring a service to life on a ledger of its own."""
    key, keyring, seal = make_key(), MemoryKeyring(), PeerSeal(b"")
    async with (
        await open_pool(database.app, name="tests.app", connections_max=12) as app,
        await open_pool(database.keeper, name="tests.keeper") as keeper,
    ):
        async with keeper.acquire() as connection:
            assert await reopen(connection)
        async with PostgresLedger(service=service.name, app=app, keeper=keeper) as ledger:
            peers = Peers(lambda _: "http://127.0.0.1:1", seal)
            desk = Desk(
                service=service,
                verifier=Verifier([Issuer(ISSUER, KeySet(key))]),
                readiness=Readiness(service.name),
                peers=peers,
                seal=seal,
                opened=Store(
                    ledger=ledger,
                    executor=Executor(ledger, keyring),
                    keyring=keyring,
                    pool=app,
                    standing=Standing(app, service.views, peers.heads),
                ),
                outgoing=Outgoing(allows_loopback=True),
            )
            transport = httpx.ASGITransport(make_app(desk))
            async with httpx.AsyncClient(transport=transport, base_url="http://shop", timeout=30) as client:
                client.headers["Authorization"] = f"Bearer {sign(key, scope=SCOPES)}"
                yield Booth(client, ledger, keyring, app, keeper, key)
