"""Marks: ids whose facts have changed, left by folds, so that what follows is decided in a second step."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from rapport_events.database import Connection
from rapport_events.ids import TenantId
from rapport_events.statements import load


@dataclass(frozen=True, slots=True)
class Mark:
    """An id to be decided anew."""

    tenant: TenantId
    customer: UUID
    recorded_at: datetime


async def leave_marks(connection: Connection, view: str, marks: Sequence[Mark], *, reader: str) -> None:
    """Mark ids, in the transaction that changed their facts; what a rebuild beside the live one folds marks nobody."""
    if not marks:
        return
    await connection.execute(
        load("rapport_events", "marks/leave"),
        view,
        [mark.tenant for mark in marks],
        [mark.customer for mark in marks],
        [mark.recorded_at for mark in marks],
        reader,
    )
