"""Analytics' database for each test, and a way to put facts into its views."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from rapport_events.database import Pool
from rapport_events.gate import reopen
from tests.databases import Databases
from tests.events.servers import ServiceDatabase
from tests.service_databases import copy_of, make_template


@pytest.fixture(scope="session")
async def analytics_template(databases: Databases) -> str:
    """Make the database once."""
    return await make_template(databases, "analytics")


@pytest.fixture
async def analytics(databases: Databases, analytics_template: str) -> AsyncIterator[ServiceDatabase]:
    """Copy it for one test."""
    async with copy_of(databases, analytics_template) as database:
        yield database


@pytest.fixture
async def keeper(analytics: ServiceDatabase) -> AsyncIterator[Pool]:
    """Connect as the role that folds."""
    async with asyncpg.create_pool(analytics.keeper, min_size=1, max_size=4) as pool:
        async with pool.acquire() as connection:
            await reopen(connection)
        yield pool
