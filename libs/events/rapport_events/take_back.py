"""Take the rows that a restore lost back from the topic: as they were, in order, as far as the topic can be read."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from rapport_events.database import Connection
from rapport_events.envelope import Headers, Recorded, from_headers
from rapport_events.ids import PARTITIONS
from rapport_events.scanner import Record, Scanner
from rapport_events.statements import load

ROWS = 1_000
"""Events that are written at a time; more where a command recorded more."""
BYTES = 8 * 1024 * 1024

_POSITION_MAX = 2**63 - 1


@dataclass(slots=True)
class Taken:
    """What became of one partition."""

    partition: int
    head: int
    """The ledger's last position before."""
    reach: int = 0
    """How far the topic can be read."""
    count: int = 0
    """Rows that were taken back."""
    differs_at: int | None = None
    """The first position at which ledger and topic hold different events; nothing is taken back from there on."""
    cause: str = ""
    """What lies there, or which record cannot be made a row again."""
    claims_held: int = 0
    """Outside names of what was taken back that were used anew since the restore."""
    behind_hole: int = 0
    """Records behind a number that the topic lacks; nobody can read them in order."""

    @property
    def missing(self) -> int:
        """How many events the topic holds that the ledger still lacks."""
        return (
            max(0, self.reach - self.head - self.count) if self.differs_at is None else self.reach - self.differs_at + 1
        )


@dataclass(frozen=True, slots=True)
class _Seen:
    """A record, as far as it was read."""

    position: int
    event_id: str
    headers: Headers
    """Empty where the ledger has a row of that number."""
    value: bytes


@dataclass(slots=True)
class _Chunk:
    """Events that are to be written together: a command is never cut, or its answer would be."""

    events: list[Recorded] = field(default_factory=list[Recorded])
    size: int = 0

    def is_full_before(self, event: Recorded) -> bool:
        if len(self.events) < ROWS and self.size < BYTES:
            return False
        key = self.events[-1].meta.command_key
        return key is None or key != event.meta.command_key

    def add(self, event: Recorded) -> None:
        self.events.append(event)
        self.size += len(event.data)


async def take_back(connection: Connection, scanner: Scanner) -> AsyncIterator[Taken]:
    """
    Compare a topic with its ledger, partition by partition, and write the rows that the ledger lacks at its end.

    What was done stays if it is interrupted; called again it goes on.

    Args:
        connection: As keeper; the ledger is shut.
        scanner: Of the topic.

    Yields:
        What became of each partition.

    Raises:
        KafkaError: The broker is away or refused.
        asyncpg.PostgresError: The ledger was opened meanwhile, or the database is away.
    """
    heads: list[int] = await connection.fetchval(load("rapport_events", "ledger/heads"))
    for partition in range(PARTITIONS):
        yield await _take_back_partition(connection, scanner, Taken(partition, heads[partition]))


async def _take_back_partition(connection: Connection, scanner: Scanner, taken: Taken) -> Taken:
    chunk = _Chunk()
    starts = await scanner.begin([taken.partition])
    async for pages in scanner.scan(starts, partial(_see, taken.head)):
        seen = _next(taken, [record for record in pages[taken.partition].records if record is not None])
        await _compare(connection, taken, seen)
        for event in _missing_rows(taken, seen):
            if chunk.events and chunk.is_full_before(event):
                await _write(connection, taken, chunk.events)
                chunk = _Chunk()
            chunk.add(event)
    await _write(connection, taken, chunk.events)
    return taken


def _see(head: int, _partition: int, record: Record) -> _Seen | None:
    """Read a record; None where it has no readable number, as readers pass over it too."""
    headers = dict(record.headers)
    try:
        position = int(headers["ce_position"] or b"")
    except (KeyError, ValueError):
        return None
    event_id = (headers.get("ce_id") or b"").decode(errors="replace")
    if position <= head:
        return _Seen(position, event_id, [], b"")
    return _Seen(position, event_id, [(name, value or b"") for name, value in record.headers], record.value or b"")


def _next(taken: Taken, records: Sequence[_Seen]) -> list[_Seen]:
    """Choose what a reader takes: exactly the next number each time."""
    chosen: list[_Seen] = []
    for record in records:
        if record.position == taken.reach + 1 <= _POSITION_MAX:
            taken.reach += 1
            chosen.append(record)
            taken.behind_hole = 0
        elif record.position > taken.reach:
            taken.behind_hole += 1
    return chosen


async def _compare(connection: Connection, taken: Taken, seen: Sequence[_Seen]) -> None:
    """Note the first position at which ledger and topic hold different events."""
    both = [record for record in seen if record.position <= taken.head]
    if not both or taken.differs_at is not None:
        return
    run = ([taken.partition], [both[0].position], [both[-1].position])
    [row] = await connection.fetch(load("rapport_events", "mirror/held"), *run)
    ids: list[str] = row["ids"]
    for record, held in zip(both, ids, strict=True):
        if record.event_id != held:
            taken.differs_at = record.position
            taken.cause = f"the ledger holds event {held}, the topic {record.event_id}"
            return


def _missing_rows(taken: Taken, seen: Sequence[_Seen]) -> list[Recorded]:
    """Make rows of the records that the ledger lacks, up to the first that cannot be one."""
    events: list[Recorded] = []
    for record in seen:
        if taken.differs_at is not None or record.position <= taken.head:
            continue
        try:
            events.append(from_headers(record.headers, partition=taken.partition, value=record.value))
        except (KeyError, ValueError) as error:
            taken.differs_at = record.position
            taken.cause = f"the record cannot be read ({type(error).__name__})"
    return events


async def _write(connection: Connection, taken: Taken, events: Sequence[Recorded]) -> None:
    if not events:
        return
    columns = zip(
        *(
            (
                *(event.position, event.tenant, event.stream, event.version, event.event_id, event.type, event.schema),
                *(event.subject, event.data.decode(), event.meta.to_json(), event.occurred_at, event.recorded_at),
            )
            for event in events
        ),
        strict=True,
    )
    held: int = await connection.fetchval(
        load("rapport_events", "ledger/take_back"), taken.partition, *map(list, columns)
    )
    taken.claims_held += held
    taken.count += len(events)
