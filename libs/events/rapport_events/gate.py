"""Shut a ledger when its numbers may have been used twice, and open it on the server that was compared."""

from dataclasses import dataclass
from datetime import datetime

from rapport_events.database import Connection
from rapport_events.statements import load


@dataclass(frozen=True, slots=True)
class ServerIdentity:
    """Which server holds the rows: a restore, a failover or a restart changes one of these."""

    system_identifier: int
    timeline: int
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the ledger knows of itself; `server` is where it was opened last, None before the first time."""

    era: int
    is_open: bool
    server: ServerIdentity | None


async def read_server_identity(connection: Connection) -> ServerIdentity:
    """Say which server this connection reaches."""
    [row] = await connection.fetch(load("rapport_events", "ledger/server_identity"))
    return ServerIdentity(row["system_identifier"], row["timeline"], row["started_at"])


async def read_remembered(connection: Connection) -> Remembered:
    """Say on which server the ledger was opened last, and whether somebody has shut it since."""
    [row] = await connection.fetch(load("rapport_events", "ledger/remembered"))
    server = None
    if row["server_started_at"] is not None:
        server = ServerIdentity(row["system_identifier"], row["timeline"], row["server_started_at"])
    return Remembered(row["era"], row["is_open"], server)


async def shut(connection: Connection) -> None:
    """
    Take no appends from now on; when this returns, none is under way.

    Args:
        connection: As keeper, outside a transaction.
    """
    await connection.execute(load("rapport_events", "ledger/shut"))


async def reopen(connection: Connection, compared: ServerIdentity | None = None) -> bool:
    """
    Take appends again.

    Args:
        connection: As keeper.
        compared: The server whose rows were compared with the topic; that of the connection if absent.

    Returns:
        False if the server has been restarted since; then compare again.
    """
    server = compared or await read_server_identity(connection)
    row = await connection.fetchrow(
        load("rapport_events", "ledger/reopen"), server.system_identifier, server.timeline, server.started_at
    )
    return row is not None
