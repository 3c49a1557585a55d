"""Shut a ledger when its numbers may have been used twice, and open it on the server that was compared."""

from dataclasses import dataclass
from datetime import datetime

from rapport_events.database import Connection
from rapport_events.statements import load

ERA_BELIEVED_SECONDS = 5.0
"""For how long somebody may still take a ledger to be in the era that it has just left."""


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


@dataclass(frozen=True, slots=True)
class Condition:
    """Whether a ledger takes appends, and if not, what its mirror or an operator has said about it."""

    era: int
    is_open: bool
    """Whether nobody has shut it. It takes appends if the server was compared, too."""
    is_compared: bool
    """Whether ledger and topic were compared since the server's start."""
    era_began_at: datetime | None
    """When it came to its era; None in the one that it was made in."""
    reason: str | None
    """Code of why it stays shut until somebody does something; None where it is open or soon will be."""
    detail: str | None
    """The same as a sentence, with places and ids."""
    since: datetime | None
    """When that was found."""

    @property
    def takes_appends(self) -> bool:
        """Whether facts can be recorded."""
        return self.is_open and self.is_compared

    @property
    def needs_operator(self) -> bool:
        """Whether it will not open by itself."""
        return not self.is_open or (self.reason is not None and not self.takes_appends)


async def read_condition(connection: Connection) -> Condition:
    """Say whether the ledger takes appends, and if not, why; as app or keeper."""
    [row] = await connection.fetch(load("rapport_events", "ledger/condition"))
    return Condition(
        era=row["era"],
        is_open=row["is_open"],
        is_compared=row["is_compared"],
        era_began_at=row["era_began_at"],
        reason=row["shut_reason"],
        detail=row["shut_detail"],
        since=row["shut_at"],
    )


async def note_shut(connection: Connection, reason: str, detail: str) -> None:
    """Write down why a ledger that takes no appends takes none; as keeper."""
    await connection.execute(load("rapport_events", "ledger/note_shut"), reason, detail)


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
        False if the server has been restarted since, or an era began a moment ago; then compare again.
    """
    server = compared or await read_server_identity(connection)
    row = await connection.fetchrow(
        load("rapport_events", "ledger/reopen"),
        *(server.system_identifier, server.timeline, server.started_at, ERA_BELIEVED_SECONDS),
    )
    return row is not None
