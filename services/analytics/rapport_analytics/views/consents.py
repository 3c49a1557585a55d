"""Consents: every word that was said about one, for conditions that ask whether we may."""

from typing import Any, cast
from uuid import UUID

from rapport_analytics.segment_marks import mark_for_segments, sweep_everybody
from rapport_events.consent_words import ConsentWords
from rapport_events.database import Connection
from rapport_events.ids import TenantId
from rapport_events.marks import Mark
from rapport_events.rows import Row


class Consents(ConsentWords):
    """One row for each word."""

    package = "rapport_analytics"
    statement = "segments/add_consents"

    async def write(self, connection: Connection, state: list[Row]) -> None:
        """Add the rows, and mark their customers."""
        await super().write(connection, state)
        rows = cast("list[tuple[Any, ...]]", state)
        marks = [Mark(TenantId(row[0]), UUID(row[1]), row[10]) for row in rows]
        await mark_for_segments(connection, marks, reader=self.reader)

    async def mark_all(self, connection: Connection) -> None:
        """Have everybody's segments decided anew."""
        await sweep_everybody(connection)
