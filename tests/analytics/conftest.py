"""Analytics' database for each test, and a way to put facts into its views."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from rapport_events.database import Pool
from rapport_events.gate import reopen
from tests.conftest import MakeServiceDatabase
from tests.databases import ServiceDatabase


@pytest.fixture
async def analytics(make_service_database: MakeServiceDatabase) -> ServiceDatabase:
    """Make a database of analytics."""
    return await make_service_database("analytics")


@pytest.fixture
async def keeper(analytics: ServiceDatabase) -> AsyncIterator[Pool]:
    """Connect as the role that folds."""
    async with asyncpg.create_pool(analytics.keeper, min_size=1, max_size=4) as pool:
        async with pool.acquire() as connection:
            await reopen(connection)
        yield pool
