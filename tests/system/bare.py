"""The suite's services in this process, on the suite's own databases, with their own filters by tenant taken out."""

import re
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from importlib.resources import files
from typing import Final

import httpx
import pytest

from rapport_chassis.auth import Issuer, Verifier
from rapport_chassis.desk import Desk, Store
from rapport_chassis.health import Readiness
from rapport_chassis.http import make_app
from rapport_chassis.keysets import KeyFile
from rapport_chassis.party import catch_up
from rapport_chassis.peers import Peers, PeerSeal
from rapport_chassis.service import Service, find_services
from rapport_chassis.standing import Standing
from rapport_cli.launching.keys import AUDIENCE, ISSUER, JWKS, MASTER_KEY
from rapport_events import statements
from rapport_events.beside import PartiesRead
from rapport_events.database import open_pool
from rapport_events.execute import Executor
from rapport_events.postgres_keyring import PostgresKeyring
from rapport_events.postgres_ledger import PostgresLedger
from tests.system.suites import OWNERS, Suite

_GIVEN: Final = re.compile(r"\b(?:\w+\.)?tenant_id = \$(\d+)")
_IN_FUNCTION: Final = re.compile(r"\b(?:\w+\.)?tenant_id = tenant\b")
_AS_CALLER: Final = """
SELECT p.proname AS name, pg_get_functiondef(p.oid) AS definition, p.oid::regprocedure::text AS signature
  FROM pg_proc AS p
 WHERE p.pronamespace = 'public'::regnamespace AND NOT p.prosecdef AND p.prokind = 'f'
   AND p.prosrc ~ 'tenant_id = tenant'
   AND has_function_privilege($1, p.oid, 'EXECUTE')
"""
_AS_OWNER: Final = """
SELECT p.proname AS name
  FROM pg_proc AS p
 WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef AND has_function_privilege($1, p.oid, 'EXECUTE')
"""


@contextmanager
def without_filters(stripped: set[str], functions: set[str]) -> Generator[None]:
    """
    Load every statement without its own `tenant_id = $n`, and let it call functions that have none.

    Args:
        stripped: Is told the names of the statements that lost one.
        functions: Whose names are read as `bare_…`.
    """
    load = statements.load

    def bare(package: str, name: str) -> str:
        text = files(package).joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
        found = _GIVEN.sub(r"($\1::text IS NOT NULL)", text)
        for function in functions:
            found = re.sub(rf"\b{function}\(", f"bare_{function}(", found)
        if found != text:
            stripped.add(f"{package}/{name}")
        return found

    with pytest.MonkeyPatch.context() as patch:
        for module in _modules_with(load):
            patch.setattr(module, "load", bare)
        yield


def _modules_with(load: object) -> list[object]:
    return [
        module
        for name, module in list(sys.modules.items())
        if name.startswith("rapport_") and getattr(module, "load", None) is load
    ]


@asynccontextmanager
async def bare_functions(suite: Suite) -> AsyncGenerator[set[str]]:
    """Copy what the role of HTTP calls in the databases as itself, without its filter; the copies go with us."""
    names: set[str] = set()
    try:
        for service in OWNERS:
            connection = await suite.connect(service)
            try:
                for row in await connection.fetch(_AS_CALLER, f"rapport_{service}_app"):
                    names.add(row["name"])
                    text = _IN_FUNCTION.sub("(tenant IS NOT NULL)", row["definition"])
                    text = text.replace(f"public.{row['name']}(", f"public.bare_{row['name']}(", 1)
                    await connection.execute(text)
            finally:
                await connection.close()
        yield names
    finally:
        for service in OWNERS:
            connection = await suite.connect(service)
            try:
                for name in names:
                    await connection.execute(f"DROP FUNCTION IF EXISTS bare_{name}")
            finally:
                await connection.close()


async def functions_as_owner(suite: Suite) -> set[str]:
    """Name the functions by which the role of HTTP acts with another role's rights: no policy stands before these."""
    found: set[str] = set()
    for service in OWNERS:
        connection = await suite.connect(service)
        try:
            found |= {row["name"] for row in await connection.fetch(_AS_OWNER, f"rapport_{service}_app")}
        finally:
            await connection.close()
    return found


@asynccontextmanager
async def in_process(suite: Suite, *, login: str = "app") -> AsyncGenerator[dict[str, httpx.AsyncClient]]:
    """Answer for the suite's services here, on the rows that they have, as the role of HTTP or as another one."""
    master = bytes.fromhex((suite.home.secrets / MASTER_KEY).read_text(encoding="ascii").strip())
    async with AsyncExitStack() as stack:
        clients: dict[str, httpx.AsyncClient] = {}
        keys = await open_pool(suite.dsn("keyring", "app"), name="tests.keyring", connections_max=4)
        stack.callback(keys.terminate)
        keyring = PostgresKeyring(keys, master)
        seal = PeerSeal(master)
        peers = Peers(lambda name: suite.urls[name], seal)
        for service in find_services(list(OWNERS)):
            store = await _store(stack, suite.dsn(service.name, login), service, keyring, peers)
            desk = Desk(
                service=service,
                verifier=Verifier([Issuer(ISSUER, KeyFile(suite.home.secrets / JWKS))], audience=AUDIENCE),
                readiness=Readiness(service.name),
                peers=peers,
                seal=seal,
                opened=store,
            )
            transport = httpx.ASGITransport(make_app(desk), raise_app_exceptions=False)
            client = httpx.AsyncClient(transport=transport, base_url=f"http://{service.name}")
            clients[service.name] = await stack.enter_async_context(client)
        yield clients


async def _store(stack: AsyncExitStack, dsn: str, service: Service, keyring: PostgresKeyring, peers: Peers) -> Store:
    pool = await open_pool(dsn, name="tests.http", connections_max=6)
    stack.callback(pool.terminate)
    ledger = await stack.enter_async_context(PostgresLedger(service=service.name, app=pool))
    standing = Standing(pool, service.views, peers.heads)
    executor = Executor(ledger, keyring, PartiesRead(pool), partial(catch_up, standing))
    return Store(ledger=ledger, executor=executor, keyring=keyring, pool=pool, standing=standing)
