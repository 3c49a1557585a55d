"""Fixtures of the attacks: a house of real processes, a ledger with its mirror, workflow with its gate."""

import pytest

from tests.attacks.callers import Callers
from tests.chassis.houses import House
from tests.conftest import MakeServiceDatabase
from tests.databases import ServiceDatabase
from tests.events.mirroring import place
from tests.events.postgres_desk import desk
from tests.workflow.conftest import keeper, workflow, world

__all__ = ["desk", "keeper", "place", "workflow", "world"]


@pytest.fixture
async def service(make_service_database: MakeServiceDatabase) -> ServiceDatabase:
    """Make a database of a service that has nothing but a ledger."""
    return await make_service_database("events")


@pytest.fixture
async def callers(house: House) -> Callers:
    """Call at the house's door."""
    return Callers(house)
