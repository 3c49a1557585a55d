"""Segments as they are defined now, with the count of their members."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import msgspec
from fastapi import APIRouter
from pydantic import BaseModel, Field

from rapport_analytics.errors import SegmentNotFound
from rapport_analytics.segment_marks import sweep_everybody
from rapport_chassis.reading import Read
from rapport_chassis.standing import Freshness
from rapport_events.contracts.analytics import Condition, SegmentDefined, SegmentId, SegmentRetired
from rapport_events.database import Connection
from rapport_events.rows import Row
from rapport_events.statements import load
from rapport_events.view import Batch, Fact, View

router = APIRouter(prefix="/v1", tags=["segments"])

Key = tuple[str, str]
"""Tenant and segment."""


class Defined(msgspec.Struct):
    """A definition."""

    segment_id: str
    version: int
    name: str
    condition: msgspec.Raw


class Retired(msgspec.Struct):
    """An end."""

    segment_id: str


@dataclass(slots=True)
class State:
    """The last definition of each segment in a batch, and which were retired after it."""

    defined: dict[Key, Row] = field(default_factory=dict[Key, Row])
    retired: set[Key] = field(default_factory=set[Key])


class Segments(View[None, State]):
    """One row for each segment. A new definition has all customers decided anew, a batch at a time."""

    name = "segments"
    package = "rapport_analytics"
    reads: ClassVar = {SegmentDefined: Defined, SegmentRetired: Retired}

    def keys(self, batch: Batch) -> None:
        """Touch nothing beforehand: each definition says all of it."""

    async def load(self, connection: Connection, keys: None) -> State:
        """Begin with nothing new."""
        return State()

    def fold(self, state: State, batch: Batch) -> State:
        """Take the last definitions and ends."""
        for fact in batch:
            key = (fact.tenant, fact.event.segment_id)
            if isinstance(fact.event, Retired):
                state.retired.add(key)
            else:
                state.defined[key] = _row(fact, fact.event)
                state.retired.discard(key)
        return state

    async def write(self, connection: Connection, state: State) -> None:
        """Store definitions, and begin to decide everybody anew."""
        if state.defined:
            await connection.execute(self.sql("segments/hold_marks"))
            rows = [row for _, row in sorted(state.defined.items())]
            await connection.execute(self.sql("segments/define"), *map(list, zip(*rows, strict=True)))
            named = map(list, zip(*sorted(state.defined), strict=True))
            await connection.execute(self.sql("segments/begin_sweep"), *named, self.reader)
        if state.retired:
            await connection.execute(self.sql("segments/retire"), *map(list, zip(*sorted(state.retired), strict=True)))

    async def mark_all(self, connection: Connection) -> None:
        """Have everybody's segments decided anew."""
        await sweep_everybody(connection)


def _row(fact: Fact, event: Defined) -> Row:
    what = (fact.tenant, event.segment_id, event.version, event.name, bytes(event.condition).decode())
    return (*what, fact.event_id, fact.partition, fact.occurred_at, fact.recorded_at)


class SegmentShown(BaseModel):
    """A segment."""

    segment_id: SegmentId
    version: int = Field(description="Counts its definitions, from 1.")
    name: str
    condition: Condition
    is_active: bool = Field(description="False once it is retired.")
    members: int
    defined_at: datetime
    event_id: UUID = Field(description="The event that defined it last.")
    partition: int


class SegmentList(BaseModel):
    """All segments of the tenant, those in use first."""

    segments: list[SegmentShown]
    freshness: Freshness


class OneSegment(SegmentShown):
    """A segment, and how fresh the answer is."""

    freshness: Freshness


@router.get("/segments", operation_id="list_segments")
async def list_segments(read: Read) -> SegmentList:
    """List segments with the count of their members."""
    async with read.rows() as connection:
        rows = await connection.fetch(load("rapport_analytics", "segments/all"), None)
    return SegmentList(
        segments=[SegmentShown(**_shown(dict(row))) for row in rows],
        freshness=await read.freshness("segments", "memberships"),
    )


@router.get("/segments/{segment_id}", operation_id="read_segment")
async def read_segment(read: Read, segment_id: SegmentId) -> OneSegment:
    """Show how a segment is defined."""
    async with read.rows() as connection:
        rows = await connection.fetch(load("rapport_analytics", "segments/all"), segment_id)
    if not rows:
        raise SegmentNotFound(segment_id=segment_id)
    return OneSegment(**_shown(dict(rows[0])), freshness=await read.freshness("segments", "memberships"))


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "condition": Condition.model_validate_json(row["condition"])}
