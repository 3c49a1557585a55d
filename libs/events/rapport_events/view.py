"""Read models as folds: what a view says of itself, and the facts that it is given."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic, Self, TypeVar

import msgspec

from rapport_events.codec import narrow_decoder, source_of, types_of
from rapport_events.contracts.base import Event
from rapport_events.database import Connection, Pool
from rapport_events.ids import TenantId
from rapport_events.keyring import Keyring
from rapport_events.statements import load_rebuild
from rapport_events.tracing import TRACEPARENT

K = TypeVar("K")
S = TypeVar("S")

Headers = dict[str, bytes]
Key = tuple[str, int, int]
"""Source, era and partition: one line of numbers."""


class Arrived(msgspec.Struct, frozen=True, gc=False):
    """
    A record as it came, with the two attributes that every reader looks at first.

    One is made for each record and each view's fact: a struct is made several times as fast as a frozen dataclass, and
    what holds nothing but values is in no cycle, so the garbage collector need not look at thousands of them.
    """

    source: str
    era: int
    partition: int
    position: int
    type: str
    headers: Headers
    value: bytes

    @property
    def line(self) -> Key:
        """The line of numbers that the record belongs to."""
        return (self.source, self.era, self.partition)

    @property
    def customer(self) -> tuple[str, str]:
        """Tenant and subject; empty where the headers do not say."""
        return (_text(self.headers.get("ce_tenantid", b"")), _text(self.headers.get("ce_subject", b"")))

    @property
    def traceparent(self) -> str | None:
        """The trace of the wish that it began with; None where the header is none, whoever wrote it."""
        raw = self.headers.get("ce_traceparent")
        return raw.decode() if raw is not None and TRACEPARENT.fullmatch(raw) else None


def _text(raw: bytes) -> str:
    """Return a header as the database can keep it: it takes neither what is no UTF-8 nor NUL."""
    return raw.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")


class Fact(msgspec.Struct, frozen=True, gc=False):
    """One event as a view sees it: its envelope, and only the fields that the view folds."""

    tenant: TenantId
    subject: str
    source: str
    partition: int
    position: int
    event_id: str
    type: str
    stream: str
    version: int
    occurred_at: datetime
    recorded_at: datetime
    event: Any
    """The narrow struct that the view declares for this type."""
    arrived: Arrived


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that the view should fold and cannot even decode."""

    arrived: Arrived
    cause: str


Batch = Sequence[Fact]


