"""Consents: every word that was said about one, for conditions that ask whether we may."""

from datetime import datetime
from typing import Any, ClassVar, cast
from uuid import UUID

import msgspec

from rapport_analytics.segment_marks import mark_for_segments, sweep_everybody
from rapport_events.contracts.contacts import ConsentGranted, ConsentWithdrawn
from rapport_events.database import Connection
from rapport_events.ids import TenantId
from rapport_events.marks import Mark
from rapport_events.rows import Row, Rows
from rapport_events.view import Fact


class Granted(msgspec.Struct):
    """A consent is given."""

    purpose: str
    wording_version: str
    channel: str | None = None
    evidence_ref: str | None = None
    valid_until: datetime | None = None


class Withdrawn(msgspec.Struct):
    """A consent is taken back."""

    purpose: str
    channel: str | None = None
    wording_version: str | None = None
    evidence_ref: str | None = None


class Consents(Rows):
    """One row for each word."""

    name = "consents"
    package = "rapport_analytics"
    statement = "segments/add_consents"
    reads: ClassVar = {ConsentGranted: Granted, ConsentWithdrawn: Withdrawn}

    def row(self, fact: Fact) -> Row:
        """Take all that was said, and its place in the suite's order."""
        event: Granted | Withdrawn = fact.event
        until = event.valid_until if isinstance(event, Granted) else None
        said = (event.purpose, event.channel, isinstance(event, Granted), event.wording_version, event.evidence_ref)
        place = (fact.occurred_at, fact.recorded_at, fact.partition, fact.position)
        return (fact.tenant, fact.subject, fact.event_id, *said, until, *place)

    async def write(self, connection: Connection, state: list[Row]) -> None:
        """Add the rows, and mark their customers."""
        await super().write(connection, state)
        rows = cast("list[tuple[Any, ...]]", state)
        marks = [Mark(TenantId(row[0]), UUID(row[1]), row[11], row[10]) for row in rows]
        await mark_for_segments(connection, marks, reader=self.reader)

    async def mark_all(self, connection: Connection) -> None:
        """Have everybody's segments decided anew."""
        await sweep_everybody(connection)
