"""A request of a person in their own right as the view keeps one, and how each fact changes it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from rapport_events.view import Fact


class AccessRequested(msgspec.Struct):
    """Somebody wants to know what is kept."""

    request_id: UUID
    due_at: datetime | None = None


class ExportDelivered(msgspec.Struct):
    """Somebody was told."""

    request_id: UUID
    artefact_hash: str


class ErasureRequested(msgspec.Struct):
    """Somebody is to be forgotten."""

    request_id: UUID
    customer_ids: list[UUID]


class ErasureRefused(msgspec.Struct):
    """Somebody may not be forgotten."""

    request_id: UUID
    legal_basis: str


class ErasureCompleted(msgspec.Struct):
    """Somebody was forgotten; values stay the JSON that they are."""

    request_id: UUID
    customer_ids: msgspec.Raw
    erased_at: msgspec.Raw
    before: msgspec.Raw
    after: msgspec.Raw
    certificate_hash: msgspec.Raw
    key_ids: msgspec.Raw = msgspec.Raw(b"[]")


class Row(msgspec.Struct, frozen=True):
    """One request under one id; its fields are the columns after the key."""

    kind: str
    state: str
    customer_ids: list[UUID]
    event_id: UUID
    correlation_id: str
    asked_at: datetime
    recorded_at: datetime
    due_at: datetime | None = None
    closed_at: datetime | None = None
    legal_basis: str | None = None
    artefact_hash: str | None = None
    certificate: str | None = None


_change = msgspec.structs.replace


def begin(fact: Fact) -> Row:
    """Return the row with which a request begins; what was never asked for in our sight begins with its end."""
    event = fact.event
    is_erasure = isinstance(event, ErasureRequested | ErasureRefused | ErasureCompleted)
    return Row(
        kind="erasure" if is_erasure else "access",
        state="open",
        customer_ids=event.customer_ids if isinstance(event, ErasureRequested) else [UUID(fact.subject)],
        event_id=UUID(fact.event_id),
        correlation_id=fact.arrived.headers.get("ce_correlationid", fact.event_id.encode()).decode(),
        asked_at=fact.occurred_at,
        recorded_at=fact.recorded_at,
        due_at=event.due_at if isinstance(event, AccessRequested) else None,
    )


def go_on(row: Row, fact: Fact) -> Row:
    """Return a request's row after one more fact."""
    match fact.event:
        case ExportDelivered(artefact_hash=artefact_hash):
            return _change(row, state="done", closed_at=fact.occurred_at, artefact_hash=artefact_hash)
        case ErasureRefused(legal_basis=legal_basis):
            return _change(row, state="refused", closed_at=fact.occurred_at, legal_basis=legal_basis)
        case ErasureCompleted() as event:
            certificate = msgspec.json.encode(event).decode()
            return _change(row, state="done", closed_at=fact.occurred_at, certificate=certificate)
        case _:
            return row


def row_of(row: Mapping[str, Any]) -> Row:
    """Read a row as the database has it."""
    return Row(**{name: row[name] for name in Row.__struct_fields__})
