"""Has customers decided anew in small batches: all of them after a definition, and those whose consent has ended."""

import asyncio
from datetime import UTC, datetime
from typing import Final, cast

import structlog

from rapport_analytics.segment_marks import SEGMENTS, mark_for_segments
from rapport_chassis.chores import Aid
from rapport_events.database import Connection, Pool
from rapport_events.faults import is_away
from rapport_events.ids import CustomerId, TenantId
from rapport_events.marks import Mark
from rapport_events.statements import load

log = structlog.get_logger()

CUSTOMERS_AT_ONCE: Final = 1_000
MARKS_WAITING_MAX: Final = 5_000
"""With more marks waiting than that, none are added: facts that have just happened are decided first."""
BUSY_SECONDS: Final = 0.05
IDLE_SECONDS: Final = 1.0


async def sweep(aid: Aid) -> None:
    """Mark customers until cancelled; wait while the database is away."""
    while True:
        marked = 0
        try:
            marked = await sweep_once(aid.pool) + await end_consents_once(aid.pool)
        except Exception as error:
            if not is_away(error):
                raise
            log.warning("sweep_waits_for_database", error=type(error).__name__)
        await asyncio.sleep(BUSY_SECONDS if marked else IDLE_SECONDS)


async def sweep_once(pool: Pool) -> int:
    """
    Mark the next customers whom a new definition concerns.

    Returns:
        How many; 0 means that there is nothing to do, or that enough wait already.
    """
    async with pool.acquire() as connection, connection.transaction():
        sweep = await connection.fetchrow(load("rapport_analytics", "segments/take_sweep"), MARKS_WAITING_MAX)
        if sweep is None:
            return 0
        tenant, segment = TenantId(sweep["tenant_id"]), sweep["segment_id"]
        statement = load("rapport_analytics", "segments/next_customers")
        rows = await connection.fetch(statement, tenant, sweep["customer"], CUSTOMERS_AT_ONCE)
        await _mark(connection, [(tenant, row["customer"]) for row in rows])
        if len(rows) < CUSTOMERS_AT_ONCE:
            await connection.execute(load("rapport_analytics", "segments/end_sweep"), tenant, segment)
        else:
            last = rows[-1]["customer"]
            await connection.execute(load("rapport_analytics", "segments/move_sweep"), tenant, segment, last)
        return len(rows)


async def end_consents_once(pool: Pool) -> int:
    """Mark the customers whose consent has ended by itself since this was done last; return how many."""
    async with pool.acquire() as connection, connection.transaction():
        watched = await connection.fetchrow(load("rapport_analytics", "segments/watched"))
        until, now = cast("tuple[datetime, datetime]", tuple(watched or ()))
        rows = await connection.fetch(load("rapport_analytics", "segments/ended_consents"), until, now)
        await _mark(connection, [(TenantId(row["tenant_id"]), row["customer"]) for row in rows])
        await connection.execute(load("rapport_analytics", "segments/watch"), now)
        return len(rows)


async def _mark(connection: Connection, customers: list[tuple[TenantId, CustomerId]]) -> None:
    now = datetime.now(UTC)
    marks = [Mark(tenant, who, now) for tenant, who in customers]
    await mark_for_segments(connection, marks, reader=SEGMENTS)
