"""Merges as cards need them: who was merged into whom, and whose values show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson

from rapport_contacts.combining import Choices
from rapport_events.database import Connection
from rapport_events.ids import TenantId
from rapport_events.statements import load


@dataclass(frozen=True, slots=True)
class Merge:
    """A merge that holds, and the event that tells of it."""

    customer_id: UUID
    survivor_id: UUID
    event_id: UUID
    partition: int
    choices: Choices
    merged_at: datetime


async def read_merges(
    connection: Connection, tenant: TenantId, customers: Sequence[UUID], known_at: datetime
) -> dict[UUID, Merge]:
    """Read the merges of customers as they were known at a moment, by the id that was merged."""
    rows = await connection.fetch(load("rapport_contacts", "merges/rows"), tenant, customers, known_at)
    merges = [Merge(**{**row, "choices": orjson.loads(row["choices"])}) for row in rows]
    return {merge.customer_id: merge for merge in merges}
