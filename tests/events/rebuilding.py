"""A shop whose purchases are folded into sums by a live reader and by rebuilds, without a broker."""

from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from rapport_events.codec import encode, schema_of, type_of
from rapport_events.contracts.interactions import CustomerPurchased
from rapport_events.database import Pool
from rapport_events.envelope import Meta
from rapport_events.filling import Filler
from rapport_events.ids import PARTITIONS, CustomerId, EventId, new_id, partition_of_customer
from rapport_events.ledger import ANY, Append, NewEvent, StreamAppend
from rapport_events.postgres_ledger import PostgresLedger
from rapport_events.reader import ViewReader
from rapport_events.testing import ANN, BOB, CLEO, NOON, TENANT, arrived
from rapport_events.view import Arrived, Key
from tests.events.sums import Sums

PEOPLE = (ANN, BOB, CLEO, *(UUID(int=0x8 << 76 | 0x2 << 62 | n) for n in range(40)))
META = Meta(actor="ann", correlation_id="c-1").to_json()


async def no_topics(
    _topic: str, _partitions: Collection[int], _offsets: Mapping[int, int], _read: object
) -> AsyncIterator[list[Arrived | None]]:
    """Stand for a broker that nobody needs."""
    for _ in ():
        yield []


@dataclass
class Shop:
    """A ledger of purchases and a live view of them."""

    ledger: PostgresLedger
    pool: Pool
    live: ViewReader
    filler: Filler
    position: dict[int, int] = field(default_factory=lambda: dict.fromkeys(range(PARTITIONS), 0))

    async def buy(self, customer: UUID, total: str = "1.00", *, times: int = 1) -> None:
        """Record purchases; nobody folds them yet."""
        partition = partition_of_customer(TENANT, CustomerId(customer))
        appends: list[Append] = []
        for _ in range(times):
            purchase, event_id = new_id(partition), EventId(new_id())
            event = CustomerPurchased(purchase_id=purchase, total=Decimal(total), currency="EUR")
            data = encode(event, tenant=TENANT, event_id=event_id, key=None)
            kind = type_of(CustomerPurchased)
            new = NewEvent(event_id, kind, schema_of(CustomerPurchased), str(customer), data, META, NOON)
            appends.append(Append((StreamAppend(f"purchase-{purchase}", partition, ANY, (new,)),), None, ()))
        await self.ledger.append(TENANT, appends)

    async def news(self) -> list[Arrived]:
        """Return what was recorded since the last call, as a poll would bring it."""
        found: list[Arrived] = []
        for partition, after in self.position.items():
            events = await self.ledger.read_partition(partition, after=after, limit=1_000)
            if events:
                self.position[partition] = events[-1].position
            found += [arrived(event) for event in events]
        return found

    async def goals(self) -> dict[Key, int]:
        """Say how far the ledger is."""
        heads = (await self.ledger.state()).heads
        return {("interactions", 1, partition): head for partition, head in enumerate(heads)}

    async def fill(self, rebuild: int) -> ViewReader:
        """Fill a rebuild of the sums and close the gap, as the consumer would have it; return its reader."""
        view = Sums(rebuild)
        await self.filler.fill([view], {"interactions": 1}, self.goals)
        await self.filler.catch_up([view], await self.goals())
        reader = ViewReader(view, self.pool)
        await reader.reload()
        return reader
