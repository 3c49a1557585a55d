"""Which errors mean that the database is away or busy, so that the same work is tried again, unchanged."""

import asyncpg

from rapport_events.keyring import KeyringAway
from rapport_events.ledger import LedgerShut

_AWAY: tuple[type[Exception], ...] = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.CannotConnectNowError,
    asyncpg.ReadOnlySQLTransactionError,
    LedgerShut,
    KeyringAway,
    ConnectionError,
    OSError,
    TimeoutError,
)
"""Connection lost or refused; server shutting down, demoted or full; deadlock, serialization, a lock or time limit."""


def is_away(error: BaseException) -> bool:
    """Say whether to wait and repeat; asyncpg's complaints about values are InterfaceErrors too, but no such case."""
    is_our_mistake = isinstance(error, ValueError) or str(error).startswith("the server expects")
    return isinstance(error, _AWAY) and not is_our_mistake
