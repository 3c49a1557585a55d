"""Addresses: where customers can be written to, sealed as they came, and opened only when a mail is sent."""

from dataclasses import dataclass, field
from typing import ClassVar
from uuid import UUID

import msgspec

from rapport_events.contracts.contacts import CustomerCreated, CustomerProfileChanged
from rapport_events.contracts.privacy import PrivacyErasureCompleted
from rapport_events.database import Connection
from rapport_events.view import Batch, Fact, View

FIELDS = ("emails", "names")
CHANGED = "/pii/new"
"""Where a change keeps the new values of all its fields together."""


class CreatedPii(msgspec.Struct):
    """Sealed values of a new customer."""

    emails: str | None = None
    names: str | None = None


class Created(msgspec.Struct):
    """A customer becomes known."""

    pii: CreatedPii | None = None


class Change(msgspec.Struct):
    """A field that changed."""

    field: str


class ChangedPii(msgspec.Struct):
    """Sealed: all new values of a change together."""

    new: str | None = None


class Changed(msgspec.Struct):
    """A profile changes."""

    changes: list[Change]
    pii: ChangedPii | None = None


class Erased(msgspec.Struct):
    """A person was forgotten."""


Key = tuple[str, UUID, str]
"""Tenant, customer and field."""
Value = tuple[UUID, str, str | None]
"""Event id, pointer and sealed value."""


@dataclass(slots=True)
class Changes:
    """The last value of each field, and who is to be forgotten first."""

    values: dict[Key, Value] = field(default_factory=dict[Key, Value])
    erased: set[tuple[str, UUID]] = field(default_factory=set[tuple[str, UUID]])


class Addresses(View[None, Changes]):
    """One row for each field of a customer."""

    name = "addresses"
    package = "rapport_workflow"
    reads: ClassVar = {CustomerCreated: Created, CustomerProfileChanged: Changed, PrivacyErasureCompleted: Erased}

    def keys(self, batch: Batch) -> None:
        """Touch nothing beforehand: the last word on a field is all that is kept."""

    async def load(self, connection: Connection, keys: None) -> Changes:
        """Begin with nothing."""
        return Changes()

    def fold(self, state: Changes, batch: Batch) -> Changes:
        """Take the last value of each field; of an erased person none is left."""
        for fact in batch:
            customer = (fact.tenant, UUID(fact.subject))
            if isinstance(fact.event, Erased):
                state.erased.add(customer)
                for name in FIELDS:
                    state.values.pop((*customer, name), None)
                continue
            for name, pointer, sealed in _values(fact):
                state.values[*customer, name] = (UUID(fact.event_id), pointer, sealed)
        return state

    async def write(self, connection: Connection, state: Changes) -> None:
        """Forget the ones, store the others."""
        if state.erased:
            columns = map(list, zip(*sorted(state.erased), strict=True))
            await connection.execute(self.sql("addresses/erase"), *columns)
        if state.values:
            rows = sorted((*key, *value) for key, value in state.values.items())
            await connection.execute(self.sql("addresses/set"), *map(list, zip(*rows, strict=True)))


def _values(fact: Fact) -> list[tuple[str, str, str | None]]:
    event: Created | Changed = fact.event
    if isinstance(event, Created):
        pii = event.pii or CreatedPii()
        sealed = {"emails": pii.emails, "names": pii.names}
        return [(name, f"/pii/{name}", text) for name, text in sealed.items() if text is not None]
    text = event.pii.new if event.pii else None
    return [(change.field, CHANGED, text) for change in event.changes if change.field in FIELDS]