class View(Generic[K, S]):
    """
    A read model: four steps that turn a batch of facts into rows.

    `keys` says which rows the batch touches, `load` reads them (one statement per table), `fold` changes them in
    memory, `write` stores them (one statement per table). All run in one transaction with the checkpoint, so each
    fact counts once.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    package: ClassVar[str]
    """The package whose `sql` folder holds the view's statements."""
    reads: ClassVar[Mapping[type[Event], type[msgspec.Struct]]]
    """For each event the struct with the fields that the fold needs; a sealed value is a `str`."""
    is_ordered: ClassVar[bool] = True
    """Whether a customer's later facts must wait behind a parked one."""

    def __init__(self, rebuild: int = 1) -> None:
        self.rebuild = rebuild
        self._decoders = {
            name: narrow_decoder(event, struct, name)
            for event, struct in self.reads.items()
            for name in types_of(event)
        }
        self.nouns = frozenset(name.rpartition(".v")[0] for name in self._decoders)
        """What the view reads, without majors."""

    @property
    def model(self) -> str:
        """Name under which code reads the view, whichever rebuild is live: `directory_v1`."""
        return f"{self.name}_v{self.version}"

    @property
    def reader(self) -> str:
        """Name of the checkpoint rows: `directory_v1_r1`."""
        return f"{self.model}_r{self.rebuild}"

    @property
    def tables(self) -> tuple[str, ...]:
        """What its tables are called without the `_rN`; a rebuild makes and swaps all of them. None: never rebuilt."""
        return (self.model,)

    def again(self, rebuild: int) -> Self:
        """Return the same view over the tables of another rebuild."""
        return type(self)(rebuild)

    @property
    def sources(self) -> tuple[str, ...]:
        """The services whose topics the view reads."""
        return tuple(sorted({source for event in self.reads for source in source_of(event)}))

    @property
    def types(self) -> list[str]:
        """The types that the view folds, former majors included."""
        return sorted(self._decoders)

    def sql(self, name: str) -> str:
        """Return one of the package's statements, `_rN` replaced by this rebuild's number."""
        return load_rebuild(self.package, name, self.rebuild)

    def concerns(self, type_name: str) -> bool:
        """Say whether the view must look at a type; an unknown major of a type that it reads counts."""
        return type_name in self._decoders or type_name.rpartition(".v")[0] in self.nouns

    def decode(self, arrived: Arrived) -> Fact | Unreadable:
        """Read what the view needs of a record, or say why that is impossible."""
        decoder = self._decoders.get(arrived.type)
        if decoder is None:
            return Unreadable(arrived, f"unknown major version: {arrived.type}")
        headers = arrived.headers
        try:
            return Fact(
                tenant=TenantId(headers["ce_tenantid"].decode()),
                subject=headers["ce_subject"].decode(),
                source=arrived.source,
                partition=arrived.partition,
                position=arrived.position,
                event_id=headers["ce_id"].decode(),
                type=arrived.type,
                stream=headers["ce_stream"].decode(),
                version=int(headers["ce_streamversion"]),
                occurred_at=datetime.fromisoformat(headers["ce_time"].decode()),
                recorded_at=datetime.fromisoformat(headers["ce_recordedtime"].decode()),
                event=decoder(arrived.value, headers["ce_dataschema"].decode().rpartition(":")[2]),
                arrived=arrived,
            )
        except (KeyError, ValueError, msgspec.MsgspecError) as error:
            # The message of a decoder can quote the value, so only its kind and place are kept.
            return Unreadable(arrived, f"{type(error).__name__}: cannot decode {arrived.type}")

    async def prepare(self, batch: Batch, keyring: Keyring) -> None:
        """Fetch what the fold needs from elsewhere, before the transaction begins; most views need nothing."""

    def forget(self) -> None:
        """Drop what was prepared: opened keys may not wait in memory for the next batch."""

    async def furnish(self, connection: Connection) -> None:
        """Put into the tables of a new rebuild what the migration put into those of the first; most need nothing."""

    async def mark_all(self, connection: Connection) -> None:
        """
        Mark everybody about whom these tables say something, so that what follows from it is decided anew.

        Called when another era's rebuild has taken over, or a new shape was filled; for views that leave marks.
        """

    async def is_whole(self, connection: Connection) -> bool:
        """Say whether nothing is missing that `keep_whole` fills again; until then no switch is made."""
        return True

    async def keep_whole(self, pool: Pool, keyring: Keyring) -> None:
        """Fill again, until cancelled, what a crash takes from unlogged tables; most views have none."""

    async def apply(self, connection: Connection, batch: Batch) -> None:
        """Fold a batch into the tables, inside the caller's transaction."""
        async with asyncio.timeout(APPLY_SECONDS):
            state = await self.load(connection, self.keys(batch))
            await self.write(connection, self.fold(state, batch))

    def keys(self, batch: Batch) -> K:
        """Say which rows the batch touches."""
        raise NotImplementedError

    async def load(self, connection: Connection, keys: K) -> S:
        """Read these rows."""
        raise NotImplementedError

    def fold(self, state: S, batch: Batch) -> S:
        """Return the rows as they are after the batch; no I/O."""
        raise NotImplementedError

    async def write(self, connection: Connection, state: S) -> None:
        """Store the rows."""
        raise NotImplementedError


APPLY_SECONDS = 10
"""A reader's transaction lasts at most this long; erasure waits for longer than that."""
