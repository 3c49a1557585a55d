"""What the card keeps of one id, and how each fact changes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from rapport_contacts.told import Told
from rapport_events.view import Fact


class LinkedPii(msgspec.Struct):
    """The outside name, sealed."""

    value: str | None = None


class Linked(msgspec.Struct):
    """An outside name becomes the customer's."""

    linked_id: UUID
    kind: str
    strength: str
    system: str | None = None
    pii: LinkedPii | None = None


class Unlinked(msgspec.Struct):
    """An outside name is not the customer's any more."""

    linked_id: UUID


class Identity(msgspec.Struct, frozen=True):
    """A linked outside name as the card keeps it."""

    linked_id: UUID
    kind: str
    system: str | None
    strength: str
    since: datetime
    event_id: str
    sealed: str | None


_IDENTITIES = msgspec.json.Decoder(list[Identity])


@dataclass(slots=True)
class Sheet:
    """The card of one id."""

    identities: dict[UUID, Identity] = field(default_factory=dict[UUID, Identity])


def identity_of(fact: Fact | Told, event: Linked) -> Identity:
    """Make what the card keeps of a linked name."""
    sealed = event.pii.value if event.pii else None
    return Identity(event.linked_id, event.kind, event.system, event.strength, fact.occurred_at, fact.event_id, sealed)


def sheet_of(row: Mapping[str, Any]) -> Sheet:
    """Read a row as the database has it."""
    identities = _IDENTITIES.decode(row["identities"])
    return Sheet({identity.linked_id: identity for identity in identities})


def as_json(value: object) -> str:
    """Return a value as the database takes it."""
    return msgspec.json.encode(value).decode()
