"""Release parked records: try them again in order, under the lock of the checkpoint, as soon as somebody wishes it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import asyncpg
import structlog
from prometheus_client import Counter

from rapport_events.database import Connection, Pool
from rapport_events.faults import is_away
from rapport_events.keyring import Keyring
from rapport_events.parking import Repair, cause_of, mended, repairs_of
from rapport_events.statements import load
from rapport_events.view import Arrived, Fact, View

log = structlog.get_logger()

RELEASED = Counter("rapport_released", "Parked records that were folded after all, or discarded.", ["reader", "how"])

AT_ONCE: Final = 500
"""Records of one customer in one transaction at most, so that it stays below what a reader's may last."""

How = Literal["folded", "replaced", "discarded"]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A customer whose records one read model has set aside."""

    reader: str
    tenant: str
    subject: str
    partition: int

    @property
    def is_in_order(self) -> bool:
        """Whether it is known whose they are: records that do not say it wait behind nobody."""
        return bool(self.subject)


@dataclass(frozen=True, slots=True)
class Held:
    """A parked record, as it came."""

    arrived: Arrived
    event_id: str
    cause: str

    @property
    def place(self) -> tuple[str, int, int, int]:
        """Source, era, partition and position."""
        arrived = self.arrived
        return (arrived.source, arrived.era, arrived.partition, arrived.position)


async def wanted(pool: Pool) -> list[Waiting]:
    """Return the customers of whose records somebody wishes that they be tried again."""
    rows = await pool.fetch(load("rapport_events", "parking/wanted"))
    return [Waiting(row["reader"], row["tenant_id"], row["subject"], row["partition"]) for row in rows]


async def release_wanted(pool: Pool, views: Mapping[str, View[Any, Any]], keyring: Keyring | None) -> None:
    """Try again what somebody wished; what read models of other versions have set aside is left to who knows them."""
    for customer in await wanted(pool):
        view = views.get(customer.reader)
        if view is not None:
            await release(pool, view.again(view.rebuild), keyring, customer)


async def release(pool: Pool, view: View[Any, Any], keyring: Keyring | None, customer: Waiting) -> int:
    """
    Fold a customer's parked records in their order, up to the first that still cannot be folded.

    Returns:
        How many are parked no longer.
    """
    total = 0
    while True:
        held = await _held(pool, customer)
        facts = [fact for each in held if isinstance(fact := view.decode(each.arrived), Fact)]
        try:
            if keyring is not None:
                await view.prepare(facts, keyring)
            async with pool.acquire() as connection, connection.transaction():
                # Nobody parks another record of this customer behind those that are released here.
                await connection.execute(load("rapport_events", "parking/lock"), customer.reader, customer.partition)
                if [each.place for each in await _held(connection, customer)] != [each.place for each in held]:
                    continue
                done, failed = await _try(connection, view, held, is_in_order=view.is_ordered and customer.is_in_order)
                await _note(connection, customer, done, failed)
        finally:
            view.forget()
        total += len(done)
        if failed or len(held) < AT_ONCE:
            return total


Done = list[tuple[Held, How]]
Failed = list[tuple[Held, str]]


async def _try(
    connection: Connection, view: View[Any, Any], held: Sequence[Held], *, is_in_order: bool
) -> tuple[Done, Failed]:
    """Fold records one by one; in order nothing follows the first that fails."""
    repairs = await repairs_of(connection, [(each.arrived.source, each.event_id) for each in held])
    done: Done = []
    failed: Failed = []
    for each in held:
        how, cause = await _fold(connection, view, each, repairs.get((each.arrived.source, each.event_id)))
        if how is not None:
            done.append((each, how))
            continue
        failed.append((each, cause))
        if is_in_order:
            break
    return done, failed


async def _fold(
    connection: Connection, view: View[Any, Any], held: Held, repair: Repair | None
) -> tuple[How | None, str]:
    if repair is not None and repair.decision == "discard":
        return "discarded", ""
    fact = view.decode(mended(held.arrived, repair))
    if not isinstance(fact, Fact):
        return None, fact.cause
    try:
        async with connection.transaction():
            await view.apply(connection, [fact])
    except Exception as error:  # a fold is somebody's code: whatever it raises, the record stays parked
        if is_away(error):
            raise
        return None, cause_of(error)
    return ("folded" if repair is None else "replaced"), ""


async def _note(connection: Connection, customer: Waiting, done: Done, failed: Failed) -> None:
    statement = load("rapport_events", "parking/released")
    if done:
        places = [list(column) for column in zip(*(each.place for each, _ in done), strict=True)]
        await connection.execute(statement, customer.reader, *places, [how for _, how in done])
        for _, how in done:
            RELEASED.labels(customer.reader, how).inc()
    if failed:
        places = [list(column) for column in zip(*(each.place for each, _ in failed), strict=True)]
        statement = load("rapport_events", "parking/failed")
        await connection.execute(statement, customer.reader, *places, [cause for _, cause in failed])
    unasked = load("rapport_events", "parking/answered")
    await connection.execute(unasked, customer.reader, customer.tenant, customer.subject, customer.partition)
    log.info(
        "records_released", reader=customer.reader, partition=customer.partition, records=len(done), parked=len(failed)
    )


async def _held(connection: Connection | Pool, customer: Waiting) -> list[Held]:
    """Read a customer's parked records in the suite's order."""
    statement = load("rapport_events", "parking/held")
    rows = await connection.fetch(
        statement, customer.reader, customer.tenant, customer.subject, customer.partition, AT_ONCE
    )
    return [_read(row) for row in rows]


def _read(row: asyncpg.Record) -> Held:
    headers = {name: text.encode() for name, text in json.loads(row["headers"]).items()}
    place = (row["source"], row["era"], row["partition"], row["position"])
    return Held(Arrived(*place, row["type"], headers, row["value"]), row["event_id"], row["cause"])
