"""Pulse: how many events were recorded in each minute, by service."""

from collections import Counter
from datetime import datetime
from typing import ClassVar

import msgspec

from rapport_events.codec import EVENTS
from rapport_events.database import Connection
from rapport_events.view import Batch, View


class Anything(msgspec.Struct):
    """Nothing of an event's data is needed."""


Key = tuple[str, str, datetime]
"""Tenant, service, minute."""


class Pulse(View[None, Counter[Key]]):
    """Counts by tenant, service and minute of record."""

    name = "pulse"
    package = "rapport_analytics"
    is_ordered = False
    reads: ClassVar = dict.fromkeys(EVENTS.values(), Anything)

    def keys(self, batch: Batch) -> None:
        """Touch nothing beforehand: counts are added to where they lie."""

    async def load(self, connection: Connection, keys: None) -> Counter[Key]:
        """Begin with nothing counted."""
        return Counter()

    def fold(self, state: Counter[Key], batch: Batch) -> Counter[Key]:
        """Count."""
        state.update((fact.tenant, fact.source, fact.recorded_at.replace(second=0, microsecond=0)) for fact in batch)
        return state

    async def write(self, connection: Connection, state: Counter[Key]) -> None:
        """Add the counts."""
        rows = [(*key, count) for key, count in sorted(state.items())]
        await connection.execute(self.sql("add_pulse"), *map(list, zip(*rows, strict=True)))
