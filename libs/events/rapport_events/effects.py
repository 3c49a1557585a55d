"""The one gate for effects: what was decided is done outside under a key, and its receipt ends it for ever."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Protocol
from uuid import UUID

import asyncpg
import msgspec
import structlog
from prometheus_client import Counter

from rapport_events.clock import Clock, wall_clock
from rapport_events.contracts.base import Event
from rapport_events.contracts.workflow import (
    EffectFailed,
    EffectKind,
    EffectPerformed,
    EffectSkippedDuplicate,
    SendApproved,
)
from rapport_events.database import Connection, Pool
from rapport_events.faults import is_away
from rapport_events.ids import TenantId, named_id, partition_of_stream
from rapport_events.ledger import CauseAhead, ClaimRef, LedgerShut, VersionConflict
from rapport_events.postgres_ledger import append_within
from rapport_events.reactions import Cause, caused_append, correlation_of
from rapport_events.statements import load
from rapport_events.view import Batch, View

log = structlog.get_logger()

EFFECTS = Counter("rapport_effects", "Effects that were tried, by what came of it.", ["kind", "outcome"])

EFFECTS_AT_ONCE = 8
LEASE_SECONDS = 60.0
"""For so long one gate alone works on an effect; whoever died while doing so is stood in for afterwards."""
PERFORM_SECONDS = 30
"""Shorter than the lease: nobody else may begin while a provider is still asked."""
ATTEMPTS_MAX = 12
BACKOFF_SECONDS = 10
BACKOFF_SECONDS_MAX = 3_600
IDLE_SECONDS = 0.25
PAUSE_SECONDS_MAX = 5.0
RECEIPT_TRIES = 8


class Decided(msgspec.Struct):
    """A decision to act; its key is the id of what is sent."""

    send_id: UUID


class Ended(msgspec.Struct):
    """A receipt."""

    effect_key: UUID


Key = tuple[str, UUID]
"""Tenant and key of the effect."""
Row = tuple[str, UUID, str, str, str, int, UUID, str, str, datetime]


@dataclass(slots=True)
class Changes:
    """Effects that a batch decides, and those that it ends."""

    decided: dict[Key, Row]
    ended: list[Key]


class Effects(View[None, Changes]):
    """What is still to be done outside, one row for each effect."""

    name = "effects"
    package = "rapport_events"
    decisions: ClassVar[Mapping[type[Event], EffectKind]] = {SendApproved: "mail"}
    """The events that are decisions to act, and what they decide on."""
    reads: ClassVar = {
        SendApproved: Decided,
        EffectPerformed: Ended,
        EffectFailed: Ended,
        EffectSkippedDuplicate: Ended,
    }

    def __init__(self, rebuild: int = 1) -> None:
        super().__init__(rebuild)
        self._kinds = {event.model_fields["type"].default: kind for event, kind in self.decisions.items()}

    def keys(self, batch: Batch) -> None:
        """Touch nothing beforehand: effects are only begun and ended."""

    async def load(self, connection: Connection, keys: None) -> Changes:
        """Begin with no effects."""
        return Changes({}, [])

    def fold(self, state: Changes, batch: Batch) -> Changes:
        """Collect what is decided and what ends."""
        for fact in batch:
            event: Decided | Ended = fact.event
            if isinstance(event, Ended):
                key = (fact.tenant, event.effect_key)
                state.decided.pop(key, None)
                state.ended.append(key)
                continue
            state.decided[fact.tenant, event.send_id] = (
                fact.tenant,
                event.send_id,
                self._kinds[fact.type],
                fact.subject,
                fact.stream,
                fact.version,
                UUID(fact.event_id),
                fact.arrived.value.decode(),
                correlation_of(fact),
                fact.recorded_at,
            )
        return state

    async def write(self, connection: Connection, state: Changes) -> None:
        """Keep the ones, forget the others."""
        if state.decided:
            rows = sorted(state.decided.values())
            await connection.execute(self.sql("effects/set"), *map(list, zip(*rows, strict=True)))
        if state.ended:
            await connection.execute(self.sql("effects/drop"), *map(list, zip(*sorted(state.ended), strict=True)))


def effect_key(partition: int, *, rule: str, version: str, step: int, subject: str, trigger: str) -> UUID:
    """Return the key of an effect: the same decision always has the same, and a provider is told it."""
    return named_id(partition, "effect", rule, version, str(step), subject, trigger)


def effect_claim(key: UUID) -> ClaimRef:
    """Return the claim that makes the receipt of an effect one."""
    return ClaimRef("effect", key.bytes)


@dataclass(frozen=True, slots=True)
class Due:
    """An effect that one gate works on."""

    tenant: TenantId
    key: UUID
    kind: EffectKind
    subject: str
    stream: str
    version: int
    event_id: UUID
    decision: str
    """The data of the event that decided it (JSON)."""
    correlation_id: str
    recorded_at: datetime
    attempt: int
    """Counts tries that ended in a crash, too."""
    performed_in: str | None
    """The stream that holds the receipt already."""


@dataclass(frozen=True, slots=True)
class Performed:
    """The provider said yes."""

    provider_ref: str | None = None


@dataclass(frozen=True, slots=True)
class Impossible:
    """It cannot be done, now or later."""

    reason: str


class NotNow(Exception):
    """It cannot be done at this moment; it is tried again. The message is a code, without personal values."""


class Performer(Protocol):
    """Does one kind of effect outside. It may be asked twice for the same key, and gives the key to its provider."""

    kind: EffectKind

    async def perform(self, due: Due) -> Performed | Impossible:
        """
        Do it.

        Raises:
            NotNow: The provider is away, or asks to come again later.
        """
        ...


async def perform_once(
    pool: Pool, performers: Mapping[str, Performer], clock: Clock, *, lease_seconds: float = LEASE_SECONDS
) -> int:
    """
    Take some effects under a lease, do each of them, and write its receipt.

    The lease is committed before anything is done, and no transaction stays open meanwhile. An effect whose claim is
    taken has been done before, whatever the view shows: a replay or a rebuild does nothing.

    Args:
        pool: As keeper.
        performers: By kind; effects of other kinds wait.
        clock: Says from when what failed may be tried again.
        lease_seconds: For how long nobody else works on them.

    Returns:
        How many were taken.
    """
    rows = await pool.fetch(
        load("rapport_events", "effects/take"), list(performers), clock(), EFFECTS_AT_ONCE, lease_seconds
    )
    async with asyncio.TaskGroup() as group:
        for row in rows:
            due = _due(row)
            group.create_task(_perform(pool, performers[due.kind], due, clock))
    return len(rows)


async def perform(
    pool: Pool, performers: Sequence[Performer], clock: Clock = wall_clock, *, lease_seconds: float = LEASE_SECONDS
) -> None:
    """Keep performing until cancelled; wait while the database is away."""
    by_kind: dict[str, Performer] = {performer.kind: performer for performer in performers}
    pause = IDLE_SECONDS
    while True:
        try:
            taken = await perform_once(pool, by_kind, clock, lease_seconds=lease_seconds)
            pause = IDLE_SECONDS
        except* Exception as group:
            away, others = group.split(is_away)
            if others is not None:
                raise
            taken, pause = 0, min(pause * 2, PAUSE_SECONDS_MAX)
            log.warning("effects_wait_for_database", error=type(away).__name__)
        if taken < EFFECTS_AT_ONCE:
            await asyncio.sleep(pause)


def _due(row: asyncpg.Record) -> Due:
    names = {"tenant": row["tenant_id"], "key": row["effect_key"], "attempt": row["attempts"]}
    same = ("kind", "subject", "stream", "version", "event_id", "decision", "correlation_id", "recorded_at")
    return Due(**names, **{name: row[name] for name in (*same, "performed_in")})


async def _perform(pool: Pool, performer: Performer, due: Due, clock: Clock) -> None:
    if due.performed_in is not None:
        if due.performed_in != due.stream:
            await _write_receipt(pool, due, EffectSkippedDuplicate(effect_key=due.key, kind=due.kind), clock)
        return
    if due.attempt > ATTEMPTS_MAX:
        await _write_receipt(pool, due, _failed(due, "gave_up"), clock)
        return
    try:
        async with asyncio.timeout(PERFORM_SECONDS):
            done = await performer.perform(due)
    except Exception as error:  # noqa: BLE001  # a performer is somebody's code: whatever it raises, the others go on
        await _again(pool, due, error, clock)
        return
    receipt: Event
    if isinstance(done, Performed):
        ref = done.provider_ref
        receipt = EffectPerformed(effect_key=due.key, kind=due.kind, provider_ref=ref, attempt=due.attempt)
    else:
        receipt = _failed(due, done.reason)
    await _write_receipt(pool, due, receipt, clock)


async def _again(pool: Pool, due: Due, error: Exception, clock: Clock) -> None:
    cause = str(error) if isinstance(error, NotNow) else type(error).__name__
    log.warning("effect_postponed", kind=due.kind, attempt=due.attempt, cause=cause)
    EFFECTS.labels(due.kind, "postponed").inc()
    if due.attempt == ATTEMPTS_MAX:
        await _write_receipt(pool, due, _failed(due, "gave_up"), clock)
        return
    seconds = min(BACKOFF_SECONDS * 2 ** (due.attempt - 1), BACKOFF_SECONDS_MAX)
    not_before = clock() + timedelta(seconds=seconds)
    await pool.execute(load("rapport_events", "effects/give_back"), due.tenant, due.key, not_before)


def _failed(due: Due, reason: str) -> EffectFailed:
    return EffectFailed(effect_key=due.key, kind=due.kind, reason=reason, attempt=due.attempt)


async def _write_receipt(pool: Pool, due: Due, receipt: Event, clock: Clock) -> None:
    """
    Append a receipt with the claim of its key.

    When the stream has moved on, it is read again: with the claim taken, the receipt of another gate is there, and
    nothing is written a second time.
    """
    cause = Cause(due.tenant, due.subject, str(due.event_id), due.correlation_id, clock(), due.recorded_at)
    claim = None if isinstance(receipt, EffectSkippedDuplicate) else effect_claim(due.key)
    expected = due.version
    for _ in range(RECEIPT_TRIES):
        append = caused_append(due.stream, [receipt], cause=cause, actor="effects", claim=claim, expected=expected)
        async with pool.acquire() as connection:
            [outcome] = await append_within(connection, [(due.tenant, append)])
            if isinstance(outcome, CauseAhead):
                raise LedgerShut("an effect was decided more than 10 s ahead of this database's clock")
            if not isinstance(outcome, VersionConflict):
                EFFECTS.labels(due.kind, receipt.type.split(".")[2]).inc()
                return
            partition = partition_of_stream(due.tenant, due.stream)
            statement = load("rapport_events", "effects/version")
            expected = await connection.fetchval(statement, due.tenant, due.stream, partition)
    raise LedgerShut("the stream of an effect was changed by others again and again")
