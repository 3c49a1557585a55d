"""Marks for segments: only where a tenant has some, so that the others pay nothing."""

from collections.abc import Sequence

from rapport_events.database import Connection
from rapport_events.marks import Mark
from rapport_events.statements import load

SEGMENTS = "segments"
"""Name of the marks."""


async def mark_for_segments(connection: Connection, marks: Sequence[Mark], *, reader: str) -> None:
    """Mark ids whose facts have changed, in the transaction that changed them."""
    if not marks:
        return
    await connection.execute(
        load("rapport_analytics", "segments/mark"),
        [mark.tenant for mark in marks],
        [mark.customer for mark in marks],
        [mark.recorded_at for mark in marks],
        reader,
    )


async def sweep_everybody(connection: Connection) -> None:
    """Have all customers of tenants with segments decided anew: what conditions look at has become another."""
    await connection.execute(load("rapport_analytics", "segments/begin_sweeps"))
