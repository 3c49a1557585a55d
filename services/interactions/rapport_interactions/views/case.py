"""How each case stands: what it is about, whose it is, whether the customer was answered, and what came of it."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import msgspec
from fastapi import APIRouter
from pydantic import BaseModel, Field

from rapport_chassis.reading import Read
from rapport_chassis.standing import Freshness
from rapport_events.contracts.interactions import (
    CaseAssigned,
    CaseClassified,
    CaseReopened,
    CaseResolved,
    CaseResponded,
    CustomerComplained,
)
from rapport_events.database import Connection
from rapport_events.errors import StreamNotFound
from rapport_events.ids import TenantId
from rapport_events.statements import load
from rapport_events.view import Batch, Fact, View
from rapport_interactions.case_row import (
    DETAIL,
    Assigned,
    Classified,
    Complained,
    Reopened,
    Resolved,
    Responded,
    Row,
    begin,
    go_on,
    plain,
    row_of,
)
from rapport_interactions.texts import NOT_SHOWN, key_ids_of, text_of

router = APIRouter(tags=["cases"])

Key = tuple[TenantId, str]
"""Tenant and case."""


class Case(View[set[Key], dict[Key, Row]]):
    """How each case stands, one row each."""

    name = "case"
    package = "rapport_interactions"
    reads: ClassVar = {
        CustomerComplained: Complained,
        CaseClassified: Classified,
        CaseAssigned: Assigned,
        CaseResponded: Responded,
        CaseResolved: Resolved,
        CaseReopened: Reopened,
    }

    def keys(self, batch: Batch) -> set[Key]:
        """Name the cases that go on; those that begin have no row yet."""
        begun = {_key(fact) for fact in batch if isinstance(fact.event, Complained)}
        return {_key(fact) for fact in batch} - begun

    async def load(self, connection: Connection, keys: set[Key]) -> dict[Key, Row]:
        """Read their rows."""
        if not keys:
            return {}
        rows = await connection.fetch(self.sql("case/load"), *map(list, zip(*keys, strict=True)))
        return {(TenantId(row["tenant_id"]), str(row["case_id"])): row_of(dict(row)) for row in rows}

    def fold(self, state: dict[Key, Row], batch: Batch) -> dict[Key, Row]:
        """Begin cases and go on with them."""
        for fact in batch:
            key = _key(fact)
            state[key] = begin(fact, fact.event) if isinstance(fact.event, Complained) else go_on(state[key], fact)
        return state

    async def write(self, connection: Connection, state: dict[Key, Row]) -> None:
        """Store the rows."""
        rows = [
            (*key, *(plain(getattr(row, name)) for name in Row.__struct_fields__))
            for key, row in sorted(state.items(), key=lambda item: item[0])
        ]
        await connection.execute(self.sql("case/upsert"), *map(list, zip(*rows, strict=True)))


def _key(fact: Fact) -> Key:
    return (fact.tenant, fact.stream.removeprefix("case-"))


class CaseShown(BaseModel):
    """A case as the caller may see it."""

    id: UUID
    customer_id: UUID
    status: str = Field(description="`open` or `resolved`.")
    category: str
    severity: str | None
    department: str | None
    agent_id: str | None
    case_ref: str | None = Field(description="Its number in the system that it comes from.")
    channel: str
    channel_detail: str | None
    complained_at: datetime
    responded_at: datetime | None = Field(description="When the customer was first answered.")
    responses: int
    resolved_at: datetime | None
    resolution_code: str | None
    reopenings: int
    attributes: dict[str, str | bool | int]
    response_attributes: dict[str, str | bool | int]
    complaint: str | None = Field(description=NOT_SHOWN)
    is_masked: bool
    freshness: Freshness


@router.get("/v1/cases/{case_id}")
async def show_case(reading: Read, case_id: UUID) -> CaseShown:
    """Show how a case stands."""
    tenant = reading.caller.tenant
    async with reading.rows() as connection:
        found = await connection.fetchrow(load("rapport_interactions", "case/row"), tenant, case_id)
    if found is None:
        raise StreamNotFound(noun="case")
    row: dict[str, Any] = {"id": case_id, **found}
    keys = await reading.keys(key_ids_of([row["complaint"]]))
    detail = msgspec.to_builtins(DETAIL.decode(row.pop("detail")))
    complaint = text_of(row.pop("complaint"), "/pii/text", row.pop("event_id"), tenant, keys)
    return CaseShown(
        **row,
        **detail,
        complaint=complaint,
        is_masked=reading.is_masked,
        freshness=await reading.freshness("case"),
    )
