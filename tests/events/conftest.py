"""Fixtures of the tests about events."""

import pytest

from tests.conftest import MakeServiceDatabase
from tests.databases import ServiceDatabase
from tests.events.keyrings import start_process
from tests.events.mirroring import place
from tests.events.postgres_desk import desk

__all__ = ["desk", "place", "start_process"]


@pytest.fixture
async def service(make_service_database: MakeServiceDatabase) -> ServiceDatabase:
    """Make a database of a service that has nothing but a ledger."""
    return await make_service_database("events")
