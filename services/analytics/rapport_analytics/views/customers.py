"""Customers: who is known, with the coded facts that reports group by."""

from typing import ClassVar

import msgspec
import orjson

from rapport_events.contracts.contacts import CustomerCreated
from rapport_events.rows import Row, Rows
from rapport_events.view import Fact


class Created(msgspec.Struct):
    """What reports need of a new customer."""

    kind: str
    source: str
    attributes: dict[str, str | bool | int] = {}


class Customers(Rows):
    """One row for each customer that contacts has told of."""

    name = "customers"
    package = "rapport_analytics"
    statement = "add_customers"
    reads: ClassVar = {CustomerCreated: Created}

    def row(self, fact: Fact) -> Row:
        """Take kind, source and attributes."""
        event = fact.event
        attributes = orjson.dumps(event.attributes).decode()
        return (fact.tenant, fact.subject, event.kind, event.source, attributes, fact.occurred_at)
