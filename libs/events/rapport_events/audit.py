"""Compare a topic with its ledger: how far it can be read, and whether the ledger holds every record in it."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog
from aiokafka.errors import KafkaError

from rapport_events.database import Pool
from rapport_events.reach import Found, Mark, Reach
from rapport_events.scanner import Page, Record, Scanner
from rapport_events.statements import load

log = structlog.get_logger()

_TRIES = 5
_ENDS = 100
_MARKS_EACH_TIME = 2
_POSITION_MAX = 2**63 - 1


class RecordNotHeld(Exception):
    """The topic holds a record that the ledger does not: numbers were used twice, and an era was forgotten."""

    def __init__(self, topic: str, partition: int, found: Found) -> None:
        super().__init__(f"the ledger lacks position {found.position} of {topic}[{partition}]")
        self.partition = partition
        self.found = found


@dataclass(slots=True)
class Audit:
    """Reads the topic of one ledger and era, each record once, and remembers what it found."""

    scanner: Scanner
    pool: Pool
    era: int
    strays: int = 0
    """Records without a readable number so far; readers pass over them too."""
    _reaches: dict[int, Reach] = field(default_factory=dict[int, Reach])
    _kept: dict[int, list[Mark]] = field(default_factory=dict[int, list[Mark]])
    """The newest mark of each partition that was written down, if there is one."""
    _turn: int = 0

    async def begin(self, partitions: Collection[int]) -> None:
        """Load the marks, so that reading begins behind them."""
        marks: dict[int, list[Mark]] = defaultdict(list)
        for partition, *mark in await self.pool.fetch(load("rapport_events", "mirror/marks"), self.era):
            marks[partition].append(Mark(*mark))
        self._reaches = {partition: Reach.after(marks[partition]) for partition in partitions}
        self._kept = {partition: list(reach.marks)[-1:] for partition, reach in self._reaches.items()}

    async def check_ends(self, partitions: Collection[int]) -> None:
        """
        Compare the last records of partitions with the ledger, and nothing else.

        Raises:
            RecordNotHeld: The ledger lacks a record.
            KafkaError: The broker is away or refused.
        """
        firsts = await self.scanner.begin(partitions)
        pages = await self.scanner.fetch(firsts, _found, first_batch=True)
        ends = {partition: page.end for partition, page in pages.items()}
        starts = {partition: max(first, ends[partition] - _ENDS) for partition, first in firsts.items()}
        async for pages in self.scanner.scan(starts, _found):
            await self._check_held(self._readable(pages))

    async def take(self, partitions: Collection[int], *, every_mark: bool = False) -> dict[int, Reach]:
        """
        Read on, and return the reach of partitions; where a mark does not fit any more, from the first record.

        Args:
            every_mark: Look at all the marks, not only at the newest and at one of the others in turn.

        Raises:
            RecordNotHeld: The ledger lacks a record.
            KafkaError: The broker is away or refused, or the topic loses its records again and again.
        """
        for _ in range(_TRIES):
            lost = await self._misfits(partitions, every_mark=every_mark) or await self._read_on(partitions)
            if not lost:
                break
            for partition, first in (await self.scanner.begin(lost)).items():
                self._reaches[partition] = Reach(next_offset=first)
        else:
            msg = f"the records of {self.scanner.topic} vanish while they are read"
            raise KafkaError(msg)
        for partition in partitions:
            self._reaches[partition].mark()
        await self._keep_marks(partitions)
        return {partition: self._reaches[partition] for partition in partitions}

    async def _misfits(self, partitions: Collection[int], *, every_mark: bool) -> set[int]:
        """Return the partitions where the topic does not hold at a mark's offset what it held."""
        self._turn += 1
        asked: list[tuple[int, Mark]] = []
        for partition in partitions:
            marks = self._reaches[partition].marks
            if every_mark or len(marks) <= _MARKS_EACH_TIME:
                asked += [(partition, mark) for mark in marks]
            else:
                asked += [(partition, marks[-1]), (partition, marks[self._turn % (len(marks) - 1)])]
        misfits: set[int] = set()
        while asked:
            # One mark of each partition at a time, those that are known not to fit left out.
            round_ = {partition: mark for partition, mark in asked if partition not in misfits}
            asked = [(partition, mark) for partition, mark in asked if round_.get(partition) not in {None, mark}]
            at = await self.scanner.at({partition: mark.offset for partition, mark in round_.items()}, _found)
            misfits |= {partition for partition, mark in round_.items() if at.get(partition) != mark}
        return misfits

    async def _read_on(self, partitions: Collection[int]) -> set[int]:
        """Read to the end; returns the partitions that end before the place where reading went on."""
        lost: set[int] = set()
        starts = {partition: self._reaches[partition].next_offset for partition in partitions}
        async for pages in self.scanner.scan(starts, _found):
            lost |= {partition for partition, page in pages.items() if page.end < 0}
            found = self._readable(pages)
            await self._check_held(found)
            for partition, page in pages.items():
                self._reaches[partition].take(found[partition], page.next_offset)
            # A long reading that is interrupted goes on from here.
            await self._keep_marks(pages)
        return lost

    def _readable(self, pages: Mapping[int, Page[Found | None]]) -> dict[int, list[Found]]:
        readable: dict[int, list[Found]] = {}
        for partition, page in pages.items():
            readable[partition] = [record for record in page.records if record is not None]
            strays = len(page.records) - len(readable[partition])
            if strays:
                self.strays += strays
                log.error("records_without_number", topic=self.scanner.topic, partition=partition, count=strays)
        return readable

    async def _check_held(self, found: Mapping[int, Collection[Found]]) -> None:
        if not any(found.values()):
            return
        runs = [(partition, *run) for partition, records in found.items() for run in _runs(r.position for r in records)]
        rows = await self.pool.fetch(load("rapport_events", "mirror/held"), *_columns(runs, 3))
        held: dict[int, dict[int, str]] = defaultdict(dict)
        for row in rows:
            ids: list[str] = row["ids"]
            held[row["partition"]].update(enumerate(ids, row["first"]))
        for partition, records in found.items():
            for record in records:
                if held[partition].get(record.position) != record.event_id:
                    raise RecordNotHeld(self.scanner.topic, partition, record)

    async def _keep_marks(self, partitions: Iterable[int]) -> None:
        """Write down the marks of those partitions that have new ones."""
        newest = {partition: list(self._reaches[partition].marks)[-1:] for partition in partitions}
        moved = [partition for partition, mark in newest.items() if self._kept.get(partition) != mark]
        if not moved:
            return
        marks = [(partition, *mark) for partition in moved for mark in self._reaches[partition].marks]
        await self.pool.execute(load("rapport_events", "mirror/keep_marks"), self.era, moved, *_columns(marks, 4))
        self._kept |= {partition: newest[partition] for partition in moved}


def _found(_partition: int, record: Record) -> Found | None:
    """Read what a record says of itself; None where it has no readable number."""
    headers = dict(record.headers)
    try:
        return Found(record.offset, int(headers["ce_position"] or b""), (headers.get("ce_id") or b"").decode())
    except (KeyError, ValueError):
        return None


def _columns(rows: Sequence[tuple[int | str, ...]], count: int) -> list[list[int | str]]:
    return [[row[column] for row in rows] for column in range(count)]


def _runs(positions: Iterable[int]) -> list[tuple[int, int]]:
    """Join positions to runs of consecutive ones; those that no ledger can hold are left out."""
    runs: list[tuple[int, int]] = []
    for position in sorted(set(positions)):
        if not 0 < position <= _POSITION_MAX:
            continue
        if runs and runs[-1][1] + 1 == position:
            runs[-1] = (runs[-1][0], position)
        else:
            runs.append((position, position))
    return runs
