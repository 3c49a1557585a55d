"""Complaints: every case with its category, its answers and its end."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec
import orjson

from rapport_events.contracts.interactions import (
    CaseClassified,
    CaseReopened,
    CaseResolved,
    CaseResponded,
    CustomerComplained,
)
from rapport_events.database import Connection
from rapport_events.view import Batch, Fact, View

Attributes = dict[str, str | bool | int]


class Complained(msgspec.Struct):
    """A case begins."""

    case_id: UUID
    category: str
    channel: str
    severity: str | None = None
    channel_detail: str | None = None
    attributes: Attributes = {}


class Classified(msgspec.Struct):
    """A case has another category."""

    case_id: UUID
    category: str
    severity: str | None = None


class Responded(msgspec.Struct):
    """A case has an answer."""

    case_id: UUID
    attributes: Attributes = {}


class Resolved(msgspec.Struct):
    """A case was settled."""

    case_id: UUID


class Reopened(msgspec.Struct):
    """A settled case is open again."""

    case_id: UUID


Key = tuple[str, UUID]
"""Tenant and case."""


@dataclass(slots=True)
class Case:
    """One case as reports see it."""

    customer: str
    event_id: str
    category: str
    severity: str | None
    channel: str
    channel_detail: str | None
    attributes: Attributes
    occurred_at: datetime
    responses: int = 0
    response_attributes: Attributes = field(default_factory=dict[str, str | bool | int])
    first_responded_at: datetime | None = None
    resolved_at: datetime | None = None
    state: str = "open"


class Complaints(View[list[Key], dict[Key, Case]]):
    """One row for each case, kept by its events in their order."""

    name = "complaints"
    package = "rapport_analytics"
    reads: ClassVar = {
        CustomerComplained: Complained,
        CaseClassified: Classified,
        CaseResponded: Responded,
        CaseResolved: Resolved,
        CaseReopened: Reopened,
    }

    def keys(self, batch: Batch) -> list[Key]:
        """Name the cases that began before this batch."""
        begun = {(fact.tenant, fact.event.case_id) for fact in batch if isinstance(fact.event, Complained)}
        return sorted({(fact.tenant, fact.event.case_id) for fact in batch} - begun)

    async def load(self, connection: Connection, keys: list[Key]) -> dict[Key, Case]:
        """Read them."""
        if not keys:
            return {}
        rows = await connection.fetch(self.sql("load_complaints"), *map(list, zip(*keys, strict=True)))
        return {(row["tenant_id"], row["case_id"]): _case(dict(row)) for row in rows}

    def fold(self, state: dict[Key, Case], batch: Batch) -> dict[Key, Case]:
        """Follow each case."""
        for fact in batch:
            key = (fact.tenant, fact.event.case_id)
            if isinstance(fact.event, Complained):
                state[key] = _begun(fact, fact.event)
            else:
                _follow(state[key], fact)
        return state

    async def write(self, connection: Connection, state: dict[Key, Case]) -> None:
        """Store the cases as they are now."""
        rows = [(*key, *_columns(case)) for key, case in sorted(state.items(), key=lambda item: item[0])]
        await connection.execute(self.sql("set_complaints"), *map(list, zip(*rows, strict=True)))


def _begun(fact: Fact, event: Complained) -> Case:
    return Case(
        customer=fact.subject,
        event_id=fact.event_id,
        category=event.category,
        severity=event.severity,
        channel=event.channel,
        channel_detail=event.channel_detail,
        attributes=event.attributes,
        occurred_at=fact.occurred_at,
    )


def _follow(case: Case, fact: Fact) -> None:
    match fact.event:
        case Classified(category=category, severity=severity):
            case.category, case.severity = category, severity or case.severity
        case Responded(attributes=attributes):
            case.responses += 1
            case.response_attributes = case.response_attributes | attributes
            case.first_responded_at = case.first_responded_at or fact.occurred_at
        case Resolved():
            case.resolved_at, case.state = fact.occurred_at, "resolved"
        case _:
            case.resolved_at, case.state = None, "reopened"


def _case(row: dict[str, object]) -> Case:
    del row["tenant_id"], row["case_id"]
    texts = {name: orjson.loads(str(row[name])) for name in ("attributes", "response_attributes")}
    ids = {name: str(row[name]) for name in ("customer", "event_id")}
    return Case(**(row | texts | ids))  # type: ignore[arg-type]  # the statement names exactly these columns


def _columns(case: Case) -> tuple[object, ...]:
    return (
        case.customer,
        case.event_id,
        case.category,
        case.severity,
        case.channel,
        case.channel_detail,
        orjson.dumps(case.attributes).decode(),
        case.occurred_at,
        case.responses,
        orjson.dumps(case.response_attributes).decode(),
        case.first_responded_at,
        case.resolved_at,
        case.state,
    )
