"""The interactions service for each test."""

from collections.abc import AsyncIterator

import pytest

from rapport_interactions.app import service
from tests.conftest import MakeServiceDatabase
from tests.slices import Slices, open_slices


@pytest.fixture
async def interactions(make_service_database: MakeServiceDatabase) -> AsyncIterator[Slices]:
    """Bring interactions to life on a database of its own."""
    async with open_slices(service, await make_service_database("interactions")) as slices:
        yield slices
