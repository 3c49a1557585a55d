"""Several ids, one party: edges between ids as they were known, and the root and members of a party at reading."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from rapport_events.contracts.contacts import (
    CustomerIdentityLinked,
    CustomerIdentityUnlinked,
    CustomerMerged,
    CustomerUnmerged,
)
from rapport_events.database import Connection
from rapport_events.ids import TenantId
from rapport_events.marks import Mark, leave_marks
from rapport_events.statements import load
from rapport_events.view import Batch, View


class Linked(msgspec.Struct):
    """An outside name becomes the customer's: an edge begins."""

    linked_id: UUID


class Unlinked(msgspec.Struct):
    """It is not the customer's any more: the edge ends."""

    linked_id: UUID


class Merged(msgspec.Struct):
    """The customer is merged into another: an edge begins."""

    survivor_id: UUID


class Unmerged(msgspec.Struct):
    """They are two again: the edge ends."""

    survivor_id: UUID


Begun = tuple[str, UUID, UUID, str, datetime]
"""Tenant, customer, other, kind, known from."""
Ended = tuple[str, UUID, UUID, str, datetime]
"""Tenant, customer, other, kind, known to."""


@dataclass(slots=True)
class Edges:
    """Edges that a batch begins and ends, in order; an edge may begin and end in one batch."""

    begun: list[Begun] = field(default_factory=list[Begun])
    ended: list[Ended] = field(default_factory=list[Ended])
    marks: list[Mark] = field(default_factory=list[Mark])


class Parties(View[None, list[Edges]]):
    """Which ids are one party, as contacts links them; every service keeps its own copy."""

    name = "parties"
    package = "rapport_events"
    reads: ClassVar = {
        CustomerIdentityLinked: Linked,
        CustomerIdentityUnlinked: Unlinked,
        CustomerMerged: Merged,
        CustomerUnmerged: Unmerged,
    }
    derived: ClassVar[tuple[str, ...]] = ()
    """Views whose derived events depend on who is one party: a changed edge marks the customer for them."""

    def keys(self, batch: Batch) -> None:
        """Touch nothing beforehand: edges are only begun and ended."""

    async def load(self, connection: Connection, keys: None) -> list[Edges]:
        """Begin with no edges."""
        return []

    def fold(self, state: list[Edges], batch: Batch) -> list[Edges]:
        """Collect edges into rounds, so that within a round none is begun after it was ended."""
        rounds = [Edges()]
        ended: set[tuple[str, UUID, UUID, str]] = set()
        for fact in batch:
            customer, (other, kind) = UUID(fact.subject), _edge(fact.event)
            edge = (fact.tenant, customer, other, kind)
            marks = [Mark(fact.tenant, id_, fact.recorded_at) for id_ in (customer, other)]
            if isinstance(fact.event, Unlinked | Unmerged):
                rounds[-1].ended.append((*edge, fact.recorded_at))
                rounds[-1].marks += marks
                ended.add(edge)
                continue
            if edge in ended:
                rounds.append(Edges())
                ended.clear()
            rounds[-1].begun.append((*edge, fact.recorded_at))
            rounds[-1].marks += marks
        return rounds

    async def write(self, connection: Connection, state: list[Edges]) -> None:
        """Begin periods, then end periods, round by round."""
        for edges in state:
            if edges.begun:
                await connection.execute(self.sql("parties/begin"), *map(list, zip(*edges.begun, strict=True)))
            if edges.ended:
                await connection.execute(self.sql("parties/end"), *map(list, zip(*edges.ended, strict=True)))
        for view in self.derived:
            await leave_marks(connection, view, [mark for edges in state for mark in edges.marks], reader=self.reader)

    async def mark_all(self, connection: Connection) -> None:
        """Mark everybody who is or was part of a party."""
        await connection.execute(self.sql("parties/mark_all"), list(self.derived))


def _edge(event: Linked | Unlinked | Merged | Unmerged) -> tuple[UUID, str]:
    """Return the other end of an edge, and its kind."""
    if isinstance(event, Merged | Unmerged):
        return event.survivor_id, "merged"
    return event.linked_id, "linked"


@dataclass(frozen=True, slots=True)
class Party:
    """All ids that are one party; `root` is the id that the others were linked to or merged into."""

    root: UUID
    members: tuple[UUID, ...]
    parents: Mapping[UUID, UUID] = field(default_factory=dict[UUID, UUID])
    """For each member but the root the one that it was linked to or merged into."""

    def children(self, member: UUID) -> list[UUID]:
        """Return the ids that were linked to or merged into a member."""
        return sorted(child for child, parent in self.parents.items() if parent == member)


async def parties_of(
    connection: Connection, ids: Sequence[tuple[TenantId, UUID]], *, known_at: datetime | None = None
) -> dict[tuple[TenantId, UUID], Party]:
    """
    Find the party of each id, at most 32 steps away.

    Args:
        known_at: Time of record whose knowledge counts; None: that of now. Who is who is knowledge and no happening, so
            an edge has no other time.

    Returns:
        A party for each id asked for; an id without edges is a party of its own.
    """
    columns = ([tenant for tenant, _ in ids], [customer for _, customer in ids])
    if known_at is None:
        rows = await connection.fetch(load("rapport_events", "parties/members"), *columns)
    else:
        rows = await connection.fetch(load("rapport_events", "parties/members_at"), *columns, known_at)
    found: dict[tuple[TenantId, UUID], tuple[UUID, dict[UUID, UUID | None]]] = {}
    for row in rows:
        asked = (TenantId(row["tenant_id"]), row["asked"])
        found.setdefault(asked, (row["root"], {}))[1][row["member"]] = row["parent"]
    return {
        asked: Party(root, tuple(sorted(parents)), {child: parent for child, parent in parents.items() if parent})
        for asked, (root, parents) in found.items()
    }


async def members(
    connection: Connection, tenant: TenantId, customer: UUID, *, known_at: datetime | None = None
) -> tuple[UUID, ...]:
    """Return all ids of a customer's party, the customer's own included; see `parties_of`."""
    return (await parties_of(connection, [(tenant, customer)], known_at=known_at))[tenant, customer].members
