"""The same database twice: on a real server, and in memory; what holds for one must hold for the other."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import asyncpg
import pytest

from rapport_events.database import Pool, open_pool
from rapport_events.gate import read_server_identity, reopen
from rapport_events.ledger import Append, Outcome
from rapport_events.postgres_ledger import PostgresLedger
from rapport_events.testing import NOON
from tests.conftest import MakeServiceDatabase
from tests.events.appends import TENANT
from tests.simulation import database
from tests.simulation.gate_server import GateServer
from tests.simulation.ledger_server import LedgerServer
from tests.simulation.nature import Nature, Process
from tests.simulation.reader_server import reader_statements
from tests.simulation.taken import TABLES


class Hurried(Nature):
    """Nothing takes any time."""

    def latency(self) -> float:
        """Return none."""
        return 0


@dataclass(frozen=True, slots=True)
class Desk:
    """A database with an open ledger, with what readers need, and with the read model `Taken`."""

    pool: Pool
    """As keeper."""
    ledger: PostgresLedger | LedgerServer
    process: Process

    async def append(self, requests: Sequence[Append]) -> list[Outcome]:
        """Append to the ledger."""
        if isinstance(self.ledger, LedgerServer):
            return await self.ledger.append(self.process, TENANT, requests)
        return await self.ledger.append(TENANT, requests)


@pytest.fixture(params=["real", "simulated"])
async def desk(request: pytest.FixtureRequest, make_service_database: MakeServiceDatabase) -> AsyncIterator[Desk]:
    """Open the ledger as the mirror does, and enter it."""
    kind: Literal["real", "simulated"] = request.param
    process = Process(Hurried(0), "test")
    if kind == "simulated":
        ledger = LedgerServer(process.nature, "interactions", lambda: 0.0)
        gate = GateServer(ledger, lambda: NOON)
        ledger.database.statements = {**ledger.database.statements, **reader_statements(), **gate.statements()}
        pool = cast("Pool", database.Pool(ledger.database, process))
        await _open(pool)
        yield Desk(pool, ledger, process)
        return
    service = await make_service_database("events")
    owner = await asyncpg.connect(service.admin)
    await owner.execute("SET ROLE rapport_events_owner")
    await owner.execute(TABLES)
    await owner.close()
    async with (
        await open_pool(service.app, name="tests.app", connections_max=4) as app,
        await open_pool(service.keeper, name="tests.keeper") as keeper,
    ):
        await _open(keeper)
        async with PostgresLedger(service="interactions", app=app, keeper=keeper) as real:
            yield Desk(keeper, real, process)


async def _open(pool: Pool) -> None:
    async with pool.acquire() as connection:
        assert await reopen(connection, await read_server_identity(connection))
