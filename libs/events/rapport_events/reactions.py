"""Events that lead to events: each reaction appends once, as the last act of its reader's transaction."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import msgspec

from rapport_events.codec import decode, encode, schema_of, types_of
from rapport_events.contracts.base import Event
from rapport_events.database import Connection
from rapport_events.envelope import Meta
from rapport_events.ids import EventId, TenantId, named_id, new_id, partition_of_stream
from rapport_events.ledger import (
    ANY,
    Append,
    CauseAhead,
    Claim,
    ClaimRef,
    LedgerShut,
    NewEvent,
    StreamAppend,
    VersionConflict,
)
from rapport_events.postgres_ledger import append_within, recorded_of
from rapport_events.statements import load
from rapport_events.view import Batch, Fact, View

TRIES = 8
"""How often a batch is decided anew after losing a race for a stream."""
ROUNDS_MAX = 4
"""How often streams can tell of further ones."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What follows from a fact: events for one stream about the fact's own subject."""

    stream: str
    """A new stream's name, or an existing one's; its partition is that of the subject."""
    events: tuple[Event, ...]
    expected: int = ANY
    """The version that the reply was made for, where it depends on what is in the stream."""


class Memory:
    """
    What a service remembers of facts in order to react to later ones.

    It is folded fact by fact in the reactions' own transaction, so that each reaction sees exactly what came before.
    """

    reads: ClassVar[Mapping[type[Event], type[msgspec.Struct]]] = {}

    def __init__(self, rebuild: int = 1) -> None:
        self.rebuild = rebuild
        """Of the reactions, and so of the memory's own tables."""

    async def recall(self, connection: Connection, batch: Batch) -> object:
        """Read what reactions to a batch may ask about."""
        return None

    def note(self, state: Any, fact: Fact) -> None:  # noqa: ANN401  # each service remembers something else
        """Add a fact to what is remembered; no I/O."""

    async def keep(self, connection: Connection, state: Any) -> None:  # noqa: ANN401  # likewise
        """Write down what is new."""


class Known:
    """What a reaction may know besides the fact: streams of the service's own ledger, and the service's memory."""

    def __init__(self, memory: Any = None) -> None:  # noqa: ANN401  # each service remembers something else
        self.memory = memory
        self._streams: dict[tuple[TenantId, str], list[Event]] = {}

    def events(self, tenant: TenantId, stream: str) -> list[Event]:
        """Return what is in a stream; those of earlier replies of the same batch included."""
        return self._streams.setdefault((tenant, stream), [])

    def take(self, tenant: TenantId, stream: str, events: Sequence[Event]) -> None:
        """Add events to a stream, those of the same batch too."""
        self.events(tenant, stream).extend(events)


class Reaction:
    """A policy: whenever this happens, that follows. `reply` is pure, so that a rebuild can compare."""

    name: ClassVar[str]
    reads: ClassVar[Mapping[type[Event], type[msgspec.Struct]]]

    def streams(self, fact: Fact, known: Known) -> Collection[str]:
        """
        Name the streams of the service's own ledger that the reply depends on; most replies need the fact alone.

        Args:
            known: It is asked again with what was named, because one stream can tell of the next.
        """
        return ()

    def reply(self, fact: Fact, known: Known) -> Sequence[Reply]:
        """Say what follows; new ids come from `thing_id`, so that the same fact always begins the same streams."""
        raise NotImplementedError


def thing_id(fact: Fact, reaction: str, n: int = 0) -> UUID:
    """Return the id of the nth thing that a reaction begins because of a fact: always the same (UUIDv8)."""
    return named_id(fact.partition, reaction, fact.event_id, str(n))


def reaction_claim(reader: str, trigger: str, n: int) -> ClaimRef:
    """Return the claim that makes the nth append of a reaction to a trigger happen once."""
    return ClaimRef("reaction", hashlib.sha256(f"{reader}:{trigger}:{n}".encode()).digest()[:16])


class Raced(Exception):
    """Another process changed a stream at that moment; the batch is decided again."""


@dataclass(slots=True)
class Replies:
    """What a batch leads to, and the steps in which the reader saw its records."""

    known: Known = field(default_factory=Known)
    appends: list[tuple[TenantId, Append]] = field(default_factory=list[tuple[TenantId, Append]])
    steps: list[tuple[str, int, int]] = field(default_factory=list[tuple[str, int, int]])


