"""One service without a broker: commands into a ledger in memory, facts into its tables, questions over HTTP."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import asyncpg
import httpx
import orjson
from joserfc.jwk import ECKey

from rapport_chassis.auth import Issuer, Verifier
from rapport_chassis.desk import Desk, Store
from rapport_chassis.health import Readiness
from rapport_chassis.http import make_app
from rapport_chassis.party import catch_up
from rapport_chassis.peers import Peers, PeerSeal
from rapport_chassis.service import Service
from rapport_chassis.standing import Standing
from rapport_events.beside import PartiesRead
from rapport_events.contracts.base import Event
from rapport_events.database import Pool, open_pool
from rapport_events.envelope import Recorded
from rapport_events.execute import Executor
from rapport_events.ids import PARTITIONS
from rapport_events.ledger import LedgerState
from rapport_events.memory_keyring import MemoryKeyring
from rapport_events.memory_ledger import MemoryLedger
from rapport_events.reader import ViewReader, write_down
from rapport_events.testing import NOON, TENANT, Lines, arrived
from tests.chassis.tokens import ISSUER, KeySet, make_key, sign
from tests.databases import ServiceDatabase

SOURCES = ("contacts", "interactions", "workflow", "analytics")


@dataclass(slots=True)
class Slices:
    """A service under test."""

    service: Service
    client: httpx.AsyncClient
    ledger: MemoryLedger
    keyring: MemoryKeyring
    keeper: Pool
    app: Pool
    readers: Sequence[ViewReader]
    key: ECKey
    transport: httpx.ASGITransport
    """Leads to its HTTP interface without a network."""
    foreign: Lines = field(default_factory=Lines)
    events: list[Recorded] = field(default_factory=list[Recorded])
    """Facts of other services."""

    async def wish(self, route: str, body: Mapping[str, Any], **headers: str) -> httpx.Response:
        """Send a command, and let the views fold what comes of it."""
        answer = await self.client.post(route, json=body, headers=headers)
        await self.fold()
        return answer

    async def ask(self, route: str, **parameters: str | int) -> dict[str, Any]:
        """Ask a question that must be answered."""
        answer = await self.client.get(route, params=parameters)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def hear(self, event: Event, *, stream: str, subject: str, at: datetime = NOON) -> Recorded:
        """Let the views fold a fact of another service."""
        recorded = self.foreign.next(event, stream=stream, subject=subject, at=at)
        self.events.append(recorded)
        await self.fold()
        return recorded

    async def fold(self) -> None:
        """Give all facts that there are to all views; each takes what is new to it."""
        facts = list(self.events)
        for partition in range(PARTITIONS):
            facts += await self.ledger.read_partition(partition, after=0, limit=10_000)
        for reader in self.readers:
            await reader.take([arrived(fact) for fact in facts])
        await write_down(self.keeper, self.readers)

    def events_of(self, type_name: str) -> list[dict[str, Any]]:
        """Return the data of all events of a type that the service has recorded, in the order of partitions."""
        return [orjson.loads(event.data) for event in self.ledger.events if event.type == type_name]

    def token(self, scope: str, tenant: str = TENANT) -> dict[str, str]:
        """Return the header of another caller."""
        return {"Authorization": f"Bearer {sign(self.key, scope=scope, tenant=tenant)}"}


@asynccontextmanager
async def open_slices(
    service: Service, database: ServiceDatabase, keyring: MemoryKeyring | None = None, *, key: ECKey | None = None
) -> AsyncGenerator[Slices]:
    """Bring a service to life on a database of its own; several can share a keyring, and the key of their tokens."""
    ledger, keyring, key = MemoryLedger(service=service.name), keyring or MemoryKeyring(), key or make_key()
    seal = PeerSeal(bytes(range(32)))

    async def heads(source: str) -> LedgerState:
        if source == service.name:
            return await ledger.state()
        return LedgerState(era=1, is_open=True, heads=(0,) * PARTITIONS, reach=(0,) * PARTITIONS)

    app = await open_pool(database.app, name="tests.app")
    async with asyncpg.create_pool(database.keeper, min_size=1, max_size=6) as keeper:
        readers = [ViewReader(view, keeper, keyring) for view in service.views]
        for reader in readers:
            await reader.begin(dict.fromkeys(SOURCES, 1))
        standing = Standing(app, service.views, heads)
        desk = Desk(
            service=service,
            verifier=Verifier([Issuer(ISSUER, KeySet(key))]),
            readiness=Readiness(service.name),
            peers=Peers(lambda _: "http://127.0.0.1:1", seal),
            seal=seal,
            opened=Store(
                ledger=ledger,
                executor=Executor(ledger, keyring, PartiesRead(app), partial(catch_up, standing)),
                keyring=keyring,
                pool=app,
                standing=standing,
            ),
        )
        transport = httpx.ASGITransport(make_app(desk))
        scopes = f"{service.name}:read {service.name}:write personal:read"
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{service.name}") as client:
            client.headers["Authorization"] = f"Bearer {sign(key, scope=scopes)}"
            yield Slices(service, client, ledger, keyring, keeper, app, readers, key, transport)
    app.terminate()
