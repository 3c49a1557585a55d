"""Forget the answers to idempotency keys when nobody can repeat their commands any more."""

from rapport_events.database import Connection
from rapport_events.statements import load

DAYS_KEPT = 30
ROWS_MAX = 10_000


async def forget_commands(connection: Connection, *, days: int = DAYS_KEPT) -> int:
    """
    Delete answers older than some days, a bounded number at a time.

    Claims stay for ever: they make an import idempotent next year.

    Args:
        connection: As keeper.
        days: Age of the oldest answer that is kept.

    Returns:
        How many were deleted; call again while it is 10,000.
    """
    status = await connection.execute(load("rapport_events", "ledger/forget_commands"), days, ROWS_MAX)
    return int(status.rpartition(" ")[2])
