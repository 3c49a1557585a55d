"""A case as its view keeps one, and how each fact changes it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from rapport_events.view import Fact


class ComplainedPii(msgspec.Struct):
    """The customer's words, sealed."""

    text: str | None = None


class Complained(msgspec.Struct):
    """A case begins."""

    category: str
    channel: str
    case_ref: str | None = None
    severity: str | None = None
    channel_detail: str | None = None
    attributes: dict[str, str | bool | int] = {}
    pii: ComplainedPii | None = None


class Classified(msgspec.Struct):
    """What kind of case it is."""

    category: str
    severity: str | None = None
    department: str | None = None


class Assigned(msgspec.Struct):
    """Whose case it is."""

    agent_id: str | None = None
    department: str | None = None


class Responded(msgspec.Struct):
    """The customer was answered."""

    attributes: dict[str, str | bool | int] = {}


class Resolved(msgspec.Struct):
    """It is settled."""

    resolution_code: str


class Reopened(msgspec.Struct):
    """It is open again."""


class Detail(msgspec.Struct, frozen=True):
    """The rest of what is told of a case."""

    channel: str
    channel_detail: str | None = None
    case_ref: str | None = None
    attributes: dict[str, str | bool | int] = {}
    responses: int = 0
    response_attributes: dict[str, str | bool | int] = {}
    """Those of the last answer that has them."""
    resolution_code: str | None = None
    reopenings: int = 0


class Row(msgspec.Struct, frozen=True):
    """A case as the view keeps one; its fields are the columns after the key."""

    customer_id: str
    status: str
    category: str
    severity: str | None
    department: str | None
    agent_id: str | None
    complained_at: datetime
    responded_at: datetime | None
    resolved_at: datetime | None
    detail: Detail
    event_id: str
    complaint: str | None


DETAIL: Final = msgspec.json.Decoder(Detail)
_change = msgspec.structs.replace


def begin(fact: Fact, event: Complained) -> Row:
    """Return the row with which a case begins."""
    return Row(
        customer_id=fact.subject,
        status="open",
        category=event.category,
        severity=event.severity,
        department=None,
        agent_id=None,
        complained_at=fact.occurred_at,
        responded_at=None,
        resolved_at=None,
        detail=Detail(event.channel, event.channel_detail, event.case_ref, event.attributes),
        event_id=fact.event_id,
        complaint=event.pii.text if event.pii else None,
    )


def go_on(row: Row, fact: Fact) -> Row:
    """Return the row of a case after one more fact."""
    event, detail = fact.event, row.detail
    match event:
        case Classified():
            known = {"severity": event.severity or row.severity, "department": event.department or row.department}
            return _change(row, category=event.category, **known)
        case Assigned():
            return _change(row, agent_id=event.agent_id, department=event.department or row.department)
        case Responded():
            told = event.attributes or detail.response_attributes
            answered = _change(detail, responses=detail.responses + 1, response_attributes=told)
            return _change(row, responded_at=row.responded_at or fact.occurred_at, detail=answered)
        case Resolved():
            settled = _change(detail, resolution_code=event.resolution_code)
            return _change(row, status="resolved", resolved_at=fact.occurred_at, detail=settled)
        case _:
            again = _change(detail, resolution_code=None, reopenings=detail.reopenings + 1)
            return _change(row, status="open", resolved_at=None, detail=again)


def row_of(row: Mapping[str, Any]) -> Row:
    """Read a row as the database has it."""
    values: dict[str, Any] = {name: row[name] for name in Row.__struct_fields__}
    values |= {"customer_id": str(row["customer_id"]), "event_id": str(row["event_id"])}
    values["detail"] = DETAIL.decode(row["detail"])
    return Row(**values)


def plain(value: object) -> object:
    """Return a value as the database takes it."""
    return msgspec.json.encode(value).decode() if isinstance(value, Detail) else value
