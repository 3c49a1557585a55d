"""The ledger in PostgreSQL, with group commit as the normal path."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from types import TracebackType
from typing import Self

import asyncpg

from rapport_events.appender import Appender, append_within
from rapport_events.database import Pool, borrow, fetch
from rapport_events.envelope import Meta, Recorded
from rapport_events.grouping import Grouper
from rapport_events.ids import EventId, TenantId, partition_of_stream
from rapport_events.ledger import Append, Claim, ClaimRef, LedgerState, Outcome, Place
from rapport_events.packing import Request, check
from rapport_events.statements import load
from rapport_events.waking import Waker

__all__ = ["PostgresLedger", "append_within", "recorded_of"]

GROUPS_AT_ONCE = 2
"""While PostgreSQL writes one, Python prepares the other; a third would only wait for locks."""
STREAMS_MAX = 5_000
EVENTS_READ_MAX = 10_000


class PostgresLedger:
    """
    A service's ledger; entered (`async with`), it also takes appends.

    While it is entered it keeps three connections for itself: two that append for all concurrent callers, and one that
    wakes the mirror.
    """

    def __init__(self, *, service: str, app: Pool | None = None, keeper: Pool | None = None) -> None:
        """
        Name the pools that it may use.

        Args:
            service: Whose ledger it is, for example `contacts`.
            app: Reads and appends for the tenants of requests; without it the keeper does.
            keeper: Reads partitions across tenants.
        """
        self.service = service
        self._app = app
        self._keeper = keeper
        self._waker = Waker(service, lambda: self._pool)
        self._appenders = [
            Appender(service, lambda: self._pool, self._find_places, self._waker.hear) for _ in range(GROUPS_AT_ONCE)
        ]
        self._grouper = Grouper([appender.send for appender in self._appenders])
        self._stack: AsyncExitStack | None = None

    async def __aenter__(self) -> Self:
        """Start taking appends."""
        stack = AsyncExitStack()
        for appender in self._appenders:
            await stack.enter_async_context(appender)
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        waking = tasks.create_task(self._waker.run())
        appending = tasks.create_task(self._grouper.run())
        appending.add_done_callback(lambda _: waking.cancel())
        self._stack = stack
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Answer those who wait, then stop."""
        stack, self._stack = self._stack, None
        await self._grouper.stop()
        if stack is not None:
            await stack.__aexit__(kind, error, trace)

    async def append(self, tenant: TenantId, requests: Sequence[Append]) -> list[Outcome]:
        """See `Ledger.append`."""
        if self._stack is None:
            msg = "a ledger takes appends only while it is entered"
            raise RuntimeError(msg)
        group = [(tenant, request) for request in requests]
        check(group)
        return await self._grouper.append(group)

    async def read_streams(
        self, tenant: TenantId, streams: Sequence[str], *, to_version: int | None = None, until: datetime | None = None
    ) -> dict[str, list[Recorded]]:
        """See `Ledger.read_streams`."""
        if len(streams) > STREAMS_MAX:
            msg = f"{len(streams)} streams are more than {STREAMS_MAX}"
            raise ValueError(msg)
        found: dict[str, list[Recorded]] = {stream: [] for stream in streams}
        partitions = [partition_of_stream(tenant, stream) for stream in found]
        rows = await fetch(
            self._pool,
            load("rapport_events", "ledger/read_streams"),
            tenant,
            partitions,
            list(found),
            to_version,
            until,
        )
        for row in rows:
            found[row["stream"]].append(self._recorded(row))
        return found

    async def find(self, tenant: TenantId, refs: Sequence[ClaimRef]) -> list[Claim | None]:
        """See `Ledger.find`."""
        rows = await fetch(
            self._pool,
            load("rapport_events", "ledger/find_claims"),
            tenant,
            [ref.kind for ref in refs],
            [ref.digest for ref in refs],
        )
        return [
            Claim(ref, row["stream"], EventId(row["event_id"])) if row["stream"] is not None else None
            for ref, row in zip(refs, rows, strict=True)
        ]

    async def read_event(self, tenant: TenantId, event_id: EventId, partition: int) -> Recorded | None:
        """See `Ledger.read_event`."""
        return await self._read_one(tenant, "ledger/read_event", partition, event_id)

    async def read_at(self, tenant: TenantId, places: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Recorded]:
        """See `Ledger.read_at`."""
        async with borrow(self._pool) as connection, connection.transaction():
            await connection.execute(load("rapport_events", "ledger/set_tenant"), tenant)
            columns = map(list, zip(*places, strict=True))
            rows = await connection.fetch(load("rapport_events", "ledger/read_at"), tenant, *columns)
        return {(row["partition"], row["position"]): self._recorded(row) for row in rows}

    async def read_partition(self, partition: int, *, after: int, limit: int) -> list[Recorded]:
        """See `Ledger.read_partition`."""
        if self._keeper is None:
            msg = "only the keeper reads across tenants"
            raise RuntimeError(msg)
        if not 0 < limit <= EVENTS_READ_MAX:
            msg = f"{limit} events: a page has 1 to {EVENTS_READ_MAX}"
            raise ValueError(msg)
        rows = await self._keeper.fetch(load("rapport_events", "ledger/read_partition"), partition, after, limit)
        return [self._recorded(row) for row in rows]

    async def read_about(
        self, tenant: TenantId, subjects: Sequence[str], partition: int, *, after: int, limit: int
    ) -> list[Recorded]:
        """See `Ledger.read_about`."""
        async with borrow(self._pool) as connection, connection.transaction():
            await connection.execute(load("rapport_events", "ledger/set_tenant"), tenant)
            rows = await connection.fetch(
                load("rapport_events", "ledger/read_about"), tenant, partition, list(subjects), after, limit
            )
        return [self._recorded(row) for row in rows]

    async def state(self) -> LedgerState:
        """See `Ledger.state`."""
        [row] = await fetch(self._pool, load("rapport_events", "ledger/state"))
        return LedgerState(era=row["era"], is_open=row["is_open"], heads=tuple(row["heads"]), reach=tuple(row["reach"]))

    @property
    def _pool(self) -> Pool:
        pool = self._app or self._keeper
        if pool is None:
            msg = "a ledger needs the app's pool or the keeper's"
            raise RuntimeError(msg)
        return pool

    async def _read_one(self, tenant: TenantId, statement: str, *place: object) -> Recorded | None:
        async with borrow(self._pool) as connection, connection.transaction():
            await connection.execute(load("rapport_events", "ledger/set_tenant"), tenant)
            row = await connection.fetchrow(load("rapport_events", statement), tenant, *place)
        return self._recorded(row) if row is not None else None

    def _recorded(self, row: asyncpg.Record) -> Recorded:
        return recorded_of(self.service, row)

    async def _find_places(self, request: Request) -> tuple[Place, ...] | None:
        """Say where the events of a request lie; None if they are not in the ledger."""
        tenant, append = request
        places: list[Place] = []
        for stream in append.streams:
            event = await self.read_event(tenant, stream.events[-1].event_id, stream.partition)
            if event is None:
                return None
            places.append(Place(event.partition, event.position, event.version))
        return tuple(places)


def recorded_of(service: str, row: asyncpg.Record) -> Recorded:
    """Return a row of `events`, with its ledger's era, as an event."""
    return Recorded(
        source=service,
        era=row["era"],
        partition=row["partition"],
        position=row["position"],
        tenant=TenantId(row["tenant_id"]),
        stream=row["stream"],
        version=row["version"],
        event_id=EventId(row["event_id"]),
        type=row["type"],
        schema=row["schema"],
        subject=row["subject"],
        data=row["data"].encode(),
        meta=Meta.from_json(row["meta"]),
        occurred_at=row["occurred_at"],
        recorded_at=row["recorded_at"],
    )
