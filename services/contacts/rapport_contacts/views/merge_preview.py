"""What a merge would make of two customers: both cards, where they differ, and the card that the party would have."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Final, Literal, cast
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, JsonValue

from rapport_chassis.reading import Read, Reading
from rapport_chassis.standing import Freshness
from rapport_contacts.combining import LISTS, Tree
from rapport_contacts.commands.merge_customers import HANDLER, MergeCustomers, decide
from rapport_contacts.customer import ATTRIBUTE, Customer
from rapport_contacts.errors import CustomerNotFound, SurvivorNotFound
from rapport_contacts.profiles import Profile, Rows, read_rows
from rapport_events.beside import look_beside
from rapport_events.command import CustomerRef, Occasion, Request
from rapport_events.contracts.contacts import FieldChoice
from rapport_events.errors import Refusal
from rapport_events.parties import Party

router = APIRouter(tags=["customers"])

FIELDS: Final[Mapping[str, str]] = {
    "kind": "kind",
    "names": "name",
    "emails": "emails",
    "phones": "phones",
    "addresses": "addresses",
}
"""What can be chosen, by the name that events give it; what a profile calls it."""
Keep = Literal["survivor", "merged", "both"]


class Difference(BaseModel):
    """A field in which the two differ."""

    field: str = Field(description="As a choice names it.")
    merged: JsonValue
    survivor: JsonValue
    choices: list[Keep]
    keep: Keep = Field(description="What is chosen, or what would show without a choice.")


class Refused(BaseModel):
    """Why the merge would be refused."""

    code: str
    sentence: str


class MergePreview(BaseModel):
    """What a merge would make of two customers."""

    customer: Profile
    survivor: Profile
    differences: list[Difference]
    result: Profile | None = Field(description="The card of the party; null where the merge would be refused.")
    refused: Refused | None
    is_masked: bool
    freshness: Freshness


@router.get("/v1/customers/{customer_id}/merge-preview")
async def preview_merge(
    reading: Read,
    customer_id: UUID,
    survivor: UUID,
    keep: Annotated[
        tuple[Annotated[str, Query(pattern="^[^:]{1,200}:(survivor|merged|both)$")], ...],
        Query(max_length=50, description="Choices, for example `names:merged`."),
    ] = (),
) -> MergePreview:
    """Show what merging a customer into a survivor would make of them, with these choices; nothing is recorded."""
    parts = [choice.rpartition(":") for choice in keep]
    choices: dict[str, Keep] = {field: cast("Keep", kept) for field, _, kept in parts}
    wish = MergeCustomers(
        customer=CustomerRef(id=customer_id),
        survivor_id=survivor,
        field_choices=tuple(FieldChoice(field=field, keep=kept) for field, kept in choices.items()),
    )
    async with reading.rows() as connection:
        rows = await read_rows(connection, reading.caller.tenant, [customer_id, survivor])
    refusal = await _refusal(reading, wish, rows.parties)
    keys = await reading.keys(rows.key_ids)
    ours, theirs = rows.profile(customer_id, keys), rows.profile(survivor, keys)
    if ours is None:
        raise CustomerNotFound(customer_id=customer_id)
    if theirs is None:
        raise SurvivorNotFound(survivor_id=survivor)
    return MergePreview(
        customer=ours,
        survivor=theirs,
        differences=_differences(ours, theirs, choices),
        result=None if refusal else rows.combined(_merged(rows, customer_id, survivor, choices), keys),
        refused=Refused(code=refusal.code, sentence=refusal.sentence) if refusal else None,
        is_masked=reading.is_masked,
        freshness=await reading.freshness("directory", "merges", "parties"),
    )


async def _refusal(reading: Reading, wish: MergeCustomers, parties: Mapping[UUID, Party]) -> Refusal | None:
    """Decide as the command would, and say with which refusal."""
    tenant, store = reading.caller.tenant, reading.store
    customer = wish.customer.id or wish.survivor_id

    async def find(_tenant: object, _customers: object) -> Mapping[UUID, Party]:
        return parties

    request = Request(tenant, reading.caller.subject, HANDLER, wish, "")
    (beside,) = await look_beside(store.ledger, find, tenant, [(request, customer, [customer, wish.survivor_id])])
    own: Customer = beside.others[customer]
    now = datetime.now(UTC)
    occasion = Occasion(tenant, str(customer), customer, now, now, others=beside.others, parties=parties)
    try:
        decide(wish, own, occasion)
    except Refusal as refusal:
        return refusal
    return None


def _merged(rows: Rows, customer: UUID, survivor: UUID, choices: Mapping[str, Keep]) -> Tree:
    """Hang the one's party under the other's root."""
    child, parent = rows.parties[customer], rows.parties[survivor]
    members = tuple(sorted({*child.members, *parent.members}))
    party = replace(parent, members=members, parents={**parent.parents, **child.parents, child.root: parent.root})
    return Tree(party, {**{id_: merge.choices for id_, merge in rows.merges.items()}, child.root: choices})


def _differences(merged: Profile, survivor: Profile, choices: Mapping[str, Keep]) -> list[Difference]:
    ours, theirs = (profile.model_dump(mode="json") for profile in (merged, survivor))
    pairs = [(field, ours[name], theirs[name]) for field, name in FIELDS.items()]
    names = sorted({*merged.attributes, *survivor.attributes})
    pairs += [(f"{ATTRIBUTE}{name}", merged.attributes.get(name), survivor.attributes.get(name)) for name in names]
    return [_difference(*pair, choices) for pair in pairs if pair[1] != pair[2]]


def _difference(field: str, merged: JsonValue, survivor: JsonValue, choices: Mapping[str, Keep]) -> Difference:
    single: list[Keep] = ["survivor", "merged"]
    possible: list[Keep] = ["both", *single] if field in LISTS else single
    return Difference(
        field=field, merged=merged, survivor=survivor, choices=possible, keep=choices.get(field, possible[0])
    )
