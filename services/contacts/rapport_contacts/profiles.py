"""What is shown of customers: the rows of all ids of a party together, opened as far as the caller may see them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import orjson
from pydantic import BaseModel, Field

from rapport_chassis.moments import NOW, Moment
from rapport_contacts.combining import LISTS, Tree
from rapport_contacts.customer import ATTRIBUTE, Attribute
from rapport_contacts.merged import Merge, read_merges
from rapport_contacts.past import profile_facts, profile_rows
from rapport_contacts.personal import Keys, Personal, key_ids_of, open_kept, personal_of, shown
from rapport_events.contracts.base import Redacted, Sealed
from rapport_events.database import Connection
from rapport_events.ids import TenantId
from rapport_events.parties import Party, parties_of
from rapport_events.statements import load

NOT_SHOWN = 'An erased value is shown as "redacted", a closed one as "masked".'


class Profile(BaseModel):
    """A customer as the caller may see it."""

    id: UUID = Field(description="The id that the others were linked to.")
    ids: list[UUID] = Field(description="All ids that are this one party.")
    kind: str
    source: str
    known_at: datetime = Field(description="Since when the customer is known.")
    name: str | None = Field(description=NOT_SHOWN)
    emails: list[str]
    phones: list[str]
    addresses: list[dict[str, object] | str]
    external_ids: list[dict[str, str] | str] = Field(description="Names in other systems: system and value.")
    attributes: dict[str, str | bool | int]


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of some customers' parties."""

    tenant: TenantId
    parties: Mapping[UUID, Party]
    """By the id that was asked for."""
    by_id: Mapping[UUID, Mapping[str, Any]]
    merges: Mapping[UUID, Merge] = field(default_factory=dict[UUID, Merge])
    """Those that hold in these parties, by the id that was merged."""

    @property
    def key_ids(self) -> set[str]:
        """Ids of all keys that are needed to show them."""
        return set[str]().union(*(key_ids_of(personal_of(row).values()) for row in self.by_id.values()))

    def stands_for_party(self, customer: UUID) -> bool:
        """Say whether an id is the one under which a list of the past shows its party: the root, if it was known."""
        party = self.parties[customer]
        known = [member for member in (party.root, *party.members) if member in self.by_id]
        return customer == next(iter(known), None)

    def profile(self, customer: UUID, keys: Keys) -> Profile | None:
        """Combine what is known under all ids of a customer's party; None where nothing is."""
        party = self.parties[customer]
        merges = {member: self.merges[member].choices for member in party.parents if member in self.merges}
        return self.combined(Tree(party, merges), keys)

    def combined(self, tree: Tree, keys: Keys) -> Profile | None:
        """Combine what is known under the ids of a tree; None where nothing is."""
        return _combine(tree, self.by_id, self.tenant, keys) if self.by_id.keys() & set(tree.party.members) else None


async def read_rows(connection: Connection, tenant: TenantId, customers: Sequence[UUID], moment: Moment = NOW) -> Rows:
    """Read all that the directory holds, or held at a moment of the past, of these customers' parties."""
    ids = [(tenant, customer) for customer in customers]
    parties = await parties_of(connection, ids, known_at=moment.known_at)
    members = list({member for party in parties.values() for member in party.members})
    by_customer = {customer: party for (_, customer), party in parties.items()}
    merges = await read_merges(connection, tenant, members, moment.limits[1])
    if not moment.is_now:
        by_id = profile_rows(await profile_facts(connection, tenant, members, moment))
    else:
        rows = await connection.fetch(load("rapport_contacts", "directory/rows"), tenant, members)
        by_id = {row["customer_id"]: dict(row) for row in rows}
    return Rows(tenant, by_customer, by_id, merges)


def _combine(tree: Tree, by_id: Mapping[UUID, Mapping[str, Any]], tenant: TenantId, keys: Keys) -> Profile:
    def ranked(name: str) -> list[Mapping[str, Any]]:
        return [by_id[member] for member in tree.ranked(name) if member in by_id]

    def values(name: str) -> list[Personal]:
        return [personal_of(row) for row in ranked(name)]

    opened = {name: _open(name, values(name), tenant, keys) for name in LISTS}
    attributes = {str(row["customer_id"]): orjson.loads(row["attributes"]) for row in ranked("attributes")}
    return Profile(
        id=tree.party.root,
        ids=list(tree.party.members),
        kind=ranked("kind")[0]["kind"],
        source=ranked("source")[0]["source"],
        known_at=min(row["known_at"] for row in ranked("known_at")),
        name=_name(values("names"), tenant, keys),
        emails=cast("list[str]", opened["emails"]),
        phones=cast("list[str]", opened["phones"]),
        addresses=cast("list[dict[str, object] | str]", opened["addresses"]),
        external_ids=cast("list[dict[str, str] | str]", opened["external_ids"]),
        attributes=_attributes(tree, attributes),
    )


def _attributes(tree: Tree, known: Mapping[str, Mapping[str, Attribute]]) -> dict[str, Attribute]:
    """Return for each attribute the first value of those that show."""
    shown: dict[str, Attribute] = {}
    for name in dict.fromkeys(name for attributes in known.values() for name in attributes):
        for member in tree.ranked(f"{ATTRIBUTE}{name}"):
            if name in known.get(str(member), {}):
                shown[name] = known[str(member)][name]
                break
    return shown


def _name(personal: Iterable[Personal], tenant: TenantId, keys: Keys) -> str | None:
    """Return the first name that can be read; else what is shown in its place."""
    instead: str | None = None
    for values in personal:
        if (kept := values.get("names")) is None:
            continue
        name = open_kept(kept, "names", tenant, keys)
        if isinstance(name, dict):
            return str(name["display"])
        if isinstance(name, Redacted | Sealed):
            instead = instead or shown(name)
    return instead


def _open(name: str, personal: Iterable[Personal], tenant: TenantId, keys: Keys) -> list[object]:
    """Return a list of all values of a field, each once, in the order of the ids."""
    found: list[object] = []
    for values in personal:
        if (kept := values.get(name)) is None:
            continue
        value = open_kept(kept, name, tenant, keys)
        several = [shown(value)] if isinstance(value, Redacted | Sealed) else value
        found += [one for one in several if one not in found] if isinstance(several, list) else []
    return found
