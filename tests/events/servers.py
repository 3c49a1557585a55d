"""A migrated database of a service for each test, copied from one that is made once."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from importlib.resources import files

import asyncpg
import pytest
from rapport_events.migrate import migrate, prepare

from tests.databases import Databases

PASSWORD = "for-tests-only"  # noqa: S105  # the server listens on loopback and dies with the run


@dataclass(frozen=True, slots=True)
class ServiceDatabase:
    """Addresses of one service's database: for its roles, and for the superuser."""

    app: str
    keeper: str
    admin: str


@pytest.fixture(scope="session")
async def ledger_template(databases: Databases) -> str:
    """Make a database with the tables of a ledger, to be copied."""
    admin = await asyncpg.connect(databases.admin_dsn)
    await prepare(admin, "events", app_password=PASSWORD, keeper_password=PASSWORD)
    await admin.close()
    folder = files("rapport_events").joinpath("migrations", "ledger")
    await migrate(databases.dsn("rapport_events"), "events", [folder])
    return "rapport_events"


@pytest.fixture
async def service(databases: Databases, ledger_template: str) -> AsyncIterator[ServiceDatabase]:
    """Copy the database for one test."""
    name = await databases.make(template=ledger_template)
    yield ServiceDatabase(
        app=databases.dsn(name, user="rapport_events_app", password=PASSWORD),
        keeper=databases.dsn(name, user="rapport_events_keeper", password=PASSWORD),
        admin=databases.dsn(name),
    )
    await databases.drop(name)
