"""What a ledger takes and answers: the only memory of a service."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import msgspec

from rapport_events.envelope import Recorded
from rapport_events.ids import EventId, TenantId

NONE = 0
"""Expected version: the stream must not exist yet."""
EXISTS = -1
"""Expected version: the stream must exist, at whatever version."""
ANY = -2
"""Expected version: whatever is there."""


# Structs, for several are made for each append: one costs a tenth of a frozen dataclass.
class NewEvent(msgspec.Struct, frozen=True, gc=False):
    """An event that is to be appended: sealed, encoded, without number and time of record."""

    event_id: EventId
    type: str
    schema: str
    subject: str
    data: bytes
    """JSON, at most 256 KiB, exactly the bytes that Kafka gets."""
    meta: str
    """JSON text of `Meta`."""
    occurred_at: datetime
    caused_at: datetime | None = None
    """`recorded_at` of the causing event; this one is recorded after it."""


class ClaimRef(msgspec.Struct, frozen=True, gc=False):
    """Names a claim of a tenant: what kind of thing, and a digest (16 bytes) of its outside name."""

    kind: str
    digest: bytes


class Claim(msgspec.Struct, frozen=True, gc=False):
    """Makes a thing unique across customers. A fact's claim answers a repeat; an identity's names its holder."""

    ref: ClaimRef
    stream: str
    event_id: EventId
    is_fact: bool = True


class StreamAppend(msgspec.Struct, frozen=True, gc=False):
    """Events for one stream, in order, with the version that the decision saw (or NONE, EXISTS, ANY)."""

    stream: str | ClaimRef
    """Its name, or the fact's claim by which the ledger finds it under its locks."""
    partition: int
    expected: int
    events: tuple[NewEvent, ...]


class CommandKey(msgspec.Struct, frozen=True, gc=False):
    """An idempotency key: digest of the key and fingerprint of the body (16 bytes each)."""

    digest: bytes
    fingerprint: bytes


class Append(msgspec.Struct, frozen=True, gc=False):
    """One request: all of it is appended, or nothing."""

    streams: tuple[StreamAppend, ...]
    key: CommandKey | None = None
    claims: tuple[Claim, ...] = ()


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where the last event of a request lies in one of its streams."""

    partition: int
    position: int
    version: int


class Appended(msgspec.Struct, frozen=True, gc=False):
    """The request is in the ledger; `repeated` says that an earlier one with the same key put it there."""

    places: tuple[Place, ...]
    repeated: bool = False


class KeyReused(msgspec.Struct, frozen=True, gc=False):
    """The idempotency key was used with another body."""


class FactKnown(msgspec.Struct, frozen=True, gc=False):
    """A fact with this outside name is already recorded, here."""

    stream: str
    event_id: EventId


class ClaimTaken(msgspec.Struct, frozen=True, gc=False):
    """Another stream holds this identity."""

    stream: str
    event_id: EventId


class VersionConflict(msgspec.Struct, frozen=True, gc=False):
    """A stream was not at the expected version; `versions` are the current ones, in the request's order."""

    versions: tuple[int, ...]


class ReferenceUnknown(msgspec.Struct, frozen=True, gc=False):
    """A stream was named by a claim that nobody has made."""


class CauseAhead(msgspec.Struct, frozen=True, gc=False):
    """The causing event's time of record is more than 10 s ahead of the database's clock."""


Outcome = Appended | KeyReused | FactKnown | ClaimTaken | VersionConflict | ReferenceUnknown | CauseAhead


@dataclass(frozen=True, slots=True)
class LedgerState:
    """What a reader must know of a ledger; `heads` and `reach` hold a position for each partition (0: none)."""

    era: int
    is_open: bool
    heads: tuple[int, ...]
    """The last position."""
    reach: tuple[int, ...]
    """Up to where the mirror says that the topic holds everything, a second ago."""


class LedgerShut(Exception):
    """The server was restarted, restored or promoted, and the mirror has not yet compared ledger and topic."""

    reason: str | None = None
    """A code where it stays shut until an operator does something."""


class Ledger(Protocol):
    """A numbered memory of facts; `PostgresLedger` and `MemoryLedger` pass the same contract tests."""

    service: str

    async def append(self, tenant: TenantId, requests: Sequence[Append]) -> list[Outcome]:
        """
        Append requests, each decided on its own, in their order; one refusal never aborts its neighbours.

        Args:
            tenant: From the verified token, and from nowhere else.
            requests: 1 to 1,000; requests of concurrent callers share one transaction.

        Returns:
            One outcome for each request, in order.

        Raises:
            LedgerShut: Appends are closed until the mirror has compared ledger and topic.
            ValueError: A stream and its subject lie in different partitions, or an event exceeds 256 KiB.
        """
        ...

    async def read_streams(
        self, tenant: TenantId, streams: Sequence[str], *, to_version: int | None = None, until: datetime | None = None
    ) -> dict[str, list[Recorded]]:
        """Read whole streams, or up to a version, or up to a moment of record; an unknown stream has no events."""
        ...

    async def find(self, tenant: TenantId, refs: Sequence[ClaimRef]) -> list[Claim | None]:
        """Say for each claim who holds it."""
        ...

    async def read_event(self, tenant: TenantId, event_id: EventId, partition: int) -> Recorded | None:
        """Read one event by its id."""
        ...

    async def read_at(self, tenant: TenantId, places: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Recorded]:
        """Read events by their places, each a partition and a position; where another tenant's lie is nothing."""
        ...

    async def read_partition(self, partition: int, *, after: int, limit: int) -> list[Recorded]:
        """Read the next events of a partition, of all tenants, in order (for roles that act as keeper)."""
        ...

    async def read_about(
        self, tenant: TenantId, subjects: Sequence[str], partition: int, *, after: int, limit: int
    ) -> list[Recorded]:
        """
        Read the next events of a partition that are about some subjects, in order.

        It looks at every event of the partition: for what is asked for seldom, such as all that is kept about somebody.
        """
        ...

    async def state(self) -> LedgerState:
        """Read era, openness and heads."""
        ...
