"""Totals: what each customer has bought and got back, by currency."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from rapport_analytics.segment_marks import mark_for_segments, sweep_everybody
from rapport_analytics.views.sales import Purchased, Refunded
from rapport_events.contracts.interactions import CustomerPurchased, PurchaseRefunded
from rapport_events.database import Connection
from rapport_events.marks import Mark
from rapport_events.view import Batch, Fact, View

Key = tuple[str, str, str]
"""Tenant, customer, currency."""

ZERO = Decimal(0)


@dataclass(slots=True)
class Added:
    """What a batch adds to one customer's totals."""

    purchases: int = 0
    revenue: Decimal = ZERO
    refunds: int = 0
    refunded: Decimal = ZERO
    first_at: datetime | None = None
    last_at: datetime | None = None
    latest: Fact | None = None
    """The last fact of the batch: everybody in it is marked once."""


class Totals(View[None, dict[Key, Added]]):
    """Count and sum of purchases and refunds; each batch adds its part."""

    name = "totals"
    package = "rapport_analytics"
    reads: ClassVar = {CustomerPurchased: Purchased, PurchaseRefunded: Refunded}

    def keys(self, batch: Batch) -> None:
        """Touch nothing beforehand: sums are added to where they lie."""

    async def load(self, connection: Connection, keys: None) -> dict[Key, Added]:
        """Begin with nothing added."""
        return {}

    def fold(self, state: dict[Key, Added], batch: Batch) -> dict[Key, Added]:
        """Add up the batch by customer and currency."""
        for fact in batch:
            event = fact.event
            key = (fact.tenant, fact.subject, event.currency)
            added = state.get(key)
            if added is None:
                added = state[key] = Added()
            added.latest = fact
            if isinstance(event, Refunded):
                added.refunds += 1
                added.refunded += event.amount
                continue
            added.purchases += 1
            added.revenue += event.total
            at = fact.occurred_at
            added.first_at = at if added.first_at is None or at < added.first_at else added.first_at
            added.last_at = at if added.last_at is None or at > added.last_at else added.last_at
        return state

    async def write(self, connection: Connection, state: dict[Key, Added]) -> None:
        """Add the batch to what is there, rows in one order so that rebuilds beside each other never deadlock; mark."""
        rows = [
            (*key, a.purchases, a.revenue, a.refunds, a.refunded, a.first_at, a.last_at)
            for key, a in sorted(state.items(), key=lambda item: item[0])
        ]
        await connection.execute(self.sql("add_totals"), *map(list, zip(*rows, strict=True)))
        latest = [added.latest for added in state.values() if added.latest is not None]
        marks = [Mark(fact.tenant, UUID(fact.subject), fact.recorded_at) for fact in latest]
        await mark_for_segments(connection, marks, reader=self.reader)

    async def mark_all(self, connection: Connection) -> None:
        """Have everybody's segments decided anew."""
        await sweep_everybody(connection)
