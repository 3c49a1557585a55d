"""Since when each field of a customer has its value, who said so, and in which event."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field, JsonValue

from rapport_chassis.moments import MomentShown
from rapport_chassis.reading import ReadAt
from rapport_chassis.standing import Freshness
from rapport_contacts.customer import ATTRIBUTE, Attribute
from rapport_contacts.directory_row import Created, attributes_of, values_of
from rapport_contacts.errors import CustomerNotFound, CustomerNotKnownThen
from rapport_contacts.past import profile_facts
from rapport_contacts.personal import Kept, Keys, key_ids_of, open_kept, shown
from rapport_contacts.profiles import NOT_SHOWN
from rapport_contacts.told import Told
from rapport_events.contracts.base import Redacted, Sealed
from rapport_events.ids import TenantId
from rapport_events.parties import parties_of

router = APIRouter(tags=["customers"])

Said = Kept | Attribute | None
"""A sealed value, a value in clear, or None for a field that was unset."""


class FieldShown(BaseModel):
    """A field, what was said of it last, and where that stands."""

    customer_id: UUID = Field(description="The id of the party under which it was said.")
    field: str = Field(description="`kind`, `source`, `names`, `emails`, …, or `attributes.<name>`.")
    value: JsonValue = Field(description=f"Null: it was unset. {NOT_SHOWN}")
    since: datetime = Field(description="Since when it has been so.")
    recorded_at: datetime = Field(description="When we learned of it.")
    actor: str = Field(description="Who said so: an opaque id of an employee or a machine.")
    event_id: UUID
    partition: int


class Fields(BaseModel):
    """Every field of all ids of a party; which of them show on the card, the party's merges decide."""

    fields: list[FieldShown]
    is_masked: bool
    moment: MomentShown | None = Field(description="What the answer is about; null: the present.")
    freshness: Freshness


@router.get("/v1/customers/{customer_id}/fields")
async def list_fields(reading: ReadAt, customer_id: UUID) -> Fields:
    """Say of each field since when it has its value, by whom, and from which event."""
    tenant, moment = reading.caller.tenant, reading.moment
    async with reading.rows() as connection:
        asked = (tenant, customer_id)
        party = (await parties_of(connection, [asked], known_at=moment.known_at))[asked]
        facts = await profile_facts(connection, tenant, party.members, moment)
    if not any(isinstance(fact.event, Created) for fact in facts):
        raise (CustomerNotFound if moment.is_now else CustomerNotKnownThen)(customer_id=customer_id)
    last = _last_said(facts)
    keys = await reading.keys(key_ids_of(said for _, said in last.values() if isinstance(said, tuple)))
    ranked = sorted(last.items(), key=lambda item: (item[0][0] != party.root, item[0]))
    freshness = await reading.freshness("history", "parties")
    return Fields(
        fields=[_shown(name, fact, said, tenant, keys) for (_, name), (fact, said) in ranked],
        is_masked=reading.is_masked,
        moment=moment.shown(freshness),
        freshness=freshness,
    )


def _last_said(facts: Iterable[Told]) -> dict[tuple[UUID, str], tuple[Told, Said]]:
    """Return the last word on each field of each id; the facts stand in the order that counts."""
    last: dict[tuple[UUID, str], tuple[Told, Said]] = {}
    for fact in facts:
        said: dict[str, Said] = {**values_of(fact)}
        said |= {f"{ATTRIBUTE}{name}": value for name, value in attributes_of(fact).items()}
        if isinstance(fact.event, Created):
            said |= {"kind": fact.event.kind, "source": fact.event.source}
        last |= {(fact.customer, name): (fact, value) for name, value in said.items()}
    return last


def _shown(name: str, fact: Told, said: Said, tenant: TenantId, keys: Keys) -> FieldShown:
    value: JsonValue
    if isinstance(said, tuple):
        opened = open_kept(said, name, tenant, keys)
        value = shown(opened) if isinstance(opened, Redacted | Sealed) else opened
    else:
        value = said
    return FieldShown(
        customer_id=fact.customer,
        field=name,
        value=value,
        since=fact.occurred_at,
        recorded_at=fact.recorded_at,
        actor=fact.actor,
        event_id=UUID(fact.event_id),
        partition=fact.partition,
    )
