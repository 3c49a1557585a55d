"""Who was merged into whom, and whose values show."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from rapport_events.contracts.contacts import CustomerMerged, CustomerUnmerged
from rapport_events.database import Connection
from rapport_events.rows import Row
from rapport_events.view import Batch, Fact, View


class Choice(msgspec.Struct):
    """Whose value of a field shows."""

    field: str
    keep: str


class Merged(msgspec.Struct):
    """A merge begins."""

    survivor_id: UUID
    field_choices: list[Choice] = []


class Unmerged(msgspec.Struct):
    """The merge ends."""


@dataclass(slots=True)
class Round:
    """Merges that begin, then merges that end; none of it begins again before."""

    begun: list[Row] = field(default_factory=list[Row])
    ended: dict[tuple[str, str], datetime] = field(default_factory=dict[tuple[str, str], datetime])


class Merges(View[None, list[Round]]):
    """One row for each merge, from when it was known to when it was taken back."""

    name = "merges"
    package = "rapport_contacts"
    reads: ClassVar = {CustomerMerged: Merged, CustomerUnmerged: Unmerged}

    def keys(self, batch: Batch) -> None:
        """Touch nothing beforehand: periods are only begun and ended."""

    async def load(self, connection: Connection, keys: None) -> list[Round]:
        """Begin with no periods."""
        return []

    def fold(self, state: list[Round], batch: Batch) -> list[Round]:
        """Collect periods into rounds, so that within a round none begins after it has ended."""
        rounds = [Round()]
        for fact in batch:
            customer = (fact.tenant, fact.subject)
            if isinstance(fact.event, Unmerged):
                rounds[-1].ended[customer] = fact.recorded_at
                continue
            if customer in rounds[-1].ended:
                rounds.append(Round())
            rounds[-1].begun.append(_row(fact, fact.event))
        return rounds

    async def write(self, connection: Connection, state: list[Round]) -> None:
        """Begin and end periods, round by round."""
        for each in state:
            if each.begun:
                await connection.execute(self.sql("merges/begin"), *map(list, zip(*each.begun, strict=True)))
            if each.ended:
                ended = [(*customer, known_to) for customer, known_to in each.ended.items()]
                await connection.execute(self.sql("merges/end"), *map(list, zip(*ended, strict=True)))


def _row(fact: Fact, event: Merged) -> Row:
    choices = msgspec.json.encode({choice.field: choice.keep for choice in event.field_choices}).decode()
    what = (fact.tenant, fact.subject, event.survivor_id, fact.event_id, fact.partition)
    return (*what, choices, fact.occurred_at, fact.recorded_at)
