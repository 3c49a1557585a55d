"""What failed, and whether the same work is to be tried again, unchanged: the database is away or busy."""

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any, cast

import asyncpg

from rapport_events.keyring import KeyringAway
from rapport_events.ledger import LedgerShut

_AWAY: tuple[type[Exception], ...] = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
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
"""
Connection lost or refused; server shutting down, demoted or full; deadlock, serialization, a lock or time limit.

The internal error of the client is that of a connection whose server said that it ends, and has not hung up yet.
"""


def is_away(error: BaseException) -> bool:
    """Say whether to wait and repeat; asyncpg's complaints about values are InterfaceErrors too, but no such case."""
    is_our_mistake = isinstance(error, ValueError) or str(error).startswith("the server expects")
    return isinstance(error, _AWAY) and not is_our_mistake


async def failure_of(work: Coroutine[Any, Any, object]) -> Exception | None:
    """
    Return what some work failed with, for those who try again for ever.

    A task group that fails at the moment at which it is cancelled tells of its failure only (Python 3.11): who caught
    that would never end. So the work is done in a task of its own, and this one is cancelled as it should be.
    """
    async with asyncio.TaskGroup() as group:
        attempt = group.create_task(_caught(work))
    return attempt.result()


async def _caught(work: Coroutine[Any, Any, object]) -> Exception | None:
    try:
        await work
    except Exception as error:  # noqa: BLE001  # whoever tries again decides
        return error
    return None


def leaves(error: Exception) -> Iterator[Exception]:
    """Yield the errors of groups within groups."""
    if isinstance(error, ExceptionGroup):
        for one in cast("ExceptionGroup[Exception]", error).exceptions:
            yield from leaves(one)
    else:
        yield error
