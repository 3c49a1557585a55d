"""Databases for tests: each from nothing, each dropped afterwards."""

import secrets
from urllib.parse import urlsplit, urlunsplit

import asyncpg

_WAIT_SECONDS = 30


class Databases:
    """Makes databases on one server under names of their own, and drops them."""

    def __init__(self, admin_dsn: str) -> None:
        self.admin_dsn = admin_dsn

    async def make(self, *, template: str = "template0") -> str:
        """Make a database, empty or as its template is, and return its name."""
        name = f"test_{secrets.token_hex(6)}"
        await self._tell(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    async def drop(self, name: str) -> None:
        """Drop a database, whoever is still connected."""
        await self._tell(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def dsn(self, name: str, *, user: str | None = None, password: str | None = None) -> str:
        """Return the address of a database, for the superuser or for another role."""
        parts = urlsplit(self.admin_dsn)
        place = parts.netloc if user is None else f"{user}:{password}@{parts.netloc.rpartition('@')[2]}"
        return urlunsplit(parts._replace(netloc=place, path=f"/{name}"))

    async def _tell(self, sql: str) -> None:
        connection = await asyncpg.connect(self.admin_dsn, timeout=_WAIT_SECONDS)
        try:
            await connection.execute(sql, timeout=_WAIT_SECONDS)
        finally:
            await connection.close(timeout=_WAIT_SECONDS)
