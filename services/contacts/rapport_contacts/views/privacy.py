"""What persons asked for in their own right: to be told what is kept, and to be forgotten; and what came of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter
from pydantic import BaseModel, Field

from rapport_chassis.reading import Read
from rapport_chassis.standing import Freshness
from rapport_contacts.privacy_row import (
    AccessRequested,
    ErasureCompleted,
    ErasureRefused,
    ErasureRequested,
    ExportDelivered,
    Row,
    begin,
    go_on,
    row_of,
)
from rapport_contacts.profiles import Profile, read_rows
from rapport_events.contracts.privacy import (
    PrivacyAccessRequested,
    PrivacyErasureCompleted,
    PrivacyErasureRefused,
    PrivacyErasureRequested,
    PrivacyExportDelivered,
)
from rapport_events.database import Connection
from rapport_events.ids import TenantId
from rapport_events.parties import members
from rapport_events.statements import load
from rapport_events.view import Batch, Fact, View

router = APIRouter(tags=["privacy"])

Key = tuple[TenantId, str, UUID]
"""Tenant, customer and request."""


class Privacy(View[set[Key], dict[Key, Row]]):
    """One row for each request and id."""

    name = "privacy"
    package = "rapport_contacts"
    reads: ClassVar = {
        PrivacyAccessRequested: AccessRequested,
        PrivacyExportDelivered: ExportDelivered,
        PrivacyErasureRequested: ErasureRequested,
        PrivacyErasureCompleted: ErasureCompleted,
        PrivacyErasureRefused: ErasureRefused,
    }

    def keys(self, batch: Batch) -> set[Key]:
        """Name the requests."""
        return {_key(fact) for fact in batch}

    async def load(self, connection: Connection, keys: set[Key]) -> dict[Key, Row]:
        """Read those that go on."""
        rows = await connection.fetch(self.sql("privacy/load"), *map(list, zip(*keys, strict=True)))
        return {
            (TenantId(row["tenant_id"]), str(row["customer_id"]), UUID(bytes=row["request_id"].bytes)): row_of(
                dict(row)
            )
            for row in rows
        }

    def fold(self, state: dict[Key, Row], batch: Batch) -> dict[Key, Row]:
        """Begin requests and go on with them."""
        for fact in batch:
            key = _key(fact)
            state[key] = go_on(state.get(key) or begin(fact), fact)
        return state

    async def write(self, connection: Connection, state: dict[Key, Row]) -> None:
        """Store them; there are never many."""
        rows = [(*key, *msgspec.structs.astuple(row)) for key, row in sorted(state.items(), key=lambda item: item[0])]
        await connection.executemany(self.sql("privacy/set"), rows)


def _key(fact: Fact) -> Key:
    return (fact.tenant, fact.subject, fact.event.request_id)


class Certificate(BaseModel):
    """What the completion of an erasure says."""

    request_id: UUID
    customer_ids: list[UUID]
    erased_at: datetime
    key_ids: list[str] = Field(description="The keys that were destroyed.")
    before: dict[str, int] = Field(description="Events and readable personal values that contacts held.")
    after: dict[str, int]
    certificate_hash: str = Field(description="SHA-256 of the other members and the tenant.")


class RequestShown(BaseModel):
    """One request."""

    request_id: UUID
    kind: Literal["access", "erasure"]
    state: Literal["open", "done", "refused"]
    customer_ids: list[UUID] = Field(description="All ids that an erasure is about.")
    asked_at: datetime
    due_at: datetime | None
    closed_at: datetime | None
    legal_basis: str | None = Field(description="Why an erasure was refused.")
    artefact_hash: str | None = Field(description="SHA-256 of the file that was handed over.")
    certificate: Certificate | None


class PrivacyShown(BaseModel):
    """All that was asked for under all ids of a party, the latest first."""

    requests: list[RequestShown]
    freshness: Freshness


class ErasurePreview(BaseModel):
    """Who would be forgotten: all ids of the person, to be confirmed."""

    customer_ids: list[UUID]
    profile: Profile | None = Field(description="What contacts knows under all of them; null: nothing.")
    is_masked: bool
    freshness: Freshness


@router.get("/v1/customers/{customer_id}/privacy")
async def show_privacy(reading: Read, customer_id: UUID) -> PrivacyShown:
    """Show what was asked for, and what came of it."""
    tenant = reading.caller.tenant
    async with reading.rows() as connection:
        ids = await members(connection, tenant, customer_id)
        rows = await connection.fetch(load("rapport_contacts", "privacy/rows"), tenant, list(ids))
    return PrivacyShown(requests=_requests(rows), freshness=await reading.freshness("privacy", "parties"))


@router.get("/v1/customers/{customer_id}/erasure-preview")
async def preview_erasure(reading: Read, customer_id: UUID) -> ErasurePreview:
    """Show all ids that are the same person; an erasure must name exactly these."""
    async with reading.rows() as connection:
        rows = await read_rows(connection, reading.caller.tenant, [customer_id])
    keys = await reading.keys(rows.key_ids)
    return ErasurePreview(
        customer_ids=list(rows.parties[customer_id].members),
        profile=rows.profile(customer_id, keys),
        is_masked=reading.is_masked,
        freshness=await reading.freshness("directory", "parties"),
    )


def _requests(rows: Sequence[Any]) -> list[RequestShown]:
    """Show each request once: an erasure has a row for each id, and is done when all of them are."""
    shown: dict[UUID, RequestShown] = {}
    for row in rows:
        certificate = Certificate.model_validate_json(row["certificate"]) if row["certificate"] else None
        request = RequestShown.model_validate({**row, "certificate": certificate})
        known = shown.get(request.request_id)
        if known is None or known.state == "done":
            shown[request.request_id] = request
    return list(shown.values())
