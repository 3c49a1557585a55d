"""What happened with a customer, in all services: one row for each event and customer who took part."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

import orjson
from fastapi import APIRouter
from pydantic import BaseModel, Field

from rapport_chassis.cursors import Cursor, CursorUnknown, Limit, read_cursor, write_cursor
from rapport_chassis.moments import NEVER, MomentShown
from rapport_chassis.reading import ReadAt
from rapport_chassis.standing import Freshness
from rapport_events.database import Connection
from rapport_events.ids import TenantId
from rapport_events.parties import members
from rapport_events.statements import load
from rapport_events.view import Batch, View
from rapport_interactions.happenings import TOLD, happening
from rapport_interactions.texts import NOT_SHOWN, Keys, key_ids_of, text_of

router = APIRouter(tags=["customers"])

Row = tuple[object, ...]
Place = tuple[datetime, datetime, str, int, int]
"""When it happened; then a place in the one order of the whole suite."""


class Timeline(View[None, list[Row]]):
    """Rows depend on nothing but their event, so it does not matter how topics interleave."""

    name = "timeline"
    package = "rapport_interactions"
    reads: ClassVar = {event: happening(event, told) for event, told in TOLD.items()}
    is_ordered = False

    def keys(self, batch: Batch) -> None:
        """Touch nothing beforehand: rows are only added."""

    async def load(self, connection: Connection, keys: None) -> list[Row]:
        """Begin with no rows."""
        return []

    def fold(self, state: list[Row], batch: Batch) -> list[Row]:
        """Make the rows of each event: its subject's, and those of the others who took part."""
        for fact in batch:
            event = fact.event
            place = (fact.recorded_at, fact.source, fact.partition, fact.position)
            what = (fact.event_id, fact.type, fact.stream, fact.occurred_at)
            told = (event.summary(), *event.preview())
            state.append((fact.tenant, fact.subject, *place, *what, None, *told))
            seen = {fact.subject}
            for other in event.others():
                if other.id not in seen:
                    seen.add(other.id)
                    state.append((fact.tenant, other.id, *place, *what, other.role, *told))
        return state

    async def write(self, connection: Connection, state: list[Row]) -> None:
        """Add the rows, all in one statement."""
        await connection.execute(self.sql("timeline/insert"), *map(list, zip(*state, strict=True)))


class Entry(BaseModel):
    """One event of a customer's life with us."""

    event_id: UUID
    type: str
    source: str
    partition: int
    position: int
    stream: str
    occurred_at: datetime
    recorded_at: datetime
    role: str | None = Field(description="What the customer was in it; null: it was about the customer.")
    summary: dict[str, Any]
    text: str | None = Field(description=NOT_SHOWN)


class TimelinePage(BaseModel):
    """What happened with a customer, under all ids of the party, the latest happening first."""

    entries: list[Entry]
    next_cursor: str | None
    is_masked: bool
    moment: MomentShown | None = Field(description="What the answer is about; null: the present.")
    freshness: Freshness


@router.get("/v1/customers/{customer_id}/timeline")
async def show_timeline(reading: ReadAt, customer_id: UUID, cursor: Cursor = None, limit: Limit = 50) -> TimelinePage:
    """Show what happened with a customer; of somebody unknown nothing has."""
    tenant = reading.caller.tenant
    as_of, known_at = reading.moment.limits
    before: Place = (as_of, NEVER, "", 0, 0)
    if cursor:
        before = min(before, _place(cursor))
    async with reading.rows() as connection:
        ids = await members(connection, tenant, customer_id, known_at=reading.moment.known_at)
        statement = load("rapport_interactions", "timeline/page")
        found = await connection.fetch(statement, tenant, list(ids), *before, limit + 1, known_at)
    page = [dict(row) for row in found[:limit]]
    keys = await reading.keys(key_ids_of(row["preview"] for row in page))
    freshness = await reading.freshness("timeline", "parties")
    return TimelinePage(
        entries=[_entry(row, tenant, keys) for row in page],
        next_cursor=_cursor(page) if len(found) > limit else None,
        is_masked=reading.is_masked,
        moment=reading.moment.shown(freshness),
        freshness=freshness,
    )


def _entry(row: Mapping[str, Any], tenant: TenantId, keys: Keys) -> Entry:
    text = text_of(row["preview"], row["pointer"], row["event_id"], tenant, keys)
    named = {name: row[name] for name in Entry.model_fields if name not in {"summary", "text"}}
    return Entry(**named, summary=orjson.loads(row["summary"]), text=text)


def _cursor(page: Sequence[Mapping[str, Any]]) -> str:
    last = page[-1]
    times = (last["occurred_at"].isoformat(), last["recorded_at"].isoformat())
    return write_cursor(*times, last["source"], last["partition"], last["position"])


def _place(cursor: str) -> Place:
    occurred_at, recorded_at, source, partition, position = read_cursor(cursor, 5)
    try:
        times = [datetime.fromisoformat(moment).astimezone(UTC) for moment in (occurred_at, recorded_at)]
        return times[0], times[1], source, int(partition), int(position)
    except ValueError:
        raise CursorUnknown from None
