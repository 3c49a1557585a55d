"""What we have learned of each customer, one row for each fact: what was true, and what we believed, at any moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import msgspec

from rapport_contacts.directory_row import Erased
from rapport_contacts.past import KINDS
from rapport_events.contracts.base import Event
from rapport_events.contracts.contacts import (
    CustomerCreated,
    CustomerIdentityLinked,
    CustomerIdentityUnlinked,
    CustomerProfileChanged,
)
from rapport_events.contracts.privacy import PrivacyErasureCompleted
from rapport_events.database import Connection
from rapport_events.rows import Row
from rapport_events.view import Batch, Fact, View

_KIND: Mapping[type[msgspec.Struct], str] = {struct: kind for kind, struct in KINDS.items()}


@dataclass(slots=True)
class Learned:
    """What a batch adds, and who is forgotten from now on."""

    rows: list[Row] = field(default_factory=list[Row])
    erased: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    """Tenant and customer."""


class History(View[None, Learned]):
    """Facts as directory and card fold them, kept with both of their times; only a person is ever taken out of them."""

    name = "history"
    package = "rapport_contacts"
    reads: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {
        CustomerCreated: KINDS["created"],
        CustomerProfileChanged: KINDS["changed"],
        CustomerIdentityLinked: KINDS["linked"],
        CustomerIdentityUnlinked: KINDS["unlinked"],
        PrivacyErasureCompleted: Erased,
    }

    def keys(self, batch: Batch) -> None:
        """Touch nothing beforehand: rows are only added."""

    async def load(self, connection: Connection, keys: None) -> Learned:
        """Begin with nothing learned."""
        return Learned()

    def fold(self, state: Learned, batch: Batch) -> Learned:
        """Make a row of each fact, and note who is forgotten: later facts about them come without the person."""
        for fact in batch:
            if isinstance(fact.event, Erased):
                state.erased.add((fact.tenant, fact.subject))
            else:
                state.rows.append(_row(fact))
        return state

    async def write(self, connection: Connection, state: Learned) -> None:
        """Add the rows, then take persons out of all rows of theirs."""
        if state.rows:
            await connection.execute(self.sql("history/add"), *map(list, zip(*state.rows, strict=True)))
        if state.erased:
            await connection.execute(self.sql("history/purge"), *map(list, zip(*sorted(state.erased), strict=True)))


def _row(fact: Fact) -> Row:
    """Keep what a fact says, its personal values apart."""
    said: dict[str, Any] = msgspec.to_builtins(fact.event)
    sealed: dict[str, str | None] = said.pop("pii", None) or {}
    personal = {name: text for name, text in sealed.items() if text is not None}
    return (
        fact.tenant,
        fact.subject,
        fact.recorded_at,
        fact.position,
        fact.partition,
        fact.occurred_at,
        fact.event_id,
        fact.arrived.headers["ce_actor"].decode(),
        _KIND[type(fact.event)],
        msgspec.json.encode(said).decode(),
        msgspec.json.encode(personal).decode(),
    )
