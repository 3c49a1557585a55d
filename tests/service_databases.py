"""Migrated databases of whole services for tests, copied from one that is made once in a run."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files

import asyncpg

from rapport_events.migrate import migrate, prepare
from tests.databases import Databases
from tests.events.servers import PASSWORD, ServiceDatabase

EXTENSIONS = ("pg_trgm", "btree_gin", "unaccent")


async def make_template(databases: Databases, service: str) -> str:
    """Make the database `rapport_<service>` with all tables of the service, and return its name."""
    admin = await asyncpg.connect(databases.admin_dsn)
    try:
        await prepare(admin, service, app_password=PASSWORD, keeper_password=PASSWORD)
    finally:
        await admin.close()
    folders = [
        files("rapport_events").joinpath("migrations", "ledger"),
        files(f"rapport_{service}").joinpath("migrations"),
    ]
    name = f"rapport_{service}"
    await migrate(databases.dsn(name), service, folders, extensions=EXTENSIONS)
    return name


@asynccontextmanager
async def copy_of(databases: Databases, template: str) -> AsyncIterator[ServiceDatabase]:
    """Copy a service's database for one test, and drop the copy afterwards."""
    name = await databases.make(template=template)
    yield ServiceDatabase(
        app=databases.dsn(name, user=f"{template}_app", password=PASSWORD),
        keeper=databases.dsn(name, user=f"{template}_keeper", password=PASSWORD),
        admin=databases.dsn(name),
    )
    await databases.drop(name)
