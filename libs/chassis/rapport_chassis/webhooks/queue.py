"""What waits for one webhook: taken from the ledger in order, kept until it is delivered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from rapport_chassis.webhooks.sending import Verdict
from rapport_chassis.webhooks.view import Endpoint
from rapport_events.database import Connection, Pool
from rapport_events.envelope import Recorded
from rapport_events.feed import Filter, Page, Place, place_at, read_page
from rapport_events.postgres_ledger import recorded_of
from rapport_events.statements import load

WAITING_MAX: Final = 1_000
"""With so many waiting no more are taken from the ledger: the place there is as good."""
PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class Due:
    """An event that is to be delivered now."""

    event: Recorded
    attempts: int
    """How often it was tried before."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of an attempt."""

    due: Due
    verdict: Verdict
    state: str
    next_at: datetime


class Queue:
    """The deliveries of one webhook."""

    def __init__(self, service: str, pool: Pool, endpoint: Endpoint) -> None:
        self._service = service
        self._pool = pool
        self._endpoint = endpoint
        self._whose = (endpoint.tenant, endpoint.webhook_id)
        self.has_failed = False
        """Whether a delivery has failed for the last time; known once the queue was filled."""

    async def fill(self, now: datetime) -> int:
        """
        Take what is next in the ledger, unless much is waiting already; the cursor moves with it.

        Returns:
            By how many events the queue has grown.
        """
        place = await self._place(now)
        async with self._pool.acquire() as connection:
            [row] = await connection.fetch(_sql("waiting"), *self._whose)
            self.has_failed = row["has_failed"]
            if row["waiting"] >= WAITING_MAX:
                return 0
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                page = await read_page(
                    connection,
                    self._service,
                    self._endpoint.tenant,
                    place,
                    Filter.of(self._endpoint.types),
                    limit=PAGE,
                )
            if page.after == place:
                return 0
            async with connection.transaction():
                return await self._take(connection, place, page, now)

    async def due(self, now: datetime, limit: int) -> list[Due]:
        """Return what is to be delivered now: of each customer one event, for the next waits for it."""
        rows = await self._pool.fetch(_sql("due"), *self._whose, now, limit)
        return [Due(recorded_of(self._service, row), row["attempts"]) for row in rows]

    async def settle(self, tried: Sequence[Tried], now: datetime) -> None:
        """Write down what became of attempts."""
        rows = [
            (
                each.due.event.partition,
                each.due.event.position,
                each.state,
                each.next_at,
                each.verdict.status,
                each.verdict.error,
            )
            for each in tried
        ]
        await self._pool.execute(_sql("settle"), *self._whose, now, *map(list, zip(*rows, strict=True)))

    async def _place(self, now: datetime) -> Place:
        """Return where the webhook has come to; first begin where it was told to, if that is new."""
        endpoint = self._endpoint
        async with self._pool.acquire() as connection, connection.transaction():
            [row] = await connection.fetch(_sql("cursor"), *self._whose)
            has_begun = row["positions"] is not None
            if not has_begun or row["rewinds"] < endpoint.rewinds:
                place = await place_at(connection, self._service, endpoint.since)
            else:
                place = Place(self._service, row["era"], tuple(row["positions"]))
                if row["restarts"] >= endpoint.restarts:
                    return place
            if has_begun:
                await connection.execute(_sql("revive"), *self._whose, now)
            marks = (list(place.positions), endpoint.rewinds, endpoint.restarts)
            await connection.execute(_sql("place"), *self._whose, *marks)
            return place

    async def _take(self, connection: Connection, place: Place, page: Page, now: datetime) -> int:
        before, after = list(place.positions), list(page.after.positions)
        if await connection.fetchval(_sql("move"), *self._whose, before, after) is None:
            return 0  # Another process delivers by now.
        rows = [(event.partition, event.position, event.event_id, event.type, event.subject) for event in page.events]
        if rows:
            await connection.execute(_sql("queue"), *self._whose, now, *map(list, zip(*rows, strict=True)))
        return len(rows)


def _sql(name: str) -> str:
    return load("rapport_chassis", f"webhooks/{name}")
