"""Journey: the facts that decide a customer's stage; each leaves a mark, so that the stage is decided anew."""

from collections.abc import Mapping
from typing import ClassVar
from uuid import UUID

import msgspec

from rapport_analytics.segment_marks import mark_for_segments
from rapport_events.codec import types_of
from rapport_events.contracts.base import Event
from rapport_events.contracts.contacts import ConsentGranted, CustomerCreated
from rapport_events.contracts.interactions import CustomerContacted, CustomerPurchased, ReferralMade
from rapport_events.database import Connection
from rapport_events.marks import Mark, leave_marks
from rapport_events.rows import Row, Rows
from rapport_events.view import Batch, Fact


class Happened(msgspec.Struct):
    """That it happened is all that counts."""


KINDS: Mapping[type[Event], str] = {
    CustomerCreated: "known",
    ConsentGranted: "approached",
    CustomerContacted: "approached",
    CustomerPurchased: "purchased",
    ReferralMade: "referred",
}


class Journey(Rows):
    """One row for each deciding fact."""

    name = "journey"
    package = "rapport_analytics"
    statement = "add_journey"
    reads: ClassVar = dict.fromkeys(KINDS, Happened)
    kinds: ClassVar[Mapping[str, str]] = {name: kind for event, kind in KINDS.items() for name in types_of(event)}

    def fold(self, state: list[Row], batch: Batch) -> list[Row]:
        """Make a row of each fact; the marks are made of the rows."""
        return [self.row(fact) for fact in batch]

    def row(self, fact: Fact) -> Row:
        """Take what places the fact in the suite's order."""
        correlation = fact.arrived.headers["ce_correlationid"].decode()
        place = (fact.occurred_at, fact.recorded_at, fact.source, fact.partition, fact.position, correlation)
        return (fact.tenant, fact.subject, fact.event_id, self.kinds[fact.type], *place)

    async def write(self, connection: Connection, state: list[Row]) -> None:
        """Add the rows, and mark their customers."""
        await super().write(connection, state)
        rows = {(row[0], row[1]): row for row in state}
        marks = [Mark(tenant, UUID(who), row[5]) for (tenant, who), row in rows.items()]  # type: ignore[arg-type]  # columns of `row` above
        await leave_marks(connection, self.name, marks, reader=self.reader)
        await mark_for_segments(connection, marks, reader=self.reader)

    async def mark_all(self, connection: Connection) -> None:
        """Mark every customer."""
        await connection.execute(self.sql("mark_journeys"), self.name)
