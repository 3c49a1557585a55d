"""The ledger in PostgreSQL does what any ledger does, for all callers of a process at once."""

from collections.abc import AsyncIterator

import pytest

from rapport_events.database import Pool, open_pool
from rapport_events.gate import reopen, shut
from rapport_events.postgres_ledger import PostgresLedger
from tests.events.ledger_contract import LedgerContract
from tests.events.servers import ServiceDatabase


class PostgresDesk:
    def __init__(self, ledger: PostgresLedger, keeper: Pool) -> None:
        self.ledger = ledger
        self.keeper = keeper

    async def shut(self) -> None:
        async with self.keeper.acquire() as connection:
            await shut(connection)


class TestPostgresLedger(LedgerContract):
    @pytest.fixture
    async def desk(self, service: ServiceDatabase) -> AsyncIterator[PostgresDesk]:
        async with (
            await open_pool(service.app, name="tests.app") as app,
            await open_pool(service.keeper, name="tests.keeper") as keeper,
        ):
            async with keeper.acquire() as connection:
                assert await reopen(connection)
            async with PostgresLedger(service="interactions", app=app, keeper=keeper) as ledger:
                yield PostgresDesk(ledger, keeper)
