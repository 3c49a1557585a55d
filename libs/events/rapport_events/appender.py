"""Sends groups of requests to the append function, again when the database was away."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Self

import asyncpg
import structlog

from rapport_events.database import Connection, Pool
from rapport_events.faults import is_away
from rapport_events.gate import read_condition
from rapport_events.grouping import Answer
from rapport_events.kept import Kept
from rapport_events.ledger import Appended, LedgerShut, Outcome, Place
from rapport_events.packing import WITHIN_MAX, Request, check, pack, unpack
from rapport_events.statements import load

TRIES = 6
"""How often a group is sent when the database is away or busy; the waits in between add up to 1.5 s."""
WAIT_SECONDS = 0.05
ANSWER_SECONDS = 8
"""Longer than any wait for a lock; a connection that is silent for so long is closed, and the group sent again."""

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
    """One connection that appends, a group at a time."""

    def __init__(
        self, service: str, pool: Callable[[], Pool], find_places: FindPlaces, appended: Callable[[], None]
    ) -> None:
        """
        Name what it works with.

        Args:
            service: Whose ledger it is.
            pool: Where connections come from.
            find_places: Says where the events of a request lie, if they are in the ledger.
            appended: Hears that a group was sent.
        """
        self._service = service
        self._pool = pool
        self._find_places = find_places
        self._kept = Kept(pool)
        self._appended = appended
        self._in_doubt = False

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
        self._appended()
        if not self._in_doubt:
            return answers
        pairs = zip(requests, answers, strict=True)
        return [await self._settle(request, answer) for request, answer in pairs]

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
