"""Customers at a moment of the past: the facts that count then, folded as the living read models fold them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
import orjson

from rapport_chassis.moments import Moment
from rapport_contacts.card_sheet import Identity, Linked, Unlinked, identity_of
from rapport_contacts.customer import Attribute
from rapport_contacts.directory_row import Changed, Created, attributes_of, values_of
from rapport_contacts.personal import Kept
from rapport_contacts.told import Told
from rapport_events.database import Connection
from rapport_events.ids import TenantId
from rapport_events.statements import load

KINDS: Final[Mapping[str, type[msgspec.Struct]]] = {
    "created": Created,
    "changed": Changed,
    "linked": Linked,
    "unlinked": Unlinked,
}
"""What a fact of the history says, by its kind; read as `said` and `personal` were written."""
_PROFILE: Final = ("created", "changed")
_IDENTITIES: Final = ("linked", "unlinked")


async def profile_facts(
    connection: Connection, tenant: TenantId, customers: Sequence[UUID], moment: Moment
) -> list[Told]:
    """Read what had been said of profiles; see `_facts` for the order."""
    return await _facts(connection, tenant, customers, _PROFILE, moment)


async def identity_facts(
    connection: Connection, tenant: TenantId, customers: Sequence[UUID], moment: Moment
) -> list[Told]:
    """Read what had been said of outside names; see `_facts` for the order."""
    return await _facts(connection, tenant, customers, _IDENTITIES, moment)


def profile_rows(facts: Iterable[Told]) -> dict[UUID, Mapping[str, Any]]:
    """
    Return the directory's rows as they were, by customer.

    Each field has the value that was said of it last. Who was not created yet has no row, whatever else is known.
    """
    begun: dict[UUID, Told] = {}
    personal: dict[UUID, dict[str, Kept | None]] = {}
    attributes: dict[UUID, dict[str, Attribute | None]] = {}
    for fact in facts:
        if isinstance(fact.event, Created):
            begun[fact.customer] = fact
        personal.setdefault(fact.customer, {}).update(values_of(fact))
        attributes.setdefault(fact.customer, {}).update(attributes_of(fact))
    return {
        customer: {
            "customer_id": customer,
            "kind": fact.event.kind,
            "source": fact.event.source,
            "known_at": fact.occurred_at,
            "recorded_at": fact.recorded_at,
            "attributes": _as_json(attributes[customer]),
            "personal": _as_json(personal[customer]),
        }
        for customer, fact in begun.items()
    }


def identities_by(facts: Iterable[Told]) -> list[Identity]:
    """Return the outside names that were linked, those of each id together."""
    linked: dict[UUID, dict[UUID, Identity]] = {}
    for fact in facts:
        mine = linked.setdefault(fact.customer, {})
        match fact.event:
            case Linked():
                mine[fact.event.linked_id] = identity_of(fact, fact.event)
            case Unlinked():
                mine.pop(fact.event.linked_id, None)
            case _:
                pass
    return [identity for _, mine in sorted(linked.items()) for identity in mine.values()]


async def _facts(
    connection: Connection, tenant: TenantId, customers: Sequence[UUID], kinds: Sequence[str], moment: Moment
) -> list[Told]:
    """Read facts in the order in which they happened; asked only for what we knew, in the order of their record."""
    statement = load("rapport_contacts", "history/facts")
    rows = await connection.fetch(statement, tenant, list(customers), list(kinds), *moment.limits)
    facts = [_told(dict(row)) for row in rows]
    if moment.as_of is None:
        return sorted(facts, key=lambda fact: fact.place)
    return sorted(facts, key=lambda fact: (fact.occurred_at, fact.place))


def _told(row: Mapping[str, Any]) -> Told:
    said = {**orjson.loads(row["said"]), "pii": orjson.loads(row["personal"])}
    return Told(
        customer=row["customer_id"],
        event_id=str(row["event_id"]),
        actor=row["actor"],
        partition=row["partition"],
        position=row["position"],
        occurred_at=row["occurred_at"],
        recorded_at=row["recorded_at"],
        event=msgspec.convert(said, KINDS[row["kind"]]),
    )


def _as_json(values: Mapping[str, object]) -> str:
    return orjson.dumps({name: value for name, value in values.items() if value is not None}).decode()
