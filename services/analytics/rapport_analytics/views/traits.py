"""Traits: the attributes of each customer as they are now, and the event that set each."""

from collections.abc import Iterator
from typing import ClassVar
from uuid import UUID

import msgspec
import orjson

from rapport_analytics.segment_marks import mark_for_segments, sweep_everybody
from rapport_events.contracts.contacts import CustomerCreated, CustomerProfileChanged
from rapport_events.database import Connection
from rapport_events.marks import Mark
from rapport_events.view import Batch, Fact, View

ATTRIBUTE = "attributes."
"""What the name of a changed attribute begins with."""

Value = str | bool | int | None
Key = tuple[str, str, str]
"""Tenant, customer, name."""


class Created(msgspec.Struct):
    """The attributes that a customer begins with."""

    attributes: dict[str, str | bool | int] = {}


class Change(msgspec.Struct):
    """A field that changed."""

    field: str
    new: str | bool | int | None = None


class Changed(msgspec.Struct):
    """Fields that changed."""

    changes: list[Change]


class Traits(View[None, dict[Key, tuple[Value, Fact]]]):
    """One row for each attribute of each id."""

    name = "traits"
    package = "rapport_analytics"
    reads: ClassVar = {CustomerCreated: Created, CustomerProfileChanged: Changed}

    def keys(self, batch: Batch) -> None:
        """Touch nothing beforehand: what is new replaces what is there."""

    async def load(self, connection: Connection, keys: None) -> dict[Key, tuple[Value, Fact]]:
        """Begin with nothing new."""
        return {}

    def fold(self, state: dict[Key, tuple[Value, Fact]], batch: Batch) -> dict[Key, tuple[Value, Fact]]:
        """Take the last value of each attribute."""
        for fact in batch:
            for name, value in _attributes(fact.event):
                state[fact.tenant, fact.subject, name] = (value, fact)
        return state

    async def write(self, connection: Connection, state: dict[Key, tuple[Value, Fact]]) -> None:
        """Store them, and mark their customers."""
        if not state:
            return
        rows = [
            (
                *key,
                None if value is None else orjson.dumps(value).decode(),
                fact.event_id,
                fact.partition,
                fact.occurred_at,
                fact.recorded_at,
            )
            for key, (value, fact) in sorted(state.items(), key=lambda item: item[0])
        ]
        await connection.execute(self.sql("segments/set_traits"), *map(list, zip(*rows, strict=True)))
        changed = {(fact.tenant, fact.subject): fact for _, fact in state.values()}
        marks = [Mark(tenant, UUID(who), fact.recorded_at) for (tenant, who), fact in changed.items()]
        await mark_for_segments(connection, marks, reader=self.reader)

    async def mark_all(self, connection: Connection) -> None:
        """Have everybody's segments decided anew."""
        await sweep_everybody(connection)


def _attributes(event: Created | Changed) -> Iterator[tuple[str, Value]]:
    if isinstance(event, Created):
        yield from event.attributes.items()
        return
    for change in event.changes:
        if change.field.startswith(ATTRIBUTE):
            yield change.field.removeprefix(ATTRIBUTE), change.new
