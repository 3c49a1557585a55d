"""A ledger in memory, for tests of what stands on one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from rapport_events.envelope import Meta, Recorded
from rapport_events.ids import PARTITIONS, EventId, TenantId
from rapport_events.ledger import (
    ANY,
    EXISTS,
    Append,
    Appended,
    CauseAhead,
    Claim,
    ClaimRef,
    ClaimTaken,
    CommandKey,
    FactKnown,
    KeyReused,
    LedgerShut,
    LedgerState,
    Outcome,
    Place,
    ReferenceUnknown,
    StreamAppend,
    VersionConflict,
)
from rapport_events.packing import check

_AHEAD_MAX = timedelta(seconds=10)
_TICK = timedelta(microseconds=1)
_BEGINNING = datetime.min.replace(tzinfo=UTC)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class _Partition:
    events: list[Recorded] = field(default_factory=list[Recorded])
    last_at: datetime = _BEGINNING


class MemoryLedger:
    """Answers as `PostgresLedger` does; what is appended lasts as long as the object."""

    def __init__(self, *, service: str, clock: Callable[[], datetime] = _now, era: int = 1) -> None:
        """
        Begin an empty, open ledger.

        Args:
            service: Whose ledger it is.
            clock: What stands for the database's clock.
            era: Raised in tests of restores.
        """
        self.service = service
        self.is_open = True
        self._clock = clock
        self._era = era
        self._partitions = [_Partition() for _ in range(PARTITIONS)]
        self._streams: dict[tuple[TenantId, str], list[Recorded]] = {}
        self._claims: dict[tuple[TenantId, ClaimRef], Claim] = {}
        self._commands: dict[tuple[TenantId, bytes], tuple[bytes, Appended]] = {}

    @property
    def events(self) -> list[Recorded]:
        """All that was recorded, partition by partition."""
        return [event for partition in self._partitions for event in partition.events]

    async def append(self, tenant: TenantId, requests: Sequence[Append]) -> list[Outcome]:
        """See `Ledger.append`."""
        check([(tenant, request) for request in requests])
        if not self.is_open:
            raise LedgerShut
        return [self._append(tenant, request) for request in requests]

    async def read_streams(
        self, tenant: TenantId, streams: Sequence[str], *, to_version: int | None = None, until: datetime | None = None
    ) -> dict[str, list[Recorded]]:
        """See `Ledger.read_streams`."""
        return {
            stream: [
                event
                for event in self._streams.get((tenant, stream), [])
                if (to_version is None or event.version <= to_version) and (until is None or event.recorded_at <= until)
            ]
            for stream in streams
        }

    async def find(self, tenant: TenantId, refs: Sequence[ClaimRef]) -> list[Claim | None]:
        """See `Ledger.find`."""
        return [self._claims.get((tenant, ref)) for ref in refs]

    async def read_event(self, tenant: TenantId, event_id: EventId, partition: int) -> Recorded | None:
        """See `Ledger.read_event`."""
        events = self._partitions[partition].events
        return next((event for event in events if event.tenant == tenant and event.event_id == event_id), None)

    async def read_at(self, tenant: TenantId, places: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Recorded]:
        """See `Ledger.read_at`."""
        found = (event for n, position in places for event in self._partitions[n].events[position - 1 : position])
        return {(event.partition, event.position): event for event in found if event.tenant == tenant}

    async def read_partition(self, partition: int, *, after: int, limit: int) -> list[Recorded]:
        """See `Ledger.read_partition`."""
        return self._partitions[partition].events[after : after + limit]

    async def read_about(
        self, tenant: TenantId, subjects: Sequence[str], partition: int, *, after: int, limit: int
    ) -> list[Recorded]:
        """See `Ledger.read_about`."""
        events = self._partitions[partition].events[after:]
        return [event for event in events if event.tenant == tenant and event.subject in subjects][:limit]

    async def state(self) -> LedgerState:
        """See `Ledger.state`."""
        heads = tuple(len(partition.events) for partition in self._partitions)
        return LedgerState(era=self._era, is_open=self.is_open, heads=heads, reach=(0,) * PARTITIONS)

    def _append(self, tenant: TenantId, request: Append) -> Outcome:
        names = [self._name(tenant, stream) for stream in request.streams]
        refusal = self._known(tenant, request) or self._ahead(request) or self._raced(tenant, request, names)
        if refusal is not None:
            return refusal
        places = tuple(
            self._record(tenant, name, stream) for name, stream in zip(names, request.streams, strict=True) if name
        )
        for claim in request.claims:
            made = Claim(claim.ref, claim.stream or names[0] or "", claim.event_id)
            self._claims.setdefault((tenant, claim.ref), made)
        appended = Appended(places)
        if request.key is not None:
            self._commands[tenant, request.key.digest] = (request.key.fingerprint, appended)
        return appended

    def _known(self, tenant: TenantId, request: Append) -> Outcome | None:
        """Look for the key, then for facts' claims, then for identities'."""
        if request.key is not None and (answer := self._answered(tenant, request.key)) is not None:
            return answer
        for claim in sorted(request.claims, key=lambda claim: not claim.is_fact):
            holder = self._claims.get((tenant, claim.ref))
            if holder is not None:
                return (FactKnown if claim.is_fact else ClaimTaken)(holder.stream, holder.event_id)
        return None

    def _answered(self, tenant: TenantId, key: CommandKey) -> Outcome | None:
        known = self._commands.get((tenant, key.digest))
        if known is None:
            return None
        fingerprint, first = known
        return Appended(first.places, repeated=True) if fingerprint == key.fingerprint else KeyReused()

    def _ahead(self, request: Append) -> CauseAhead | None:
        causes = [event.caused_at for stream in request.streams for event in stream.events if event.caused_at]
        return CauseAhead() if causes and max(causes) > self._clock() + _AHEAD_MAX else None

    def _raced(self, tenant: TenantId, request: Append, names: Sequence[str | None]) -> Outcome | None:
        """Look whether each stream is found, and at the version that the decision saw."""
        if None in names:
            return ReferenceUnknown()
        heads = tuple(len(self._streams.get((tenant, name), ())) for name in names if name)
        for stream, head in zip(request.streams, heads, strict=True):
            if not (stream.expected in (head, ANY) or (stream.expected == EXISTS and head > 0)):
                return VersionConflict(heads)
        return None

    def _name(self, tenant: TenantId, stream: StreamAppend) -> str | None:
        if isinstance(stream.stream, str):
            return stream.stream
        claim = self._claims.get((tenant, stream.stream))
        if claim is None or self._streams[tenant, claim.stream][0].partition != stream.partition:
            return None
        return claim.stream

    def _record(self, tenant: TenantId, name: str, stream: StreamAppend) -> Place:
        line = self._partitions[stream.partition]
        history = self._streams.setdefault((tenant, name), [])
        for event in stream.events:
            after_cause = event.caused_at + _TICK if event.caused_at else line.last_at
            line.last_at = max(self._clock(), line.last_at, after_cause)
            recorded = Recorded(
                source=self.service,
                era=self._era,
                partition=stream.partition,
                position=len(line.events) + 1,
                tenant=tenant,
                stream=name,
                version=len(history) + 1,
                event_id=event.event_id,
                type=event.type,
                schema=event.schema,
                subject=event.subject,
                data=event.data,
                meta=Meta.from_json(event.meta),
                occurred_at=event.occurred_at,
                recorded_at=line.last_at,
            )
            line.events.append(recorded)
            history.append(recorded)
        return Place(stream.partition, len(line.events), len(history))
