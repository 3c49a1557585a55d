"""A service at its desk, on a ledger and a keyring in memory, reached as HTTP clients reach it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from joserfc.jwk import ECKey

from rapport_chassis.auth import Issuer, Verifier
from rapport_chassis.desk import Desk, Store
from rapport_chassis.health import Readiness
from rapport_chassis.http import make_app
from rapport_chassis.peers import Peers, PeerSeal
from rapport_chassis.standing import Standing
from rapport_events.database import open_pool
from rapport_events.execute import Executor
from rapport_events.memory_keyring import MemoryKeyring
from rapport_events.memory_ledger import MemoryLedger
from tests.chassis.shop import SHOP
from tests.chassis.tokens import ISSUER, KeySet, make_key, sign

MASTER_KEY = bytes(range(32))


@dataclass(frozen=True)
class Shop:
    client: httpx.AsyncClient
    desk: Desk
    ledger: MemoryLedger
    keyring: MemoryKeyring
    key: ECKey

    def token(self, **changes: str | None) -> dict[str, str]:
        return {"Authorization": f"Bearer {sign(self.key, **changes)}"}


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    key = make_key()
    seal = PeerSeal(MASTER_KEY)
    peers = Peers(lambda _: "http://127.0.0.1:1", seal)
    ledger, keyring = MemoryLedger(service="interactions"), MemoryKeyring()
    # Nobody listens there: what needs a database finds it away.
    pool = await open_pool("postgresql://nobody@127.0.0.1:1/none", name="tests")
    store = Store(
        ledger=ledger,
        executor=Executor(ledger, keyring),
        keyring=keyring,
        pool=pool,
        standing=Standing(pool, (), peers.heads),
    )
    desk = Desk(
        service=SHOP,
        verifier=Verifier([Issuer(ISSUER, KeySet(key))]),
        readiness=Readiness("interactions"),
        peers=peers,
        seal=seal,
        opened=store,
    )
    transport = httpx.ASGITransport(make_app(desk), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://interactions") as client:
        client.headers["Authorization"] = f"Bearer {sign(key)}"
        yield Shop(client, desk, ledger, keyring, key)
