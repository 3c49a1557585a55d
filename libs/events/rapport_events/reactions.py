"""Events that lead to events: each reaction appends once, as the last act of its reader's transaction."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar
from uuid import UUID

import msgspec

from rapport_events.codec import encode, schema_of, types_of
from rapport_events.contracts.base import Event
from rapport_events.database import Connection
from rapport_events.envelope import Meta
from rapport_events.ids import EventId, TenantId, new_id, partition_of_stream
from rapport_events.ledger import ANY, Append, CauseAhead, Claim, ClaimRef, LedgerShut, NewEvent, StreamAppend
from rapport_events.postgres_ledger import append_within
from rapport_events.statements import load
from rapport_events.view import Batch, Fact, View


@dataclass(frozen=True, slots=True)
class Reply:
    """What follows from a fact: events for one stream about the fact's own subject."""

    stream: str
    """A new stream's name, or an existing one's; its partition is that of the subject."""
    events: tuple[Event, ...]


class Reaction:
    """A policy: whenever this happens, that follows. `reply` is pure, so that a rebuild can compare."""

    name: ClassVar[str]
    reads: ClassVar[Mapping[type[Event], type[msgspec.Struct]]]

    def reply(self, fact: Fact) -> Sequence[Reply]:
        """Say what follows; new ids come from `thing_id`, so that the same fact always begins the same streams."""
        raise NotImplementedError


def thing_id(fact: Fact, reaction: str, n: int = 0) -> UUID:
    """Return the id of the nth thing that a reaction begins because of a fact: always the same (UUIDv8)."""
    digest = hashlib.sha256(f"{reaction}:{fact.event_id}:{n}".encode()).digest()[:16]
    value = int.from_bytes(digest) & ~(0xF << 76) & ~(0x3 << 62) | 0x8 << 76 | 0x2 << 62
    return UUID(int=value & ~0xFF | fact.partition)


def reaction_claim(reader: str, trigger: str, n: int) -> ClaimRef:
    """Return the claim that makes the nth append of a reaction to a trigger happen once."""
    return ClaimRef("reaction", hashlib.sha256(f"{reader}:{trigger}:{n}".encode()).digest()[:16])


@dataclass(slots=True)
class Replies:
    """What a batch leads to, and the steps in which the reader saw its records."""

    appends: list[tuple[TenantId, Append]] = field(default_factory=list[tuple[TenantId, Append]])
    steps: list[tuple[str, int, int]] = field(default_factory=list[tuple[str, int, int]])


class Reactions(View[None, Replies]):
    """All reactions of a service behind one checkpoint, so that they see one interleaving of the topics."""

    name = "reactions"
    package = "rapport_events"
    reactions: ClassVar[tuple[Reaction, ...]]

    def __init_subclass__(cls) -> None:
        """Read what the reactions read; those that share a type share the struct, because it is decoded once."""
        reads: dict[type[Event], type[msgspec.Struct]] = {}
        for reaction in cls.reactions:
            for event, struct in reaction.reads.items():
                if reads.setdefault(event, struct) is not struct:
                    msg = f"{reaction.name} reads {event.__name__} as {struct.__name__}, another reaction differently"
                    raise TypeError(msg)
        cls.reads = reads

    def __init__(self, rebuild: int = 1) -> None:
        super().__init__(rebuild)
        self._by_type: dict[str, list[Reaction]] = {}
        for reaction in self.reactions:
            for event in reaction.reads:
                for name in types_of(event):
                    self._by_type.setdefault(name, []).append(reaction)

    def keys(self, batch: Batch) -> None:
        """Touch nothing beforehand."""

    async def load(self, connection: Connection, keys: None) -> Replies:
        """Begin with no replies."""
        return Replies()

    def fold(self, state: Replies, batch: Batch) -> Replies:
        """Ask every reaction about every fact of its types."""
        for fact in batch:
            state.steps.append((fact.source, fact.partition, fact.position))
            for reaction in self._by_type.get(fact.type, ()):
                state.appends += [
                    (fact.tenant, to_append(fact, reply, reaction.name, n))
                    for n, reply in enumerate(reaction.reply(fact))
                ]
        return state

    async def write(self, connection: Connection, state: Replies) -> None:
        """Store the steps, then append; a fact that was reacted to before is known by its claim."""
        await connection.execute(
            load("rapport_events", "reader/steps"), self.reader, *map(list, zip(*state.steps, strict=True))
        )
        if not state.appends:
            return
        for outcome in await append_within(connection, state.appends):
            if isinstance(outcome, CauseAhead):
                msg = "the causing event is recorded more than 10 s ahead of this database's clock"
                raise LedgerShut(msg)


def to_append(fact: Fact, reply: Reply, reaction: str, n: int) -> Append:
    """Make the append of a reply: caused by the fact, claimed so that it happens once."""
    return caused_append(
        reply.stream,
        reply.events,
        cause=Cause(fact.tenant, fact.subject, fact.event_id, _correlation(fact), fact.occurred_at, fact.recorded_at),
        actor=f"reaction:{reaction}",
        claim=reaction_claim(reaction, fact.event_id, n),
    )


@dataclass(frozen=True, slots=True)
class Cause:
    """The fact that led to an append."""

    tenant: TenantId
    subject: str
    event_id: str
    correlation_id: str
    occurred_at: datetime
    recorded_at: datetime


def caused_append(
    stream: str, events: Sequence[Event], *, cause: Cause, actor: str, claim: ClaimRef, expected: int = ANY
) -> Append:
    """Make an append that follows from a fact; it is recorded after its cause."""
    partition = partition_of_stream(cause.tenant, stream)
    meta = Meta(
        actor=actor,
        correlation_id=cause.correlation_id,
        causation_id=cause.event_id,
        claims=(f"{claim.kind}:{claim.digest.hex()}",),
    ).to_json()
    new: list[NewEvent] = []
    for event in events:
        event_id = EventId(new_id())
        data = encode(event, tenant=cause.tenant, event_id=event_id, key=None)
        new.append(
            NewEvent(
                event_id=event_id,
                type=str(event.type),
                schema=schema_of(type(event)),
                subject=cause.subject,
                data=data,
                meta=meta,
                occurred_at=cause.occurred_at,
                caused_at=cause.recorded_at,
            )
        )
    first = Claim(claim, stream, new[0].event_id, is_fact=True)
    return Append((StreamAppend(stream, partition, expected, tuple(new)),), None, (first,))


def _correlation(fact: Fact) -> str:
    return fact.arrived.headers.get("ce_correlationid", fact.event_id.encode()).decode()
