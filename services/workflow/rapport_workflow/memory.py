"""What workflow remembers of customers in order to decide: whether they have bought before, and their consents."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from rapport_events.contracts.contacts import ConsentGranted, ConsentWithdrawn
from rapport_events.contracts.interactions import CustomerPurchased
from rapport_events.database import Connection
from rapport_events.ids import TenantId
from rapport_events.parties import parties_of
from rapport_events.permission import Word, deciding
from rapport_events.reactions import Memory
from rapport_events.statements import load_rebuild
from rapport_events.view import Batch, Fact
from rapport_workflow.heard import EffectDone, Granted, Purchased, TaskLate, TimeCame, Withdrawn, is_news

Customer = tuple[TenantId, UUID]
Order = tuple[datetime, datetime, int, int]
"""Happened, recorded, partition, position: the order in which words on a consent count."""
_WORD = ("customer_id", "event_id", "purpose", "channel", "is_granted", "wording_version", "valid_until")
_ORDER = ("occurred_at", "recorded_at", "partition", "position")


@dataclass(slots=True)
class Remembered:
    """What is known of the customers of a batch, and what of that is new."""

    parties: dict[Customer, tuple[UUID, ...]] = field(default_factory=dict[Customer, tuple[UUID, ...]])
    buyers: dict[Customer, str] = field(default_factory=dict[Customer, str])
    """The event of each one's first purchase."""
    words: dict[Customer, list[tuple[Order, Word]]] = field(
        default_factory=lambda: defaultdict[Customer, list[tuple[Order, Word]]](list)
    )
    new_buyers: list[tuple[str, UUID, str, int]] = field(default_factory=list[tuple[str, UUID, str, int]])
    new_words: list[tuple[object, ...]] = field(default_factory=list[tuple[object, ...]])

    def is_first_purchase(self, fact: Fact) -> bool:
        """Say whether nobody of the customer's party had bought anything before."""
        ids = self._party(fact)
        firsts = {self.buyers[fact.tenant, each] for each in ids if (fact.tenant, each) in self.buyers}
        return firsts == {fact.event_id}

    def word_on(self, fact: Fact, purpose: str, channel: str) -> Word | None:
        """Return the word of the customer's party that decides on a consent; None where nothing was ever said."""
        said = [word for each in self._party(fact) for word in self.words[fact.tenant, each]]
        return deciding([word for _, word in sorted(said, key=lambda pair: pair[0])], purpose, channel)

    def _party(self, fact: Fact) -> tuple[UUID, ...]:
        customer = (fact.tenant, UUID(fact.subject))
        return self.parties.get(customer, customer[1:])


class Customers(Memory):
    """Folds purchases and consents."""

    reads: ClassVar = {CustomerPurchased: Purchased, ConsentGranted: Granted, ConsentWithdrawn: Withdrawn}

    def _sql(self, name: str) -> str:
        return load_rebuild("rapport_workflow", name, self.rebuild)

    async def recall(self, connection: Connection, batch: Batch) -> Remembered:
        """Read who has bought before, and what was said by those for whom a time has come."""
        state = Remembered()
        buying = {_customer(fact) for fact in batch if isinstance(fact.event, Purchased)}
        # Nothing follows from history, so an import asks neither who is the same party nor what they agreed to.
        asked = {_customer(fact) for fact in batch if _may_lead_to_message(fact)}
        if not buying and not asked:
            return state
        if asked:
            found = await parties_of(connection, sorted(asked))
            state.parties = {customer: party.members for customer, party in found.items()}
        ids = sorted(buying | {(tenant, each) for (tenant, _), all_ in state.parties.items() for each in all_})
        columns = [*map(list, zip(*ids, strict=True))]
        for row in await connection.fetch(self._sql("memory/buyers"), *columns):
            state.buyers[TenantId(row["tenant_id"]), row["customer_id"]] = str(row["event_id"])
        if asked:
            for row in await connection.fetch(self._sql("memory/words"), *columns):
                state.words[TenantId(row["tenant_id"]), row["customer_id"]].append(order_and_word(row))
        return state

    def note(self, state: Remembered, fact: Fact) -> None:
        """Remember a first purchase, or a word on a consent."""
        customer = _customer(fact)
        event: Purchased | Granted | Withdrawn = fact.event
        if isinstance(event, Purchased):
            if customer not in state.buyers:
                state.buyers[customer] = fact.event_id
                state.new_buyers.append((*customer, fact.event_id, fact.partition))
            return
        granted = event if isinstance(event, Granted) else None
        row = {
            "customer_id": customer[1],
            "event_id": UUID(fact.event_id),
            "purpose": event.purpose,
            "channel": event.channel,
            "is_granted": granted is not None,
            "wording_version": granted.wording_version if granted else None,
            "valid_until": granted.valid_until if granted else None,
            "occurred_at": fact.occurred_at,
            "recorded_at": fact.recorded_at,
            "partition": fact.partition,
            "position": fact.position,
        }
        state.words[customer].append(order_and_word(row))
        state.new_words.append((fact.tenant, *row.values()))

    async def keep(self, connection: Connection, state: Remembered) -> None:
        """Write down who is new, and what was said."""
        if state.new_buyers:
            await connection.execute(self._sql("memory/add_buyers"), *_columns(state.new_buyers))
        if state.new_words:
            await connection.execute(self._sql("memory/add_words"), *_columns(state.new_words))


def order_and_word(row: Any) -> tuple[Order, Word]:  # noqa: ANN401  # a record of asyncpg, or a dict
    """Read a word on a consent, and its place in the order that counts."""
    at, recorded_at, partition, position = (row[name] for name in _ORDER)
    word = Word(**{name: row[name] for name in _WORD}, evidence_ref=None, occurred_at=at, partition=partition)
    return (at, recorded_at, partition, position), word


def _may_lead_to_message(fact: Fact) -> bool:
    is_own = isinstance(fact.event, TimeCame | TaskLate | EffectDone)
    return is_own or (isinstance(fact.event, Purchased) and is_news(fact))


def _customer(fact: Fact) -> Customer:
    return (fact.tenant, UUID(fact.subject))


def _columns(rows: Iterable[Sequence[object]]) -> list[list[object]]:
    return [*map(list, zip(*rows, strict=True))]
