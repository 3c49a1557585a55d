"""Records that a view cannot fold: set aside with cause, their customer's later ones behind them, others go on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
import orjson
import structlog
from prometheus_client import Counter

from rapport_events.database import Connection
from rapport_events.faults import is_away
from rapport_events.statements import load
from rapport_events.view import Arrived, Fact, Unreadable, View

log = structlog.get_logger()

PARKED = Counter("rapport_parked", "Records set aside.", ["reader", "source"])

BEHIND = "waits behind an earlier parked record of the same customer"
KEY_LENGTH_MAX = 100
"""Characters of an event's id by which an operator can name it."""


@dataclass(frozen=True, slots=True)
class Repair:
    """What an operator decided about an event; it holds for every version of a read model, and for every era."""

    decision: Literal["replace", "discard"]
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Parked:
    """A record that is to be set aside, and why."""

    arrived: Arrived
    cause: str


async def parked_customers(
    connection: Connection, view: View[object, object], records: Sequence[Fact | Unreadable]
) -> set[tuple[str, str]]:
    """
    Read whose facts must wait, for the partitions of these records.

    Call it after the checkpoints were moved: under their lock nobody can release a customer meanwhile.
    """
    sources = sorted({record.arrived.source for record in records})
    partitions = sorted({record.arrived.partition for record in records})
    rows = await connection.fetch(load("rapport_events", "reader/parked_customers"), view.reader, sources, partitions)
    return {(row["tenant_id"], row["subject"]) for row in rows}


def event_key(arrived: Arrived) -> str:
    """Return what a decision about a record is kept under: its event's id; its place where it says none that is one."""
    event_id = _keepable(arrived.headers.get("ce_id", b"").decode(errors="backslashreplace"))
    if 0 < len(event_id) <= KEY_LENGTH_MAX:
        return event_id
    return f"{arrived.era}.{arrived.partition}.{arrived.position}"


def _keepable(text: str) -> str:
    """Spell out the one character that the database does not take: a record with it must not hold up all others."""
    return text.replace("\0", r"\x00")


async def repairs_of(connection: Connection, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Repair]:
    """Read what was decided about events, by source and `event_key`."""
    if not keys:
        return {}
    rows = await connection.fetch(load("rapport_events", "parking/repairs"), *map(list, zip(*keys, strict=True)))
    return {(row["source"], row["event_id"]): Repair(row["decision"], row["value"]) for row in rows}


def mended(arrived: Arrived, repair: Repair | None) -> Arrived:
    """Return a record as it was repaired."""
    return arrived if repair is None or repair.value is None else msgspec.structs.replace(arrived, value=repair.value)


async def mend(
    connection: Connection, view: View[object, object], records: Sequence[Fact | Unreadable]
) -> Sequence[Fact | Unreadable]:
    """Leave out unreadable records that were discarded, and read those again that were replaced."""
    unreadable = [
        (record.arrived.source, event_key(record.arrived)) for record in records if isinstance(record, Unreadable)
    ]
    repairs = await repairs_of(connection, unreadable)
    if not repairs:
        return records
    kept: list[Fact | Unreadable] = []
    for record in records:
        arrived = record.arrived
        repair = repairs.get((arrived.source, event_key(arrived))) if isinstance(record, Unreadable) else None
        if repair is None:
            kept.append(record)
        elif repair.decision == "replace":
            kept.append(view.decode(mended(arrived, repair)))
    return kept


async def apply_repaired(connection: Connection, view: View[object, object], fact: Fact) -> str | None:
    """
    Fold a fact that has just failed as it was repaired, if it was.

    Returns:
        Why it cannot be folded either; None where it can, or was discarded.
    """
    key = (fact.source, event_key(fact.arrived))
    repair = (await repairs_of(connection, [key])).get(key)
    if repair is None:
        return ""
    if repair.decision == "discard":
        return None
    again = view.decode(mended(fact.arrived, repair))
    if isinstance(again, Unreadable):
        return again.cause
    try:
        async with connection.transaction():
            await view.apply(connection, [again])
    except Exception as error:  # see `apply_around`
        if is_away(error):
            raise
        return cause_of(error)
    return None


def cause_of(error: Exception) -> str:
    """Name an error without quoting values, which may be personal."""
    return f"{type(error).__module__}.{type(error).__qualname__}"


async def park(connection: Connection, reader: str, records: Sequence[Parked]) -> None:
    """Set records aside, as they came, in the caller's transaction."""
    if not records:
        return
    columns: list[list[object]] = [[] for _ in range(11)]
    for record in records:
        arrived = record.arrived
        tenant, subject = arrived.customer
        headers = {
            _keepable(name): _keepable(value.decode(errors="backslashreplace"))
            for name, value in arrived.headers.items()
        }
        row = (
            arrived.source,
            arrived.era,
            arrived.partition,
            arrived.position,
            event_key(arrived),
            tenant,
            subject,
            _keepable(arrived.type),
            _keepable(record.cause),
            orjson.dumps(headers).decode(),
            arrived.value,
        )
        for column, value in zip(columns, row, strict=True):
            column.append(value)
        PARKED.labels(reader, arrived.source).inc()
        log.warning(
            "record_parked",
            reader=reader,
            source=arrived.source,
            partition=arrived.partition,
            position=arrived.position,
            type=arrived.type,
            cause=record.cause,
        )
    await connection.execute(load("rapport_events", "reader/park"), reader, *columns)


async def apply_around(
    connection: Connection, view: View[object, object], facts: Sequence[Fact], waiting: set[tuple[str, str]]
) -> list[Parked]:
    """
    Fold a batch in which some fact fails, by halves, until the failing ones stand alone.

    Args:
        waiting: Customers whose facts must be parked; grows as facts fail.

    Returns:
        What must be parked: the facts that failed, and those of the same customers behind them.
    """
    parked: list[Parked] = []
    ready: list[Fact] = []
    for fact in facts:
        if (fact.tenant, fact.subject) in waiting:
            parked.append(Parked(fact.arrived, BEHIND))
        else:
            ready.append(fact)
    if not ready:
        return parked
    try:
        async with connection.transaction():
            await view.apply(connection, ready)
    except Exception as error:  # the fold is somebody's code: whatever it raises, other customers go on
        if is_away(error):
            raise
        if len(ready) == 1:
            cause = await apply_repaired(connection, view, ready[0])
            if cause is None:
                return parked
            if view.is_ordered:
                waiting.add((ready[0].tenant, ready[0].subject))
            return [*parked, Parked(ready[0].arrived, cause or cause_of(error))]
        middle = len(ready) // 2
        parked += await apply_around(connection, view, ready[:middle], waiting)
        parked += await apply_around(connection, view, ready[middle:], waiting)
    return parked