class Reactions(View[Batch, Replies]):
    """All reactions of a service behind one checkpoint, so that they see one interleaving of the topics."""

    name = "reactions"
    package = "rapport_events"
    reactions: ClassVar[tuple[Reaction, ...]]
    memory: ClassVar[type[Memory]] = Memory

    def __init_subclass__(cls) -> None:
        """Read what the reactions read; those that share a type share the struct, because it is decoded once."""
        reads: dict[type[Event], type[msgspec.Struct]] = {}
        for wanted in (cls.memory.reads, *(reaction.reads for reaction in cls.reactions)):
            for event, struct in wanted.items():
                if reads.setdefault(event, struct) is not struct:
                    msg = f"{event.__name__} is read as {struct.__name__} by one reaction, and differently by another"
                    raise TypeError(msg)
        cls.reads = reads

    @property
    def tables(self) -> tuple[str, ...]:
        """None: what reactions lead to are events, and nothing makes these anew."""
        return ()

    def __init__(self, rebuild: int = 1) -> None:
        super().__init__(rebuild)
        self._memory = self.memory(rebuild)
        self._noted = {name for event in self.memory.reads for name in types_of(event)}
        self._by_type: dict[str, list[Reaction]] = {}
        for reaction in self.reactions:
            for event in reaction.reads:
                for name in types_of(event):
                    self._by_type.setdefault(name, []).append(reaction)

    async def apply(self, connection: Connection, batch: Batch) -> None:
        """Decide and append a batch; again, where somebody changed a stream in between."""
        for attempt in range(1, TRIES + 1):
            try:
                async with connection.transaction():
                    await super().apply(connection, batch)
            except Raced:
                if attempt == TRIES:
                    raise
            else:
                return

    def keys(self, batch: Batch) -> Batch:
        """Look at the whole batch."""
        return batch

    async def load(self, connection: Connection, keys: Batch) -> Replies:
        """Read streams from the ledger: a reply must fit what is there, not what has already come back as a record."""
        state = Replies(Known(await self._memory.recall(connection, keys)))
        read: set[tuple[TenantId, str]] = set()
        for _ in range(ROUNDS_MAX):
            missing = self._streams(keys, state.known) - read
            if not missing:
                break
            await _read_streams(connection, sorted(missing), state.known)
            read |= missing
        return state

    def _streams(self, batch: Batch, known: Known) -> set[tuple[TenantId, str]]:
        return {
            (fact.tenant, stream)
            for fact in batch
            for reaction in self._by_type.get(fact.type, ())
            for stream in reaction.streams(fact, known)
        }

    def fold(self, state: Replies, batch: Batch) -> Replies:
        """Ask every reaction about every fact of its types."""
        for fact in batch:
            state.steps.append((fact.source, fact.partition, fact.position))
            if fact.type in self._noted:
                self._memory.note(state.known.memory, fact)
            for reaction in self._by_type.get(fact.type, ()):
                for n, reply in enumerate(reaction.reply(fact, state.known)):
                    state.appends.append((fact.tenant, to_append(fact, reply, reaction.name, n)))
                    state.known.take(fact.tenant, reply.stream, reply.events)
        return state

    async def write(self, connection: Connection, state: Replies) -> None:
        """Store the steps, then append; a fact that was reacted to before is known by its claim."""
        await connection.execute(
            load("rapport_events", "reader/steps"), self.reader, *map(list, zip(*state.steps, strict=True))
        )
        await self._memory.keep(connection, state.known.memory)
        if not state.appends:
            return
        # A batch with a bad record in it is folded in parts, each with its own append. That they may then take their
        # locks in another order than others do costs a deadlock at worst, after which all is tried again.
        await connection.execute(load("rapport_events", "reactions/again"))
        outcomes = await append_within(connection, state.appends)
        if any(isinstance(outcome, CauseAhead) for outcome in outcomes):
            msg = "the causing event is recorded more than 10 s ahead of this database's clock"
            raise LedgerShut(msg)
        if any(isinstance(outcome, VersionConflict) for outcome in outcomes):
            raise Raced


async def _read_streams(connection: Connection, streams: Sequence[tuple[TenantId, str]], known: Known) -> None:
    partitions = [partition_of_stream(tenant, stream) for tenant, stream in streams]
    columns = map(list, zip(*streams, strict=True))
    for row in await connection.fetch(load("rapport_events", "reactions/streams"), *columns, partitions):
        known.take(TenantId(row["tenant_id"]), row["stream"], [decode(recorded_of("", row))])


def to_append(fact: Fact, reply: Reply, reaction: str, n: int) -> Append:
    """Make the append of a reply: caused by the fact, claimed so that it happens once."""
    return caused_append(
        reply.stream,
        reply.events,
        cause=cause_of(fact),
        actor=f"reaction:{reaction}",
        claim=reaction_claim(reaction, fact.event_id, n),
        expected=reply.expected,
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
    traceparent: str | None = None


def cause_of(fact: Fact) -> Cause:
    """Name a fact as the cause of what follows."""
    correlation = correlation_of(fact)
    trace = fact.arrived.traceparent
    return Cause(fact.tenant, fact.subject, fact.event_id, correlation, fact.occurred_at, fact.recorded_at, trace)


def caused_append(
    stream: str,
    events: Sequence[Event],
    *,
    cause: Cause,
    actor: str,
    claim: ClaimRef | None = None,
    expected: int = ANY,
) -> Append:
    """Make an append that follows from a fact; it is recorded after its cause."""
    partition = partition_of_stream(cause.tenant, stream)
    meta = Meta(
        actor=actor,
        correlation_id=cause.correlation_id,
        causation_id=cause.event_id,
        traceparent=cause.traceparent,
        claims=(f"{claim.kind}:{claim.digest.hex()}",) if claim else (),
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
    claims = (Claim(claim, stream, new[0].event_id, is_fact=True),) if claim else ()
    return Append((StreamAppend(stream, partition, expected, tuple(new)),), None, claims)


def correlation_of(fact: Fact) -> str:
    """Return the id that all which follows from one wish shares."""
    return fact.arrived.headers.get("ce_correlationid", fact.event_id.encode()).decode()
