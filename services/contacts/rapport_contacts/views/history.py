"""What we have learned of each customer, one row for each fact: what was true, and what we believed, at any moment."""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from rapport_contacts.past import KINDS
from rapport_events.contracts.base import Event
from rapport_events.contracts.contacts import (
    CustomerCreated,
    CustomerIdentityLinked,
    CustomerIdentityUnlinked,
    CustomerProfileChanged,
)
from rapport_events.rows import Row, Rows
from rapport_events.view import Fact

_KIND: Mapping[type[msgspec.Struct], str] = {struct: kind for kind, struct in KINDS.items()}


class History(Rows):
    """Facts as directory and card fold them, kept with both of their times; nothing is ever overwritten."""

    name = "history"
    package = "rapport_contacts"
    statement = "history/add"
    reads: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {
        CustomerCreated: KINDS["created"],
        CustomerProfileChanged: KINDS["changed"],
        CustomerIdentityLinked: KINDS["linked"],
        CustomerIdentityUnlinked: KINDS["unlinked"],
    }

    def row(self, fact: Fact) -> Row:
        """Keep what the fact says, its personal values apart."""
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
