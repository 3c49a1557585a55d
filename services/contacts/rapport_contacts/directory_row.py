"""A customer as the directory keeps one, and how each fact changes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec
import orjson

from rapport_contacts.customer import ATTRIBUTE, PROFILE_FIELDS, Attribute
from rapport_contacts.personal import CHANGED, Kept, Personal, personal_of
from rapport_contacts.told import Told
from rapport_events.contracts.base import REDACTED
from rapport_events.view import Fact


class CreatedPii(msgspec.Struct):
    """Sealed values of a new customer."""

    names: str | None = None
    emails: str | None = None
    phones: str | None = None
    addresses: str | None = None
    external_ids: str | None = None


class Created(msgspec.Struct):
    """What a new customer's row begins with."""

    kind: str
    source: str
    attributes: dict[str, str | bool | int] = {}
    pii: CreatedPii | None = None


class Change(msgspec.Struct):
    """A field that changed; a new value in clear for attributes alone."""

    field: str
    new: str | bool | int | None = None


class ChangedPii(msgspec.Struct):
    """Sealed: all new values of a change together."""

    new: str | None = None


class Changed(msgspec.Struct):
    """What changes in a customer's row."""

    changes: list[Change]
    pii: ChangedPii | None = None


class Erased(msgspec.Struct):
    """The person is forgotten."""


@dataclass(frozen=True, slots=True)
class Row:
    """A customer as the directory keeps one."""

    partition: int
    version: int
    kind: str
    source: str
    known_at: datetime
    recorded_at: datetime
    attributes: Mapping[str, Attribute]
    personal: Personal
    found_by: Mapping[str, str] = field(default_factory=dict[str, str])
    """What search finds the customer by, as far as this batch says something new about it."""


def values_of(fact: Fact | Told) -> dict[str, Kept | None]:
    """Return the personal fields that a fact says something about; None for those that are unset from now on."""
    event = fact.event
    if isinstance(event, Created):
        names = CreatedPii.__struct_fields__ if event.pii else ()
        texts = {name: getattr(event.pii, name) for name in names}
        return {name: (fact.event_id, f"/pii/{name}", text) for name, text in texts.items() if text}
    text = event.pii.new if event.pii else None
    kept = (fact.event_id, CHANGED, text) if text else None
    return {change.field: kept for change in event.changes if change.field in PROFILE_FIELDS}


def attributes_of(fact: Fact | Told) -> dict[str, Attribute | None]:
    """Return the attributes that a fact says something about; None for those that are unset from now on."""
    if isinstance(fact.event, Created):
        return dict(fact.event.attributes)
    changes = [change for change in fact.event.changes if change.field.startswith(ATTRIBUTE)]
    return {change.field.removeprefix(ATTRIBUTE): change.new for change in changes}


def begin(fact: Fact, personal: Personal) -> Row:
    """Return the row of a new customer."""
    return Row(
        partition=fact.partition,
        version=fact.version,
        kind=fact.event.kind,
        source=fact.event.source,
        known_at=fact.occurred_at,
        recorded_at=fact.recorded_at,
        attributes=fact.event.attributes,
        personal=personal,
    )


def change(row: Row, fact: Fact, values: Mapping[str, Kept | None]) -> Row:
    """Return a customer's row after a change."""
    merged = {**row.personal, **values}
    attributes = {**row.attributes, **attributes_of(fact)}
    return replace(
        row,
        version=fact.version,
        attributes={name: value for name, value in attributes.items() if value is not None},
        personal={name: kept for name, kept in merged.items() if kept is not None},
    )


def erase(row: Row, fact: Fact) -> Row:
    """Return a customer's row without the person."""
    personal = {name: (event_id, pointer, REDACTED.text) for name, (event_id, pointer, _) in row.personal.items()}
    return replace(row, version=fact.version, personal=personal, found_by={})


def row_of(row: Mapping[str, object]) -> Row:
    """Read a row as the database has it."""
    columns = {name: value for name, value in row.items() if name not in {"tenant_id", "customer_id"}}
    columns["attributes"] = orjson.loads(str(row["attributes"]))
    columns["personal"] = personal_of(row)
    return Row(**columns)  # type: ignore[arg-type]  # the columns bear the fields' names
