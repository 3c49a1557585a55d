"""Who is in which segment, since when, and because of which events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, ClassVar, Final
from uuid import UUID

import asyncpg
import msgspec
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from rapport_analytics.answers import Reason
from rapport_analytics.errors import SegmentNotFound
from rapport_chassis.reading import Read, Reading
from rapport_chassis.standing import Freshness
from rapport_events.contracts.analytics import SegmentEntered, SegmentId, SegmentLeft
from rapport_events.database import Connection
from rapport_events.parties import parties_of
from rapport_events.rows import Row
from rapport_events.statements import load
from rapport_events.view import Batch, Fact, View

router = APIRouter(prefix="/v1", tags=["segments"])

PAGE_MAX: Final = 200
_FIRST: Final = UUID(int=0)

Key = tuple[str, str, str]
"""Tenant, segment, customer."""


class Entered(msgspec.Struct):
    """A customer enters."""

    segment_id: str
    version: int
    because: list[UUID] = []


class Left(msgspec.Struct):
    """A customer leaves."""

    segment_id: str
    version: int
    because: list[UUID] = []


class Memberships(View[None, dict[Key, Row]]):
    """One row for each customer who ever was in a segment."""

    name = "memberships"
    package = "rapport_analytics"
    reads: ClassVar = {SegmentEntered: Entered, SegmentLeft: Left}

    def keys(self, batch: Batch) -> None:
        """Touch nothing beforehand: the last event says all of it."""

    async def load(self, connection: Connection, keys: None) -> dict[Key, Row]:
        """Begin with nothing new."""
        return {}

    def fold(self, state: dict[Key, Row], batch: Batch) -> dict[Key, Row]:
        """Take the last event of each membership."""
        for fact in batch:
            state[fact.tenant, fact.event.segment_id, fact.subject] = _row(fact, fact.event)
        return state

    async def write(self, connection: Connection, state: dict[Key, Row]) -> None:
        """Store them."""
        rows = [row for _, row in sorted(state.items())]
        await connection.execute(self.sql("segments/set_members"), *map(list, zip(*rows, strict=True)))


def _row(fact: Fact, event: Entered | Left) -> Row:
    # An array of arrays must be even, so the reasons go as text.
    because = "{" + ",".join(str(event_id) for event_id in event.because) + "}"
    who = (fact.tenant, event.segment_id, fact.subject, isinstance(event, Entered))
    return (*who, event.version, because, fact.event_id, fact.partition, fact.occurred_at)


class Membership(BaseModel):
    """A customer's place in a segment."""

    customer_id: UUID = Field(description="The root of the party.")
    since: datetime
    version: int = Field(description="Of the definition that was followed.")
    because: list[Reason] = Field(description="The facts that decided it, at most the latest 100.")
    event_id: UUID = Field(description="The event that tells of it.")
    partition: int


class Members(BaseModel):
    """One page of a segment's members, by their ids."""

    segment_id: SegmentId
    members: list[Membership]
    next_cursor: UUID | None
    freshness: Freshness


class InSegment(Membership):
    """A segment that a customer is in."""

    segment_id: SegmentId
    name: str


class SegmentsOfCustomer(BaseModel):
    """All segments that a party is in."""

    customer_id: UUID
    segments: list[InSegment]
    freshness: Freshness


@router.get("/segments/{segment_id}/members", operation_id="list_members")
async def list_members(
    read: Read,
    segment_id: SegmentId,
    cursor: UUID = _FIRST,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
) -> Members:
    """List who is in a segment, and because of which events; nobody is in a retired one."""
    async with read.rows() as connection:
        if not await connection.fetch(load("rapport_analytics", "segments/all"), segment_id):
            raise SegmentNotFound(segment_id=segment_id)
        found = await connection.fetch(load("rapport_analytics", "segments/members"), segment_id, cursor, limit + 1)
        rows = found[:limit]
        reasons = await _reasons(read, connection, rows)
    return Members(
        segment_id=segment_id,
        members=[_shown(row, reasons) for row in rows],
        next_cursor=rows[-1]["customer"] if len(found) > limit else None,
        freshness=await read.freshness("segments", "memberships"),
    )


@router.get("/customers/{customer_id}/segments", operation_id="list_segments_of_customer")
async def list_segments_of_customer(read: Read, customer_id: UUID) -> SegmentsOfCustomer:
    """List the segments that a customer is in, and because of which events; any id of the party names it."""
    tenant = read.caller.tenant
    async with read.rows() as connection:
        party = (await parties_of(connection, [(tenant, customer_id)]))[tenant, customer_id]
        rows = await connection.fetch(load("rapport_analytics", "segments/of_customer"), party.root)
        reasons = await _reasons(read, connection, rows)
    return SegmentsOfCustomer(
        customer_id=customer_id,
        segments=[
            InSegment(**dict(_shown(row, reasons)), segment_id=row["segment_id"], name=row["name"]) for row in rows
        ],
        freshness=await read.freshness("segments", "memberships", "parties"),
    )


async def _reasons(read: Reading, connection: Connection, rows: Sequence[asyncpg.Record]) -> dict[UUID, Reason]:
    """Find the facts behind memberships; those that are no longer the party's are left out."""
    roots = {row["customer"] for row in rows}
    parties = await parties_of(connection, [(read.caller.tenant, root) for root in sorted(roots)])
    ids = [member for party in parties.values() for member in party.members]
    events = [event_id for row in rows for event_id in row["because"]]
    found = await connection.fetch(load("rapport_analytics", "segments/reasons"), ids, events)
    return {row["event_id"]: Reason(**row) for row in found}


def _shown(row: asyncpg.Record, reasons: dict[UUID, Reason]) -> Membership:
    told = {name: row[name] for name in ("since", "version", "event_id", "partition")}
    because = [reasons[event_id] for event_id in row["because"] if event_id in reasons]
    return Membership(customer_id=row["customer"], because=because, **told)
