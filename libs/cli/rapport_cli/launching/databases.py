"""Databases, roles and tables of the keyring and of every service, from nothing or from any older state."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from rapport_cli.launching.installed import Installed
from rapport_events.database import Connection
from rapport_events.migrate import MigrationInvalid, migrate, prepare, prepare_database
from rapport_events.statements import load

KEYRING: Final = "keyring"
KEYRING_LOGINS: Final = ("app", "eraser")
SERVICE_LOGINS: Final = ("app", "keeper")
_CONNECT_SECONDS: Final = 10

PasswordOf = Callable[[str], str]
"""Tells the password of a role by its name, for example `rapport_contacts_app`."""


@dataclass(frozen=True, slots=True)
class Server:
    """A PostgreSQL server, as somebody who may make databases and roles there reaches it."""

    admin: str
    """Address of its database `postgres`, or of any other."""

    def database(self, name: str) -> str:
        """Return the address of a service's database for the same person."""
        return urlunsplit(urlsplit(self.admin)._replace(path=f"/rapport_{name}"))

    def login(self, name: str, login: str, password: str) -> str:
        """Return the address of a service's database for one of its roles."""
        parts = urlsplit(self.admin)
        place = parts.netloc.rpartition("@")[2]
        user = f"rapport_{name}_{login}:{quote(password, safe='')}"
        return urlunsplit(parts._replace(netloc=f"{user}@{place}", path=f"/rapport_{name}"))


async def set_up_databases(
    server: Server, services: Sequence[Installed], password_of: PasswordOf, *, keyring: Server | None = None
) -> list[str]:
    """
    Bring everything up to date; what is there stays.

    Args:
        keyring: The keyring's server, where it has one of its own.

    Returns:
        Names of the changes that were applied, with the database before each.
    """
    owners = [service for service in services if service.owns_ledger]
    keyring = keyring or server
    async with _connected(keyring) as admin:
        passwords = {login: password_of(f"rapport_keyring_{login}") for login in KEYRING_LOGINS}
        await prepare_database(admin, KEYRING, passwords)
    async with _connected(server) as admin:
        for service in owners:
            app, keeper = (password_of(f"rapport_{service.name}_{login}") for login in SERVICE_LOGINS)
            await prepare(admin, service.name, app_password=app, keeper_password=keeper)
    places = [(KEYRING, keyring, None), *((service.name, server, service) for service in owners)]
    try:
        async with asyncio.TaskGroup() as group:
            tasks = {name: group.create_task(_migrate(place, name, service)) for name, place, service in places}
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from errors
    return [f"{name}: {change}" for name, task in tasks.items() for change in task.result()]


@asynccontextmanager
async def _connected(server: Server) -> AsyncGenerator[Connection]:
    connection = await asyncpg.connect(server.admin, timeout=_CONNECT_SECONDS)
    try:
        yield connection
    finally:
        await connection.close(timeout=_CONNECT_SECONDS)


def folders_of(service: Installed | None) -> list[Traversable]:
    """Return the folders of numbered changes of a service's database; of the keyring's where none is named."""
    ours = files("rapport_events").joinpath("migrations")
    if service is None or service.migrations is None:
        return [ours.joinpath(KEYRING)]
    return [ours.joinpath("ledger"), service.migrations]


async def era_of(address: str) -> int:
    """Return the era of the ledger in a service's database, which its topic's name tells from the second on."""
    connection = await asyncpg.connect(address, timeout=_CONNECT_SECONDS)
    try:
        row = await connection.fetchrow(load("rapport_events", "ledger/state"), timeout=_CONNECT_SECONDS)
    finally:
        await connection.close(timeout=_CONNECT_SECONDS)
    return 1 if row is None else int(row["era"])


async def _migrate(server: Server, name: str, service: Installed | None) -> list[str]:
    try:
        return await migrate(server.database(name), name, folders_of(service))
    except MigrationInvalid as error:
        raise MigrationInvalid(f"database rapport_{name}: {error}") from error
