"""Fixtures of the attacks: a house of real processes, a ledger with its mirror, workflow with its gate."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.attacks.callers import Callers
from tests.chassis.houses import House
from tests.conftest import MakeServiceDatabase
from tests.databases import KeyringDatabase, ServiceDatabase
from tests.events.mirroring import place
from tests.events.postgres_desk import desk
from tests.workflow.conftest import keeper, workflow, world

__all__ = ["desk", "keeper", "place", "workflow", "world"]


@pytest.fixture
async def service(make_service_database: MakeServiceDatabase) -> ServiceDatabase:
    """Make a database of a service that has nothing but a ledger."""
    return await make_service_database("events")


@pytest.fixture
async def house(
    tmp_path: Path,
    make_service_database: MakeServiceDatabase,
    keyring_database: KeyringDatabase,
    kafka: str,
    topic_prefix: str,
) -> AsyncIterator[House]:
    """Build a shop of real processes; none runs yet."""
    built = await House.build(
        tmp_path, await make_service_database("interactions"), keyring_database, kafka, topic_prefix
    )
    yield built
    await built.end()


@pytest.fixture
async def callers(house: House) -> Callers:
    """Call at the house's door."""
    return Callers(house)
