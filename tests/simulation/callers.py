"""Those who write and read: each remembers what it was told, so that it can be held against what is there."""

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Final
from uuid import UUID

import asyncpg

from rapport_cli.verifying.history import Look, Operation, Told
from rapport_events.codec import encode, schema_of, type_of
from rapport_events.contracts.interactions import CustomerPurchased
from rapport_events.envelope import Meta
from rapport_events.ids import CustomerId, EventId, partition_of_customer
from rapport_events.ledger import ANY, Append, Appended, CommandKey, LedgerShut, NewEvent, StreamAppend
from rapport_events.testing import ANN, BOB, CLEO, NOON, TENANT
from tests.simulation.ledger_server import LedgerServer
from tests.simulation.nature import Process

CUSTOMERS: Final = (ANN, BOB, CLEO)
PARTITIONS_USED: Final = tuple(sorted({partition_of_customer(TENANT, CustomerId(who)) for who in CUSTOMERS}))
_AGAIN_SECONDS: Final = 0.5


@cache
def data_of(customer: UUID, total: str) -> bytes:
    """Return a purchase as a ledger holds it."""
    event = CustomerPurchased(purchase_id=customer, total=Decimal(total), currency="EUR")
    return encode(event, tenant=TENANT, event_id=EventId(customer), key=None)


@dataclass
class Writer:
    """Records facts, each once, however often it has to ask."""

    ledger: LedgerServer
    process: Process
    told: Told

    async def write(self, number: int, *, total: str = "1.00") -> None:
        """Record the fact of this number, and ask again until it is known what became of it."""
        operation = f"operation {number}"
        request = self._request(operation, number, total)
        event_id = str(request.streams[0].events[0].event_id)
        self.told.operations[operation] = Operation(operation)
        while True:
            try:
                [outcome] = await self.ledger.append(self.process, TENANT, [request])
            except (OSError, asyncpg.PostgresConnectionError, LedgerShut):
                await asyncio.sleep(_AGAIN_SECONDS)
                continue
            assert isinstance(outcome, Appended), outcome
            self.told.operations[operation] = Operation(operation, "ok", (event_id,))
            return

    def _request(self, operation: str, number: int, total: str) -> Append:
        customer = self.process.nature.random.choice(CUSTOMERS)
        event = NewEvent(
            event_id=EventId(UUID(int=0x0192 << 112 | 0x7 << 76 | 0x2 << 62 | number)),
            type=type_of(CustomerPurchased),
            schema=schema_of(CustomerPurchased),
            subject=str(customer),
            data=data_of(customer, total),
            meta=Meta(actor="ann", correlation_id=operation).to_json(),
            occurred_at=NOON,
        )
        partition = partition_of_customer(TENANT, CustomerId(customer))
        stream = f"purchase-{UUID(int=0x0192 << 112 | 0x7 << 76 | 0x2 << 62 | number << 8 | partition)}"
        key = CommandKey(number.to_bytes(16, "big"), bytes(16))
        return Append((StreamAppend(stream, partition, ANY, (event,)),), key)


def look(told: Told, client: str, place: str, customer: str, seen: int) -> None:
    """Note what a client saw."""
    told.looks.append(Look(client, place, customer, seen))
