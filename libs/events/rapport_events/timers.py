"""Durable timers: events like all others, kept in a view until they are due, and fired once by an append."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar
from uuid import UUID

import asyncpg
import msgspec
import structlog
from prometheus_client import Counter

from rapport_events.clock import Clock, wall_clock
from rapport_events.contracts.base import Event
from rapport_events.contracts.workflow import TimerAbout, TimerCancelled, TimerFired, TimerScheduled
from rapport_events.database import Connection, Pool
from rapport_events.faults import is_away
from rapport_events.ids import TenantId, named_id
from rapport_events.ledger import Append, CauseAhead, LedgerShut
from rapport_events.postgres_ledger import append_within
from rapport_events.reactions import Cause, caused_append, correlation_of
from rapport_events.statements import load
from rapport_events.view import Batch, View

log = structlog.get_logger()

FIRED = Counter("rapport_timers_fired", "Timers that fired.")

TIMERS_AT_ONCE = 1_000
LEASE_SECONDS = 30
"""For so long a timer that fired is left alone, until the view has heard of it."""
IDLE_SECONDS = 0.25
PAUSE_SECONDS_MAX = 5.0
DAYS_KEPT = 7

_FIRST = (datetime.min.replace(tzinfo=UTC), UUID(int=0))


class About(msgspec.Struct):
    """What goes on then."""

    kind: str
    id: UUID


class Scheduled(msgspec.Struct):
    """A timer begins."""

    timer_id: UUID
    about: About
    due_at: datetime


class Ended(msgspec.Struct):
    """A timer fired, or was cancelled."""

    timer_id: UUID


Key = tuple[str, UUID]
"""Tenant and timer."""
Row = tuple[str, UUID, str, str, UUID, datetime, int, UUID, str, datetime]


@dataclass(slots=True)
class Changes:
    """Timers that a batch begins and ends; a timer may do both in one batch."""

    begun: dict[Key, Row]
    ended: list[Key]


class Timers(View[None, Changes]):
    """What is still to fire, one row for each timer."""

    name = "timers"
    package = "rapport_events"
    reads: ClassVar = {TimerScheduled: Scheduled, TimerFired: Ended, TimerCancelled: Ended}

    def keys(self, batch: Batch) -> None:
        """Touch nothing beforehand: timers are only begun and ended."""

    async def load(self, connection: Connection, keys: None) -> Changes:
        """Begin with no timers."""
        return Changes({}, [])

    def fold(self, state: Changes, batch: Batch) -> Changes:
        """Collect what begins and what ends."""
        for fact in batch:
            event: Scheduled | Ended = fact.event
            key = (fact.tenant, event.timer_id)
            if isinstance(event, Scheduled):
                state.begun[key] = (
                    *key,
                    fact.subject,
                    event.about.kind,
                    event.about.id,
                    event.due_at,
                    fact.version,
                    UUID(fact.event_id),
                    correlation_of(fact),
                    fact.recorded_at,
                )
            else:
                state.begun.pop(key, None)
                state.ended.append(key)
        return state

    async def write(self, connection: Connection, state: Changes) -> None:
        """Forget the ones, keep the others: a timer can be scheduled anew."""
        if state.ended:
            await connection.execute(self.sql("timers/drop"), *map(list, zip(*sorted(state.ended), strict=True)))
        if state.begun:
            rows = sorted(state.begun.values())
            await connection.execute(self.sql("timers/set"), *map(list, zip(*rows, strict=True)))


def timer_stream(timer_id: UUID) -> str:
    """Return the stream of a timer."""
    return f"timer-{timer_id}"


def timer_of(thing: UUID, *names: str) -> UUID:
    """Return the id of a thing's timer: whoever schedules or cancels it computes the same."""
    return named_id(thing.int & 0xFF, "timer", str(thing), *names)


async def fire_once(
    pool: Pool,
    clock: Clock,
    *,
    after: tuple[datetime, UUID] = _FIRST,
    timers_max: int = TIMERS_AT_ONCE,
    lease_seconds: float = LEASE_SECONDS,
) -> tuple[datetime, UUID] | None:
    """
    Fire timers that are due, in one transaction.

    Two processes never take the same timer at a time. One that was fired or cancelled already, which the view does not
    know yet, is not fired again: its stream is not where it was when the timer was scheduled.

    Args:
        pool: As keeper.
        clock: Timers that are due by it are fired; none is early.
        after: Goes on after this timer (its moment and its id).
        timers_max: 1 to 10,000.
        lease_seconds: For how long nobody else looks at them.

    Returns:
        The last timer that was taken; None where none is due any more.
    """
    now = clock()
    async with pool.acquire() as connection, connection.transaction():
        rows = await connection.fetch(
            load("rapport_events", "timers/take"), now, *after, timers_max, float(lease_seconds)
        )
        if not rows:
            return None
        outcomes = await append_within(connection, [_fire(row, now) for row in rows])
        if any(isinstance(outcome, CauseAhead) for outcome in outcomes):
            raise LedgerShut("a timer was scheduled more than 10 s ahead of this database's clock")
    FIRED.inc(len(rows))
    return rows[-1]["due_at"], rows[-1]["timer_id"]


def _fire(row: asyncpg.Record, now: datetime) -> tuple[TenantId, Append]:
    tenant = TenantId(row["tenant_id"])
    about = TimerAbout(kind=row["about_kind"], id=row["about_id"])
    fired = TimerFired(timer_id=row["timer_id"], about=about, due_at=row["due_at"])
    scheduled = Cause(tenant, row["subject"], str(row["event_id"]), row["correlation_id"], now, row["recorded_at"])
    stream, version = timer_stream(row["timer_id"]), row["version"]
    return tenant, caused_append(stream, [fired], cause=scheduled, actor="timers", expected=version)


async def fire_all(pool: Pool, clock: Clock, *, timers_max: int = TIMERS_AT_ONCE) -> None:
    """Fire everything that is due now."""
    last: tuple[datetime, UUID] | None = _FIRST
    while last is not None:
        last = await fire_once(pool, clock, after=last, timers_max=timers_max)


async def fire(pool: Pool, clock: Clock = wall_clock) -> None:
    """Keep firing until cancelled; wait while the database is away."""
    pause = IDLE_SECONDS
    while True:
        try:
            await fire_all(pool, clock)
            pause = IDLE_SECONDS
        except Exception as error:
            if not is_away(error):
                raise
            log.warning("timers_wait_for_database", error=type(error).__name__)
            pause = min(pause * 2, PAUSE_SECONDS_MAX)
        await asyncio.sleep(pause)


def is_waiting(events: Sequence[Event]) -> bool:
    """Say of what is in a timer's stream whether it still is to fire."""
    return bool(events) and isinstance(events[-1], TimerScheduled)


def cancel_timer(timer_id: UUID, about: TimerAbout, reason: str) -> tuple[str, tuple[TimerCancelled, ...]]:
    """Return the stream and the event by which a timer is taken back."""
    return timer_stream(timer_id), (TimerCancelled(timer_id=timer_id, about=about, reason=reason),)


async def forget_leases(connection: Connection, *, days: int = DAYS_KEPT) -> None:
    """Delete leases that ended some days ago."""
    await connection.execute(load("rapport_events", "timers/tidy"), days)
