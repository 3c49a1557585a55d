"""A small world of customers whose facts are learned late, out of order and at equal times: what ledgers would hold."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from rapport_events.contracts.base import Event
from rapport_events.contracts.contacts import (
    ConsentGranted,
    ConsentWithdrawn,
    CustomerCreated,
    CustomerCreatedPii,
    CustomerIdentityLinked,
    CustomerIdentityLinkedPii,
    CustomerIdentityUnlinked,
    CustomerMerged,
    CustomerProfileChanged,
    CustomerProfileChangedPii,
    CustomerUnmerged,
    FieldChoice,
    Names,
    Profile,
    ProfileChange,
)
from rapport_events.contracts.interactions import CustomerPurchased, PurchaseRefunded
from rapport_events.envelope import Recorded
from rapport_events.ids import CustomerId, new_id, partition_of_customer
from rapport_events.keyring import SealKey
from rapport_events.memory_keyring import MemoryKeyring
from rapport_events.testing import NOON, TENANT, Lines

HOUR = timedelta(hours=1)
DAYS = 60


@dataclass(frozen=True, slots=True)
class Happened:
    """An event with its personal values open, and the record that hides them."""

    event: Event
    record: Recorded


class World:
    """Makes up facts; the same seed makes up the same."""

    def __init__(self, seed: int, customers: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311  # the same seed makes up the same world
        self.customers = [UUID(int=0x8000_8000_0000_0000_0000 + n * 0x1_0001) for n in range(customers)]
        self.happened: list[Happened] = []
        self._lines = Lines()
        self._keys: dict[UUID, SealKey] = {}
        self._holder: dict[UUID, UUID] = {}
        """Of each id that was linked or merged, to whom."""
        self._merged: set[UUID] = set()

    async def make_up(self, keyring: MemoryKeyring, facts: int) -> None:
        """Let customers become known, one a while, and facts about them be recorded in between."""
        for customer, key in (await keyring.seal_keys(TENANT, [CustomerId(each) for each in self.customers])).items():
            assert isinstance(key, SealKey)
            self._keys[customer] = key
        step = timedelta(days=DAYS) / facts
        known: list[UUID] = []
        for n in range(facts):
            # Now and then two are recorded at one moment, as in one append.
            recorded_at = NOON + step * (n - self.dice.randrange(10) // 9)
            unknown = self.customers[len(known) :]
            if unknown and (not known or n * len(self.customers) > len(known) * facts * 0.7):
                known.append(unknown[0])
                self._tell(self._created(unknown[0]), unknown[0], "customer", recorded_at)
            else:
                self._anything(self.dice.choice(known), known, recorded_at)

    def moment(self, *, is_recorded: bool) -> datetime:
        """Choose any moment; every other one is exactly that of a fact."""
        if self.dice.random() < 0.5:
            chosen = self.dice.choice(self.happened).record
            return chosen.recorded_at if is_recorded else chosen.occurred_at
        return NOON + timedelta(days=DAYS) * self.dice.random()

    def _anything(self, customer: UUID, known: Sequence[UUID], recorded_at: datetime) -> None:
        event: Event | None
        match self.dice.randrange(10):
            case 0 | 1 | 2:
                event = self._changed()
            case 3 | 4:
                event = self._agreed(recorded_at)
            case 5:
                event = self._joined(customer, known)
            case 6:
                thing = new_id(partition_of_customer(TENANT, CustomerId(customer)))
                event = PurchaseRefunded(refund_id=thing, amount=self._amount(), currency="EUR")
                return self._tell(event, customer, "refund", recorded_at, thing)
            case _:
                thing = new_id(partition_of_customer(TENANT, CustomerId(customer)))
                currency = self.dice.choice(["EUR", "EUR", "GBP"])
                event = CustomerPurchased(purchase_id=thing, total=self._amount(), currency=currency)
                return self._tell(event, customer, "purchase", recorded_at, thing)
        return self._tell(event, customer, "customer", recorded_at) if event else None

    def _tell(self, event: Event, customer: UUID, noun: str, recorded_at: datetime, thing: UUID | None = None) -> None:
        # What happened is often learned of days later; whole hours make many facts happen at one moment.
        late = timedelta(days=self.dice.choice([0, 0, 0, 1, 5, 30]), hours=self.dice.randrange(24))
        at = (recorded_at - late).replace(minute=0, second=0, microsecond=0)
        told: dict[str, Any] = {"subject": str(customer), "at": at, "recorded_at": recorded_at}
        key = self._keys[customer]
        record = self._lines.next(event, stream=f"{noun}-{thing or customer}", key=key, **told)
        self.happened.append(Happened(event, record))

    def _created(self, customer: UUID) -> CustomerCreated:
        pii = CustomerCreatedPii(names=self._name(), emails=self._lines_of("e") or None)
        return CustomerCreated(
            customer_id=CustomerId(customer),
            kind=self.dice.choice(["person", "organization"]),
            source=self.dice.choice(["shop", "bank"]),
            attributes={"tier": self.dice.randrange(3)},
            pii=pii,
        )

    def _changed(self) -> CustomerProfileChanged:
        fields = self.dice.sample(["names", "emails", "phones", "attributes.tier", "attributes.vip"], k=2)
        new = {"names": self._name(), "emails": self._lines_of("e"), "phones": self._lines_of("p")}
        given = {name: value for name, value in new.items() if name in fields and value}
        changes = [ProfileChange(field=name, new=self._attribute(name)) for name in fields]
        pii = CustomerProfileChangedPii(new=Profile.model_validate(given)) if given else None
        return CustomerProfileChanged(changes=tuple(changes), pii=pii)

    def _agreed(self, recorded_at: datetime) -> ConsentGranted | ConsentWithdrawn:
        purpose, channel = self.dice.choice(["news", "research"]), self.dice.choice([None, "email", "phone"])
        if self.dice.random() < 0.4:
            return ConsentWithdrawn(purpose=purpose, channel=channel)  # type: ignore[arg-type]  # a channel
        wording = str(self.dice.randrange(9))
        until = self.dice.choice([None, recorded_at + timedelta(days=self.dice.randrange(20))])
        said: dict[str, Any] = {"purpose": purpose, "channel": channel, "wording_version": wording}
        return ConsentGranted(**said, valid_until=until)

    def _joined(self, customer: UUID, known: Sequence[UUID]) -> Event | None:
        """Take back what joins the customer to another id, or join it to one; parties stay trees."""
        mine = [other for other, holder in self._holder.items() if holder == customer and other not in self._merged]
        roots = [each for each in known if each != customer and each not in self._holder]
        free = [each for each in self.customers if each not in {*self._holder, self._root(customer)}]
        if customer in self._merged:
            self._merged.remove(customer)
            return CustomerUnmerged(
                customer_id=CustomerId(customer), survivor_id=CustomerId(self._holder.pop(customer))
            )
        if mine:
            del self._holder[mine[0]]
            return CustomerIdentityUnlinked(linked_id=CustomerId(mine[0]), kind="external", system="shop")
        if customer not in self._holder and roots and self.dice.random() < 0.5:
            return self._merge(customer, self.dice.choice(roots))
        return self._link(customer, self.dice.choice(free)) if free else None

    def _merge(self, customer: UUID, survivor: UUID) -> CustomerMerged:
        self._holder[customer] = survivor
        self._merged.add(customer)
        choices = [
            FieldChoice(field=field, keep=keep)  # type: ignore[arg-type]  # one of the ways to keep
            for field, keep in (("names", "merged"), ("emails", "survivor"), ("phones", "merged"), ("source", "merged"))
            if self.dice.random() < 0.3
        ]
        survivor_id = CustomerId(survivor)
        return CustomerMerged(customer_id=CustomerId(customer), survivor_id=survivor_id, field_choices=tuple(choices))

    def _link(self, customer: UUID, other: UUID) -> CustomerIdentityLinked:
        self._holder[other] = customer
        return CustomerIdentityLinked(
            linked_id=CustomerId(other),
            kind="external",
            system="shop",
            strength="strong",
            method="declared",
            pii=CustomerIdentityLinkedPii(value=f"name {other.int % 1000}"),
        )

    def _root(self, customer: UUID) -> UUID:
        while customer in self._holder:
            customer = self._holder[customer]
        return customer

    def _name(self) -> Names | None:
        return Names(display=f"{self.dice.choice(['Ann', 'Bob', 'Cleo'])} {self.dice.randrange(1000)}")

    def _lines_of(self, letter: str) -> tuple[str, ...]:
        return tuple(f"{letter}{n}" for n in self.dice.sample(range(50), k=self.dice.randrange(3)))

    def _attribute(self, name: str) -> int | None:
        return self.dice.choice([None, 1, 2, 3]) if name.startswith("attributes.") else None

    def _amount(self) -> Decimal:
        return Decimal(self.dice.randrange(1, 10_000)) / 100
