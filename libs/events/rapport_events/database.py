"""Pools of database connections with limits on every wait."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import asyncpg

if TYPE_CHECKING:
    Pool = asyncpg.Pool[asyncpg.Record]
    PooledConnection = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    Connection = asyncpg.Connection[asyncpg.Record] | PooledConnection
else:
    Pool = asyncpg.Pool
    PooledConnection = object
    Connection = object

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
        connections_max: A `PostgresLedger` keeps two of them for itself while it runs.
        statement_seconds: How long one statement may take.
        settings: Of each connection, on top of the limits.
    """
    return await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=connections_max,
        timeout=10,
        # The server ends what takes too long; this is for one that does not answer at all.
        command_timeout=statement_seconds + 10,
        server_settings={
            "application_name": name,
            "statement_timeout": f"{statement_seconds * 1_000:.0f}",
            **_TIMEOUTS,
            **(settings or {}),
        },
    )
