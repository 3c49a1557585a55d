"""A view for tests of readers: what each customer has spent, and every version that it folded."""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

import msgspec

from rapport_events.contracts.interactions import CustomerPurchased
from rapport_events.database import Connection
from rapport_events.envelope import Recorded
from rapport_events.ids import CustomerId, partition_of_customer
from rapport_events.testing import TENANT, Lines
from rapport_events.view import Batch, View

POISON = Decimal("13.13")

TABLES = """
CREATE TABLE sums_v1_r1 (
    tenant_id text NOT NULL, customer uuid NOT NULL, count int NOT NULL, total numeric NOT NULL, seen bigint[] NOT NULL,
    CONSTRAINT sums_v1_r1_pkey PRIMARY KEY (tenant_id, customer));
SELECT read_model('sums_v1_r1');
"""

WRITE = """
INSERT INTO sums_v1_r1 AS s (tenant_id, customer, count, total, seen)
SELECT $1, $2, $3, $4, $5
    ON CONFLICT (tenant_id, customer) DO UPDATE
   SET count = s.count + excluded.count, total = s.total + excluded.total, seen = s.seen || excluded.seen
"""


class Purchased(msgspec.Struct):
    """What the sums need of a purchase."""

    total: Decimal


@dataclass(slots=True)
class Sum:
    """One customer's part of a batch."""

    total: Decimal = Decimal(0)
    seen: list[int] = field(default_factory=list[int])


class PoisonError(Exception):
    """A purchase of 13.13 cannot be folded."""


class Sums(View[None, dict[tuple[str, UUID], Sum]]):
    """Adds up purchases; fails on one of 13.13."""

    name = "sums"
    package = "tests"
    reads: ClassVar = {CustomerPurchased: Purchased}
    poison: ClassVar[Decimal | None] = POISON

    def keys(self, batch: Batch) -> None:
        """Touch nothing beforehand."""

    async def load(self, connection: Connection, keys: None) -> dict[tuple[str, UUID], Sum]:
        """Begin with nothing."""
        return defaultdict(Sum)

    def fold(self, state: dict[tuple[str, UUID], Sum], batch: Batch) -> dict[tuple[str, UUID], Sum]:
        """Add up."""
        for fact in batch:
            if fact.event.total == self.poison:
                raise PoisonError
            entry = state[fact.tenant, UUID(fact.subject)]
            entry.total += fact.event.total
            entry.seen.append(fact.position)
        return state

    async def write(self, connection: Connection, state: dict[tuple[str, UUID], Sum]) -> None:
        """Store."""
        rows = [(tenant, who, len(entry.seen), entry.total, entry.seen) for (tenant, who), entry in state.items()]
        await connection.executemany(WRITE.replace("sums_v1_r1", self.reader), rows)


class Purchases:
    """A line of purchases as the interactions service would record them."""

    def __init__(self) -> None:
        self._lines = Lines()

    def next(self, customer: UUID, total: str = "1.00") -> Recorded:
        """Record the next purchase of a customer."""
        partition = partition_of_customer(TENANT, CustomerId(customer))
        stream = f"purchase-{UUID(int=(0x0192 << 112 | 0x7 << 76 | 0x2 << 62 | partition))}"
        event = CustomerPurchased(purchase_id=UUID(stream[-36:]), total=Decimal(total), currency="EUR")
        return self._lines.next(event, stream=stream, subject=str(customer))
