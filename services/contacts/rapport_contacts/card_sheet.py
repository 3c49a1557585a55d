"""What the card keeps of one id, and how each fact changes it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

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


class Granted(msgspec.Struct):
    """A consent is given."""

    purpose: str
    wording_version: str
    channel: str | None = None
    valid_until: datetime | None = None


class Withdrawn(msgspec.Struct):
    """A consent is taken back."""

    purpose: str
    channel: str | None = None


class Identity(msgspec.Struct, frozen=True):
    """A linked outside name as the card keeps it."""

    linked_id: UUID
    kind: str
    system: str | None
    strength: str
    since: datetime
    event_id: str
    sealed: str | None


class Consent(msgspec.Struct, frozen=True):
    """The last word on a purpose and channel (None: all), and its place in the suite's order."""

    purpose: str
    channel: str | None
    is_granted: bool
    at: datetime
    wording_version: str | None
    valid_until: datetime | None
    order: tuple[datetime, int, int]


_IDENTITIES = msgspec.json.Decoder(list[Identity])
_CONSENTS = msgspec.json.Decoder(list[Consent])


@dataclass(slots=True)
class Sheet:
    """The card of one id."""

    identities: dict[UUID, Identity] = field(default_factory=dict[UUID, Identity])
    consents: list[Consent] = field(default_factory=list[Consent])


def last_words(consents: Iterable[Consent]) -> list[Consent]:
    """Keep the last word on each purpose and channel; a withdrawal for all channels ends those for single ones."""
    last: dict[tuple[str, str | None], Consent] = {}
    for said in sorted(consents, key=lambda consent: consent.order):
        if said.channel is None and not said.is_granted:
            last = {name: consent for name, consent in last.items() if name[0] != said.purpose}
        last[said.purpose, said.channel] = said
    return list(last.values())


def identity_of(fact: Fact, event: Linked) -> Identity:
    """Make what the card keeps of a linked name."""
    sealed = event.pii.value if event.pii else None
    return Identity(event.linked_id, event.kind, event.system, event.strength, fact.occurred_at, fact.event_id, sealed)


def consent_of(fact: Fact) -> Consent:
    """Make what the card keeps of a word on a consent."""
    event: Granted | Withdrawn = fact.event
    return Consent(
        purpose=event.purpose,
        channel=event.channel,
        is_granted=isinstance(event, Granted),
        at=fact.occurred_at,
        wording_version=event.wording_version if isinstance(event, Granted) else None,
        valid_until=event.valid_until if isinstance(event, Granted) else None,
        order=(fact.recorded_at, fact.partition, fact.position),
    )


def sheet_of(row: Mapping[str, Any]) -> Sheet:
    """Read a row as the database has it."""
    identities = _IDENTITIES.decode(row["identities"])
    return Sheet({identity.linked_id: identity for identity in identities}, _CONSENTS.decode(row["consents"]))


def as_json(value: object) -> str:
    """Return a value as the database takes it."""
    return msgspec.json.encode(value).decode()
