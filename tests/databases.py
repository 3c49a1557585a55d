"""Databases for tests: each from nothing, each dropped afterwards."""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from rapport_events.migrate import migrate, prepare, prepare_database

_WAIT_SECONDS = 30
_PASSWORD = "of-a-test"
_LEDGER = files("rapport_events").joinpath("migrations", "ledger")
_KEYRING = files("rapport_events").joinpath("migrations", "keyring")
_EXTENSIONS = ("pg_trgm", "btree_gin", "unaccent")
_MARK = "made by tests"


@dataclass(frozen=True, slots=True)
class ServiceDatabase:
    """Addresses of one service's database, for each role."""

    admin: str
    app: str
    keeper: str


@dataclass(frozen=True, slots=True)
class KeyringDatabase:
    """Addresses of a keyring's database, for each role."""

    admin: str
    app: str
    eraser: str


class Databases:
    """Makes databases on one server under names of their own, and drops them."""

    def __init__(self, admin_dsn: str) -> None:
        self.admin_dsn = admin_dsn
        self._templates: set[str] = set()
        self._turn = asyncio.Lock()

    async def make(self, *, template: str = "template0") -> str:
        """Make a database, empty or as its template is, and return its name."""
        name = f"test_{secrets.token_hex(6)}"
        await self._tell(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    async def service(self, service: str) -> tuple[str, ServiceDatabase]:
        """Make a database with the ledger and the tables of a service; returns its name, and the addresses."""
        folders = [_LEDGER, *_folder_of(service)]
        name, role = await self._copy(service, ("app", "keeper"), folders)
        app, keeper = (self.dsn(name, user=f"{role}_{login}", password=_PASSWORD) for login in ("app", "keeper"))
        return name, ServiceDatabase(self.dsn(name), app, keeper)

    async def keyring(self) -> tuple[str, KeyringDatabase]:
        """Make a database with the tables of a keyring; returns its name, and the addresses."""
        name, role = await self._copy("keyring", ("app", "eraser"), [_KEYRING])
        app, eraser = (self.dsn(name, user=f"{role}_{login}", password=_PASSWORD) for login in ("app", "eraser"))
        return name, KeyringDatabase(self.dsn(name), app, eraser)

    async def drop(self, name: str) -> None:
        """Drop a database, whoever is still connected."""
        await self._tell(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    async def drop_templates(self) -> None:
        """Drop what databases were copied from."""
        while self._templates:
            await self.drop(self._templates.pop())

    def dsn(self, name: str, *, user: str | None = None, password: str | None = None) -> str:
        """Return the address of a database, for the superuser or for another role."""
        parts = urlsplit(self.admin_dsn)
        place = parts.netloc if user is None else f"{user}:{password}@{parts.netloc.rpartition('@')[2]}"
        return urlunsplit(parts._replace(netloc=place, path=f"/{name}"))

    async def _copy(self, service: str, logins: Sequence[str], folders: Sequence[Traversable]) -> tuple[str, str]:
        """Copy a database that is migrated once in a run; returns the copy's name, and that of its model."""
        model = f"rapport_{service}"
        async with self._turn:
            if model not in self._templates:
                await self._clear(model)
                await self._migrate(service, logins, folders)
                await self._tell(f"COMMENT ON DATABASE {model} IS '{_MARK}'")
                self._templates.add(model)
        name = await self.make(template=model)
        for sql in (
            f"ALTER DATABASE {name} OWNER TO {model}_owner",
            f"REVOKE ALL ON DATABASE {name} FROM PUBLIC",
            *(f"GRANT CONNECT ON DATABASE {name} TO {model}_{login}" for login in logins),
        ):
            await self._tell(sql)
        return name, model

    async def _clear(self, model: str) -> None:
        """Drop what an earlier run left; a suite's own database of that name is never touched."""
        described = "SELECT coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database WHERE datname = $1"
        mark = await self._ask(described, model)
        if mark is not None and mark != _MARK:
            msg = f"this server holds {model}, which no test made: give tests a server of their own"
            raise RuntimeError(msg)
        await self.drop(model)

    async def _migrate(self, service: str, logins: Sequence[str], folders: Sequence[Traversable]) -> None:
        connection = await asyncpg.connect(self.admin_dsn, timeout=_WAIT_SECONDS)
        try:
            if "keeper" in logins:
                await prepare(connection, service, app_password=_PASSWORD, keeper_password=_PASSWORD)
            else:
                await prepare_database(connection, service, dict.fromkeys(logins, _PASSWORD))
        finally:
            await connection.close(timeout=_WAIT_SECONDS)
        await migrate(self.dsn(f"rapport_{service}"), service, folders, extensions=_EXTENSIONS)

    async def _ask(self, sql: str, *values: str) -> str | None:
        connection = await asyncpg.connect(self.admin_dsn, timeout=_WAIT_SECONDS)
        try:
            answer: str | None = await connection.fetchval(sql, *values, timeout=_WAIT_SECONDS)
            return answer
        finally:
            await connection.close(timeout=_WAIT_SECONDS)

    async def _tell(self, sql: str) -> None:
        connection = await asyncpg.connect(self.admin_dsn, timeout=_WAIT_SECONDS)
        try:
            await connection.execute(sql, timeout=_WAIT_SECONDS)
        finally:
            await connection.close(timeout=_WAIT_SECONDS)


def _folder_of(service: str) -> list[Traversable]:
    folder = files(f"rapport_{service}").joinpath("migrations")
    return [folder] if folder.is_dir() else []
