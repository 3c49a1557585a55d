"""What we know of one customer: profile, linked outside names, and what may be sent about what."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter
from pydantic import BaseModel, Field

from rapport_chassis.reading import Read
from rapport_chassis.standing import Freshness
from rapport_contacts.errors import CustomerNotFound
from rapport_contacts.personal import Keys, key_ids_of, open_kept, shown
from rapport_contacts.profiles import NOT_SHOWN, Profile, read_rows
from rapport_events.contracts.base import Redacted, Sealed
from rapport_events.contracts.contacts import (
    ConsentGranted,
    ConsentWithdrawn,
    CustomerIdentityLinked,
    CustomerIdentityUnlinked,
)
from rapport_events.database import Connection
from rapport_events.ids import TenantId
from rapport_events.statements import load
from rapport_events.view import Batch, Fact, View

router = APIRouter(tags=["customers"])

Key = tuple[TenantId, str]


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


class Card(View[set[Key], dict[Key, Sheet]]):
    """Linked outside names and consents, one row for each id."""

    name = "card"
    package = "rapport_contacts"
    reads: ClassVar = {
        CustomerIdentityLinked: Linked,
        CustomerIdentityUnlinked: Unlinked,
        ConsentGranted: Granted,
        ConsentWithdrawn: Withdrawn,
    }

    def keys(self, batch: Batch) -> set[Key]:
        """Name the customers of the batch."""
        return {(fact.tenant, fact.subject) for fact in batch}

    async def load(self, connection: Connection, keys: set[Key]) -> dict[Key, Sheet]:
        """Read their cards."""
        rows = await connection.fetch(self.sql("card/load"), *map(list, zip(*keys, strict=True)))
        return {(TenantId(row["tenant_id"]), str(row["customer_id"])): _sheet(dict(row)) for row in rows}

    def fold(self, state: dict[Key, Sheet], batch: Batch) -> dict[Key, Sheet]:
        """Note identities and consents."""
        for fact in batch:
            sheet = state.setdefault((fact.tenant, fact.subject), Sheet())
            match fact.event:
                case Linked():
                    sheet.identities[fact.event.linked_id] = _identity(fact, fact.event)
                case Unlinked():
                    sheet.identities.pop(fact.event.linked_id, None)
                case _:
                    sheet.consents = last_words([*sheet.consents, _consent(fact)])
        return state

    async def write(self, connection: Connection, state: dict[Key, Sheet]) -> None:
        """Store the cards."""
        sheets = sorted(state.items(), key=lambda item: item[0])
        rows = [(*key, _json(list(sheet.identities.values())), _json(sheet.consents)) for key, sheet in sheets]
        await connection.execute(self.sql("card/upsert"), *map(list, zip(*rows, strict=True)))


def last_words(consents: Iterable[Consent]) -> list[Consent]:
    """Keep the last word on each purpose and channel; a withdrawal for all channels ends those for single ones."""
    last: dict[tuple[str, str | None], Consent] = {}
    for said in sorted(consents, key=lambda consent: consent.order):
        if said.channel is None and not said.is_granted:
            last = {name: consent for name, consent in last.items() if name[0] != said.purpose}
        last[said.purpose, said.channel] = said
    return list(last.values())


def _identity(fact: Fact, event: Linked) -> Identity:
    sealed = event.pii.value if event.pii else None
    return Identity(event.linked_id, event.kind, event.system, event.strength, fact.occurred_at, fact.event_id, sealed)


def _consent(fact: Fact) -> Consent:
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


def _sheet(row: Mapping[str, Any]) -> Sheet:
    identities = _IDENTITIES.decode(row["identities"])
    return Sheet({identity.linked_id: identity for identity in identities}, _CONSENTS.decode(row["consents"]))


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


class IdentityShown(BaseModel):
    """An outside name of the customer."""

    id: UUID = Field(description="The id that every service computes for this name.")
    kind: str
    system: str | None
    strength: str
    since: datetime
    value: str | None = Field(description=NOT_SHOWN)


class ConsentShown(BaseModel):
    """The last word on a purpose and channel."""

    purpose: str
    channel: str | None = Field(description="The channel that it is limited to; null: all.")
    state: Literal["granted", "withdrawn"]
    at: datetime
    wording_version: str | None
    valid_until: datetime | None


class CardShown(Profile):
    """All that contacts knows of one customer, under all ids of the party."""

    identities: list[IdentityShown]
    consents: list[ConsentShown]
    is_masked: bool
    freshness: Freshness


@router.get("/v1/customers/{customer_id}")
async def show_customer(reading: Read, customer_id: UUID) -> CardShown:
    """Show a customer; any id of the party names it."""
    tenant = reading.caller.tenant
    async with reading.rows() as connection:
        rows = await read_rows(connection, tenant, [customer_id])
        members = list(rows.parties[customer_id].members)
        found = await connection.fetch(load("rapport_contacts", "card/rows"), tenant, members)
    sheets = [_sheet(dict(row)) for row in found]
    identities = [identity for sheet in sheets for identity in sheet.identities.values()]
    sealed = [(each.event_id, "/pii/value", each.sealed) for each in identities if each.sealed]
    keys = await reading.keys(rows.key_ids | key_ids_of(sealed))
    profile = rows.profile(customer_id, keys)
    if profile is None:
        raise CustomerNotFound(customer_id=customer_id)
    return CardShown(
        **profile.model_dump(),
        identities=[_identity_shown(identity, tenant, keys) for identity in identities],
        consents=_consents_shown(sheets),
        is_masked=reading.is_masked,
        freshness=await reading.freshness("directory", "card", "parties"),
    )


def _identity_shown(identity: Identity, tenant: TenantId, keys: Keys) -> IdentityShown:
    value: object = None
    if identity.sealed:
        value = open_kept((identity.event_id, "/pii/value", identity.sealed), "value", tenant, keys)
    return IdentityShown(
        id=identity.linked_id,
        kind=identity.kind,
        system=identity.system,
        strength=identity.strength,
        since=identity.since,
        value=shown(value) if isinstance(value, Redacted | Sealed) else None if value is None else str(value),
    )


def _consents_shown(sheets: Sequence[Sheet]) -> list[ConsentShown]:
    return [
        ConsentShown(
            purpose=consent.purpose,
            channel=consent.channel,
            state="granted" if consent.is_granted else "withdrawn",
            at=consent.at,
            wording_version=consent.wording_version,
            valid_until=consent.valid_until,
        )
        for consent in last_words(consent for sheet in sheets for consent in sheet.consents)
    ]
