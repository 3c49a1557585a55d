"""Contacts: every time that a customer and we were in touch."""

from typing import ClassVar

import msgspec
import orjson

from rapport_events.contracts.interactions import CustomerContacted
from rapport_events.rows import Row, Rows
from rapport_events.view import Fact


class Contacted(msgspec.Struct):
    """What reports need of a contact."""

    channel: str
    direction: str
    channel_detail: str | None = None
    outcome: str | None = None
    attributes: dict[str, str | bool | int] = {}


class Contacts(Rows):
    """One row for each contact."""

    name = "contacts"
    package = "rapport_analytics"
    statement = "add_contacts"
    reads: ClassVar = {CustomerContacted: Contacted}

    def row(self, fact: Fact) -> Row:
        """Take channel, outcome and attributes."""
        event = fact.event
        told = (event.channel, event.channel_detail, event.direction, event.outcome)
        attributes = orjson.dumps(event.attributes).decode()
        return (fact.tenant, fact.subject, fact.event_id, *told, attributes, fact.occurred_at)
