"""Sends groups of requests to the append function, again when the database was away, and wakes the mirror."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Self

import asyncpg
import structlog

from rapport_events.database import Connection, Pool, PooledConnection
from rapport_events.faults import is_away
from rapport_events.gate import read_condition
from rapport_events.grouping import Answer
from rapport_events.ledger import Appended, LedgerShut, Outcome, Place
from rapport_events.packing import WITHIN_MAX, Request, check, pack, unpack
from rapport_events.statements import load

TRIES = 6
"""How often a group is sent when the database is away or busy; the waits in between add up to 1.5 s."""
WAIT_SECONDS = 0.05
ACQUIRE_SECONDS = 5
ANSWER_SECONDS = 8
"""Longer than any wait for a lock; a connection that is silent for so long is closed, and the group sent again."""
WAKE_PAUSE_SECONDS = 0.005
"""One notification of the mirror stands for all commits of this time."""

_SHUT = "RA003"
_BROKEN = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, ValueError)
"""A value in the group is at fault, not the database; what asyncpg itself cannot encode is a ValueError."""

FindPlaces = Callable[[Request], Awaitable[tuple[Place, ...] | None]]
log = structlog.get_logger()


async def append_within(connection: Connection, requests: Sequence[Request]) -> list[Outcome]:
    """
    Append inside the caller's transaction, as its last act; outside of one, in a transaction of its own.

    The partitions' locks are held until the commit.

    Args:
        connection: In READ COMMITTED, as app or keeper; once in a transaction.
        requests: 1 to 10,000, each with its tenant; decided one after another, in order.

    Raises:
        LedgerShut: Appends are closed until the mirror has compared ledger and topic.
        ValueError: A request must never reach a ledger (see `Ledger.append`).
    """
    check(requests, WITHIN_MAX)
    return await _call_append(connection, requests)


async def _call_append(connection: Connection, requests: Sequence[Request]) -> list[Outcome]:
    try:
        rows = await connection.fetch(load("rapport_events", "ledger/append"), *pack(requests))
    except asyncpg.PostgresError as error:
        if error.sqlstate == _SHUT:
            raise LedgerShut from error
        raise
    return unpack(rows, len(requests))


class Appender:
    """One connection that appends for all concurrent callers of a process; more would make the groups smaller."""

    def __init__(self, service: str, pool: Callable[[], Pool], find_places: FindPlaces) -> None:
        """
        Name what it works with.

        Args:
            service: Whose ledger it is.
            pool: Where connections come from.
            find_places: Says where the events of a request lie, if they are in the ledger.
        """
        self._service = service
        self._pool = pool
        self._find_places = find_places
        self._kept = _Kept(pool)
        self._in_doubt = False
        self._appended = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Begin; connections are made when they are needed."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Give the connection back."""
        await self._kept.release()

    async def send(self, requests: Sequence[Request]) -> list[Answer]:
        """
        Send a group; if it fails for a value in it, each request alone.

        While the database is away or busy the same events are sent again under the same keys. Whether the lost answer
        belonged to a commit is then in doubt, so what seems refused is looked up by its events' ids.
        """
        self._in_doubt = False
        answers = await self._answers(requests)
        self._appended.set()
        if not self._in_doubt:
            return answers
        pairs = zip(requests, answers, strict=True)
        return [await self._settle(request, answer) for request, answer in pairs]

    async def wake_mirror(self) -> None:
        """Notify after commits, from a connection of its own: inside them it would put all commits in a line."""
        waker = _Kept(self._pool)
        try:
            while True:
                await self._appended.wait()
                self._appended.clear()
                try:
                    connection = await waker.get()
                    await connection.execute(load("rapport_events", "ledger/wake"), timeout=ACQUIRE_SECONDS)
                except Exception as error:
                    if isinstance(error, TimeoutError):
                        waker.close()
                    if not is_away(error):
                        raise
                    log.warning("mirror_not_woken", service=self._service, cause=type(error).__name__)
                await asyncio.sleep(WAKE_PAUSE_SECONDS)
        finally:
            await waker.release()

    async def _answers(self, requests: Sequence[Request]) -> list[Answer]:
        try:
            return [*await self._send_again(requests)]
        except _BROKEN as error:
            if len(requests) == 1:
                return [error]
            return [answer for request in requests for answer in await self._answers([request])]
        except Exception as error:
            if isinstance(error, LedgerShut):
                error.reason = await self._reason()
            elif not is_away(error):
                raise
            return [error for _ in requests]

    async def _reason(self) -> str | None:
        """Say why the ledger stays shut; None where it opens by itself, or where that cannot be read."""
        try:
            condition = await read_condition(await self._kept.get())
        except Exception as error:
            if not is_away(error):
                raise
            return None
        return condition.reason or "shut" if condition.needs_operator else None

    async def _send_again(self, requests: Sequence[Request]) -> list[Outcome]:
        for attempt in range(1, TRIES + 1):
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    return await _call_append(await self._kept.get(), requests)
            except Exception as error:
                if isinstance(error, TimeoutError):
                    self._kept.close()
                if not is_away(error) or attempt == TRIES:
                    raise
                self._in_doubt = True
                log.warning("append_repeated", service=self._service, cause=type(error).__name__)
            await asyncio.sleep(WAIT_SECONDS * 2 ** (attempt - 1))
        raise AssertionError

    async def _settle(self, request: Request, answer: Answer) -> Answer:
        """Say `Appended` where the events of a request that seems refused are in the ledger after all."""
        if isinstance(answer, Appended):
            return answer
        try:
            places = await self._find_places(request)
        except Exception as error:
            if not is_away(error):
                raise
            return answer if isinstance(answer, Exception) else error
        return Appended(places) if places is not None else answer


class _Kept:
    """One connection of a pool, kept until it is lost."""

    def __init__(self, pool: Callable[[], Pool]) -> None:
        self._pool = pool
        self._connection: PooledConnection | None = None

    async def get(self) -> PooledConnection:
        """Return the connection, or a new one where it is lost."""
        if self._connection is None or _is_lost(self._connection):
            await self.release()
            self._connection = await self._pool().acquire(timeout=ACQUIRE_SECONDS)
        return self._connection

    def close(self) -> None:
        """End a connection that is silent, without asking the server for anything."""
        if self._connection is not None and not _is_lost(self._connection):
            self._connection.terminate()

    async def release(self) -> None:
        """Give it back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await self._pool().release(connection, timeout=ACQUIRE_SECONDS)


def _is_lost(connection: PooledConnection) -> bool:
    """Say whether a connection is closed; a pool takes back by itself one whose server process has ended."""
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        return True
