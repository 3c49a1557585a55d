"""A read model for the simulation: what was taken of each customer, in the order in which it was taken."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar, Final

import msgspec

from rapport_events.contracts.interactions import CustomerPurchased
from rapport_events.database import Connection
from rapport_events.view import Batch, View

POISON: Final = Decimal("13.13")

TABLES: Final = """
CREATE TABLE taken_v1_r1 (
    tenant_id text NOT NULL, customer text NOT NULL, number int NOT NULL, partition int NOT NULL,
    position bigint NOT NULL, event_id text NOT NULL,
    CONSTRAINT taken_v1_r1_pkey PRIMARY KEY (tenant_id, customer, number));
SELECT read_model('taken_v1_r1');
"""

Customer = tuple[str, str]


class Purchased(msgspec.Struct):
    """What is folded of a purchase."""

    total: Decimal


class PoisonError(Exception):
    """A purchase of 13.13 cannot be folded."""


@dataclass(slots=True)
class State:
    """How many facts of each customer were taken before, and what is taken now."""

    counts: dict[Customer, int]
    rows: list[tuple[str, str, int, int, int, str]] = field(default_factory=list[tuple[str, str, int, int, int, str]])


class Taken(View[list[Customer], State]):
    """One row for each fact, numbered per customer as it comes."""

    name = "taken"
    package = "tests.simulation"
    reads: ClassVar = {CustomerPurchased: Purchased}

    def keys(self, batch: Batch) -> list[Customer]:
        """Name the customers."""
        return sorted({(fact.tenant, fact.subject) for fact in batch})

    async def load(self, connection: Connection, keys: list[Customer]) -> State:
        """Count what was taken of them."""
        rows = await connection.fetch(self.sql("taken/counts"), *_columns(keys, 2))
        return State({(row["tenant_id"], row["customer"]): row["count"] for row in rows})

    def fold(self, state: State, batch: Batch) -> State:
        """Number what comes."""
        for fact in batch:
            if fact.event.total == POISON:
                raise PoisonError
            customer = (fact.tenant, fact.subject)
            number = state.counts[customer] = state.counts.get(customer, 0) + 1
            state.rows.append((*customer, number, fact.partition, fact.position, fact.event_id))
        return state

    async def write(self, connection: Connection, state: State) -> None:
        """Add it."""
        await connection.execute(self.sql("taken/add"), *_columns(state.rows, 6))


def _columns(rows: Sequence[tuple[object, ...]], count: int) -> list[list[object]]:
    return [[row[column] for row in rows] for column in range(count)]
