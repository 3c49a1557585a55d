"""Databases and roles for a service, and the numbered changes that bring its tables up to date."""

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable

import asyncpg

from rapport_events.database import Connection

_LOCK = 0x52415050_4D494752  # "RAPPMIGR": one migration at a time in a database
_UP = re.compile(r"^-- migrate:up(?P<flags>.*)$", re.MULTILINE)
_DOWN = re.compile(r"^-- migrate:down", re.MULTILINE)
_NAME = re.compile(r"\d{4}_[a-z0-9_]+\.sql")
_SERVICE = re.compile(r"[a-z][a-z0-9_]{0,30}")
_TABLE = """
CREATE TABLE IF NOT EXISTS migrations (
    name       text        NOT NULL,
    checksum   text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT migrations_pkey PRIMARY KEY (name)
)
"""


class MigrationInvalid(Exception):
    """A file that was applied has changed since, or is none of ours; nothing was applied."""


@dataclass(frozen=True, slots=True)
class _Migration:
    name: str
    text: str
    in_transaction: bool
    checksum: str


async def prepare(admin: Connection, service: str, *, app_password: str, keeper_password: str) -> None:
    """
    Create the database and the roles of a service; what is there stays, passwords are set anew.

    Args:
        admin: Connected to the database `postgres` as a role that may create databases and roles.
        service: For example `contacts`.
        app_password: Of the role for requests.
        keeper_password: Of the role for mirror, readers and effects.
    """
    owner, keeper = f"rapport_{service}_owner", f"rapport_{service}_keeper"
    await prepare_database(admin, service, {"app": app_password, "keeper": keeper_password})
    # Migrations give functions and read models to the keeper, and may change them later.
    await admin.execute(f"GRANT {keeper} TO {owner} WITH INHERIT TRUE, SET TRUE")


async def prepare_database(admin: Connection, name: str, passwords: Mapping[str, str]) -> None:
    """Create a database `rapport_<name>`, its owner, and login roles `rapport_<name>_<login>`, who alone connect."""
    if not _SERVICE.fullmatch(name) or not all(_SERVICE.fullmatch(login) for login in passwords):
        msg = "names of services and roles are lower-case letters, digits and underscores"
        raise ValueError(msg)
    database = f"rapport_{name}"
    owner = f"{database}_owner"
    await _create(admin, "pg_roles WHERE rolname", owner, f"CREATE ROLE {owner} NOLOGIN")
    await admin.execute(f"GRANT {owner} TO CURRENT_USER WITH SET TRUE")
    await _create(admin, "pg_database WHERE datname", database, f"CREATE DATABASE {database} OWNER {owner}")
    await admin.execute(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
    for login, password in passwords.items():
        role = f"{database}_{login}"
        await _create(admin, "pg_roles WHERE rolname", role, f"CREATE ROLE {role}")
        quoted = await admin.fetchval("SELECT quote_literal($1::text)", password)
        await admin.execute(f"ALTER ROLE {role} LOGIN PASSWORD {quoted}")
        await admin.execute(f"GRANT CONNECT ON DATABASE {database} TO {role}")


async def migrate(
    admin_dsn: str, service: str, folders: Sequence[Traversable], *, extensions: Collection[str] = ()
) -> list[str]:
    """
    Apply what is new in the folders, in their order and that of the files' numbers, as the service's owner.

    Args:
        admin_dsn: The service's database, as a role that may act as its owner.
        service: For example `contacts`.
        folders: Each with files `0001_name.sql`; `{service}` in them becomes the service's name.
        extensions: Trusted extensions that the files need.

    Returns:
        Names of the files applied; empty when all is up to date.

    Raises:
        MigrationInvalid: An applied file was changed, or a file is not in the agreed form.
    """
    migrations = [_read(folder.name, file, service) for folder in folders for file in _files(folder)]
    connection = await asyncpg.connect(admin_dsn, timeout=10)
    try:
        await connection.execute("SET lock_timeout = '60s'")
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        await connection.execute("SET lock_timeout = '5s'")
        await connection.execute(f"SET ROLE rapport_{service}_owner")
        for extension in extensions:
            await connection.execute(f'CREATE EXTENSION IF NOT EXISTS "{extension}"')
        await connection.execute(_TABLE)
        return await _apply(connection, migrations)
    finally:
        await connection.close(timeout=10)


def checksums(folders: Sequence[Traversable]) -> dict[str, str]:
    """Return the files of these folders by name, with the checksum that an applied one has in the database."""
    migrations = [_read(folder.name, file, "") for folder in folders for file in _files(folder)]
    return {migration.name: migration.checksum for migration in migrations}


async def _apply(connection: Connection, migrations: Sequence[_Migration]) -> list[str]:
    rows = await connection.fetch("SELECT name, checksum FROM migrations")
    applied = {row["name"]: row["checksum"] for row in rows}
    for migration in migrations:
        if applied.get(migration.name, migration.checksum) != migration.checksum:
            msg = f"{migration.name} was changed after it had been applied"
            raise MigrationInvalid(msg)
    new = [migration for migration in migrations if migration.name not in applied]
    for migration in new:
        note = ("INSERT INTO migrations (name, checksum) VALUES ($1, $2)", migration.name, migration.checksum)
        if not migration.in_transaction:
            await connection.execute(migration.text)
            await connection.execute(*note)
            continue
        async with connection.transaction():
            await connection.execute(migration.text)
            await connection.execute(*note)
    return [migration.name for migration in new]


def _files(folder: Traversable) -> list[Traversable]:
    return sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)


def _read(folder: str, file: Traversable, service: str) -> _Migration:
    text = file.read_text(encoding="utf-8")
    begin = _UP.search(text)
    if begin is None or not _NAME.fullmatch(file.name):
        msg = f"{folder}/{file.name} is not `0001_name.sql` with a line `-- migrate:up`"
        raise MigrationInvalid(msg)
    end = _DOWN.search(text)
    return _Migration(
        name=f"{folder}/{file.name}",
        text=text[begin.end() : end.start() if end else None].replace("{service}", service),
        in_transaction="transaction:false" not in begin["flags"],
        checksum=hashlib.sha256(text.encode()).hexdigest(),
    )


async def _create(admin: Connection, catalogue: str, name: str, statement: str) -> None:
    if not await admin.fetchval(f"SELECT EXISTS (SELECT FROM {catalogue} = $1)", name):  # noqa: S608 - ours, all of it
        await admin.execute(statement)
