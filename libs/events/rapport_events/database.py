"""Pools of database connections with limits on every wait."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import asyncpg

if TYPE_CHECKING:
    Pool = asyncpg.Pool[asyncpg.Record]
    PooledConnection = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    Connection = asyncpg.Connection[asyncpg.Record] | PooledConnection
else:
    Pool = asyncpg.Pool
    PooledConnection = object
    Connection = object

CONNECT_SECONDS: Final = 5
"""How long to wait for a connection that is free, or for a new one."""
GRACE_SECONDS: Final = 1
"""The server ends what takes too long; so much later we take it to be silent."""

_TIMEOUTS = {
    # A group of appends that waits for a partition's lock gives up before the client does.
    "lock_timeout": "5s",
    # A reader's transaction lasts at most 10 s; nobody else keeps one open across a wait.
    "idle_in_transaction_session_timeout": "10s",
}


async def open_pool(
    dsn: str,
    *,
    name: str,
    connections_max: int = 8,
    statement_seconds: float = 20,
    settings: Mapping[str, str] | None = None,
) -> Pool:
    """
    Open a pool whose connections time out instead of waiting for ever.

    Args:
        dsn: Role, password and database.
        name: Shown in pg_stat_activity, for example `contacts.http`.
        connections_max: A `PostgresLedger` keeps three of them for itself while it runs.
        statement_seconds: How long one statement may take.
        settings: Of each connection, on top of the limits.
    """
    return await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=connections_max,
        timeout=CONNECT_SECONDS,
        command_timeout=statement_seconds + GRACE_SECONDS,
        server_settings={
            "application_name": name,
            "statement_timeout": f"{statement_seconds * 1_000:.0f}",
            **_TIMEOUTS,
            **(settings or {}),
        },
    )


@asynccontextmanager
async def borrow(pool: Pool, *, seconds: float = CONNECT_SECONDS) -> AsyncGenerator[PooledConnection]:
    """
    Give a connection, which is closed if it did not answer in time.

    A pool alone would ask the server to cancel what it does, wait for that, and hand the connection to the next caller:
    behind a network that swallows everything each one would cost a caller its whole time, long after it came back.
    """
    connection = await pool.acquire(timeout=seconds)
    try:
        yield connection
    except (TimeoutError, asyncio.CancelledError):
        connection.terminate()
        raise
    finally:
        await pool.release(connection, timeout=seconds)


async def fetch(pool: Pool, statement: str, *values: object) -> "list[asyncpg.Record]":
    """Return the rows of one statement, on a connection of a pool."""
    async with borrow(pool) as connection:
        return await connection.fetch(statement, *values)
