"""What we know of one customer: profile, linked outside names, and what may be sent about what."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import ClassVar
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from rapport_chassis.moments import Moment, MomentShown
from rapport_chassis.reading import ReadAt
from rapport_chassis.standing import Freshness
from rapport_contacts.card_sheet import Identity, Linked, Sheet, Unlinked, as_json, identity_of, sheet_of
from rapport_contacts.errors import CustomerNotFound, CustomerNotKnownThen
from rapport_contacts.merged import Merge
from rapport_contacts.past import identities_by, identity_facts
from rapport_contacts.personal import Keys, key_ids_of, open_kept, shown
from rapport_contacts.profiles import NOT_SHOWN, Profile, read_rows
from rapport_contacts.views.consents import WordShown, read_words, standing_words
from rapport_events.contracts.base import Redacted, Sealed
from rapport_events.contracts.contacts import CustomerIdentityLinked, CustomerIdentityUnlinked
from rapport_events.database import Connection
from rapport_events.ids import TenantId
from rapport_events.statements import load
from rapport_events.view import Batch, View

router = APIRouter(tags=["customers"])

Key = tuple[TenantId, str]


class Card(View[set[Key], dict[Key, Sheet]]):
    """Linked outside names, one row for each id."""

    name = "card"
    package = "rapport_contacts"
    reads: ClassVar = {CustomerIdentityLinked: Linked, CustomerIdentityUnlinked: Unlinked}

    def keys(self, batch: Batch) -> set[Key]:
        """Name the customers of the batch."""
        return {(fact.tenant, fact.subject) for fact in batch}

    async def load(self, connection: Connection, keys: set[Key]) -> dict[Key, Sheet]:
        """Read their cards."""
        rows = await connection.fetch(self.sql("card/load"), *map(list, zip(*keys, strict=True)))
        return {(TenantId(row["tenant_id"]), str(row["customer_id"])): sheet_of(dict(row)) for row in rows}

    def fold(self, state: dict[Key, Sheet], batch: Batch) -> dict[Key, Sheet]:
        """Note identities."""
        for fact in batch:
            sheet = state.setdefault((fact.tenant, fact.subject), Sheet())
            match fact.event:
                case Linked():
                    sheet.identities[fact.event.linked_id] = identity_of(fact, fact.event)
                case _:
                    sheet.identities.pop(fact.event.linked_id, None)
        return state

    async def write(self, connection: Connection, state: dict[Key, Sheet]) -> None:
        """Store the cards."""
        sheets = sorted(state.items(), key=lambda item: item[0])
        rows = [(*key, as_json(list(sheet.identities.values()))) for key, sheet in sheets]
        await connection.execute(self.sql("card/upsert"), *map(list, zip(*rows, strict=True)))


class IdentityShown(BaseModel):
    """An outside name of the customer."""

    id: UUID = Field(description="The id that every service computes for this name.")
    kind: str
    system: str | None
    strength: str
    since: datetime
    value: str | None = Field(description=NOT_SHOWN)


class MergeShown(BaseModel):
    """A merge that holds in the party; `unmerge` takes it back."""

    customer_id: UUID = Field(description="The one that was merged.")
    survivor_id: UUID
    at: datetime
    choices: dict[str, str] = Field(description="Whose value shows, by field, where it is not the usual one.")
    event_id: UUID
    partition: int


class CardShown(Profile):
    """All that contacts knows of one customer, under all ids of the party."""

    identities: list[IdentityShown]
    merges: list[MergeShown]
    consents: list[WordShown] = Field(description="The words that still decide on some purpose and channel.")
    is_masked: bool
    moment: MomentShown | None = Field(description="What the answer is about; null: the present.")
    freshness: Freshness


@router.get("/v1/customers/{customer_id}")
async def show_customer(reading: ReadAt, customer_id: UUID) -> CardShown:
    """Show a customer; any id of the party names it."""
    tenant, moment = reading.caller.tenant, reading.moment
    at = moment.at(datetime.now(UTC))
    async with reading.rows() as connection:
        rows = await read_rows(connection, tenant, [customer_id], moment)
        members = list(rows.parties[customer_id].members)
        identities = await _identities(connection, tenant, members, moment)
        words = await read_words(connection, tenant, members, at, moment.limits[1])
    sealed = [(each.event_id, "/pii/value", each.sealed) for each in identities if each.sealed]
    keys = await reading.keys(rows.key_ids | key_ids_of(sealed))
    profile = rows.profile(customer_id, keys)
    if profile is None:
        raise (CustomerNotFound if moment.is_now else CustomerNotKnownThen)(customer_id=customer_id)
    views = ("directory", "card") if moment.is_now else ("history",)
    freshness = await reading.freshness(*views, "merges", "consents", "parties")
    return CardShown(
        **profile.model_dump(),
        identities=[_identity_shown(identity, tenant, keys) for identity in identities],
        merges=[_merge_shown(merge) for merge in rows.merges.values()],
        consents=standing_words(words, at),
        is_masked=reading.is_masked,
        moment=moment.shown(freshness),
        freshness=freshness,
    )


def _merge_shown(merge: Merge) -> MergeShown:
    return MergeShown(
        customer_id=merge.customer_id,
        survivor_id=merge.survivor_id,
        at=merge.merged_at,
        choices=dict(merge.choices),
        event_id=merge.event_id,
        partition=merge.partition,
    )


async def _identities(
    connection: Connection, tenant: TenantId, members: Sequence[UUID], moment: Moment
) -> list[Identity]:
    """Read the outside names of a party."""
    if not moment.is_now:
        return identities_by(await identity_facts(connection, tenant, members, moment))
    found = await connection.fetch(load("rapport_contacts", "card/rows"), tenant, members)
    sheets = [sheet_of(dict(row)) for row in found]
    return [identity for sheet in sheets for identity in sheet.identities.values()]


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
