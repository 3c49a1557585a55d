"""A connection of a pool for one purpose, for as long as it lives."""

from collections.abc import Callable

import asyncpg

from rapport_events.database import CONNECT_SECONDS, Pool, PooledConnection


class Kept:
    """One connection of a pool, kept until it is lost."""

    def __init__(self, pool: Callable[[], Pool]) -> None:
        self._pool = pool
        self._connection: PooledConnection | None = None

    async def get(self) -> PooledConnection:
        """Return the connection, or a new one where it is lost."""
        if self._connection is None or _is_lost(self._connection):
            await self.release()
            self._connection = await self._pool().acquire(timeout=CONNECT_SECONDS)
        return self._connection

    def close(self) -> None:
        """End a connection that is silent, without asking the server for anything."""
        if self._connection is not None and not _is_lost(self._connection):
            self._connection.terminate()

    async def release(self) -> None:
        """Give it back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await self._pool().release(connection, timeout=CONNECT_SECONDS)


def _is_lost(connection: PooledConnection) -> bool:
    """Say whether a connection is closed; a pool takes back by itself one whose server process has ended."""
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        return True
