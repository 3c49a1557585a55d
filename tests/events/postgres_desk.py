"""A ledger in a database of its own, open, with its pools."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from rapport_events.database import Pool, open_pool
from rapport_events.gate import reopen, shut
from rapport_events.postgres_ledger import PostgresLedger
from tests.databases import ServiceDatabase


@dataclass(frozen=True, slots=True)
class PostgresDesk:
    ledger: PostgresLedger
    app: Pool
    keeper: Pool
    database: ServiceDatabase

    async def shut(self) -> None:
        async with self.keeper.acquire() as connection:
            await shut(connection)


@pytest.fixture
async def desk(service: ServiceDatabase) -> AsyncIterator[PostgresDesk]:
    """Open the ledger as the mirror does, and enter it."""
    async with (
        await open_pool(service.app, name="tests.app", connections_max=12) as app,
        await open_pool(service.keeper, name="tests.keeper") as keeper,
    ):
        async with keeper.acquire() as connection:
            assert await reopen(connection)
        async with PostgresLedger(service="interactions", app=app, keeper=keeper) as ledger:
            yield PostgresDesk(ledger, app, keeper, service)
