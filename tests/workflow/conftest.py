"""Workflow's database for each test."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from rapport_events.database import Pool
from rapport_events.gate import reopen
from tests.conftest import MakeServiceDatabase
from tests.databases import ServiceDatabase
from tests.workflow.world import World, make_world


@pytest.fixture
async def workflow(make_service_database: MakeServiceDatabase) -> ServiceDatabase:
    """Make a database of workflow."""
    return await make_service_database("workflow")


@pytest.fixture
async def keeper(workflow: ServiceDatabase) -> AsyncIterator[Pool]:
    """Connect as the role that folds, with an open ledger."""
    async with asyncpg.create_pool(workflow.keeper, min_size=1, max_size=4) as pool:
        async with pool.acquire() as connection:
            await reopen(connection)
        yield pool


@pytest.fixture
async def world(keeper: Pool) -> World:
    """Let workflow live, with a clock that is moved by hand."""
    return await make_world(keeper)
