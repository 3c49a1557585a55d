"""Fill the tables of a rebuild from the first position on: own facts from the own ledger, others' from their topics."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg
import structlog

from rapport_events.consuming import read_arrived
from rapport_events.database import Pool
from rapport_events.envelope import to_headers, topic_of
from rapport_events.ids import PARTITIONS
from rapport_events.keyring import Keyring
from rapport_events.postgres_ledger import recorded_of
from rapport_events.reader import ViewReader, write_down
from rapport_events.scanner import Consumed
from rapport_events.statements import load
from rapport_events.view import Arrived, Key, View

log = structlog.get_logger()

Goals = Callable[[], Awaitable[Mapping[Key, int]]]
"""Tells how far the live view, or the ledgers themselves, have come."""
ScanMany = Callable[[str, Collection[int], dict[int, int]], AsyncIterator[Sequence[Consumed]]]
"""Reads partitions of a topic to their ends, from offsets on which it moves, with a consumer of no group."""

EVENTS_AT_ONCE: Final = 2_000
BYTES_AT_ONCE: Final = 8 * 1024 * 1024
WORKERS: Final = 2
"""Each fills a share of the partitions, so that one folds while the other one waits for the database."""
CLOSE_EVENTS: Final = 500
"""So few events behind, a rebuild is handed over to the consumer, which closes the rest of the gap."""
_PAUSE_SECONDS: Final = 0.25
_FINISH_SECONDS_MAX: Final = 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class Filler:
    """Fills rebuilds of one service's views; it writes rows and checkpoints, and nothing else."""

    service: str
    pool: Pool
    keyring: Keyring | None
    scan: ScanMany
    prefix: str = "crm"
    share: float = 1.0
    """Of a worker's time, how much it works; the rest it leaves to whoever else is in the process."""
    offsets: dict[tuple[str, str], dict[int, int]] = field(default_factory=dict[tuple[str, str], dict[int, int]])
    """By reader and topic, where to read on; only a hint."""

    async def begin(self, view: View[Any, Any], eras: Mapping[str, int]) -> ViewReader:
        """Return the reader of a rebuild; one that was interrupted goes on where its checkpoints are."""
        reader = ViewReader(view, self.pool, self.keyring)
        await reader.reload()
        if not reader.positions:
            async with self.pool.acquire() as connection, connection.transaction():
                await view.furnish(connection)
        await reader.begin(eras)
        done = sum(reader.positions.values())
        await self.pool.execute(load("rapport_events", "rebuild/work_began"), view.reader, done)
        return reader

    async def fill(self, view: View[Any, Any], eras: Mapping[str, int], goals: Goals) -> None:
        """
        Fill a rebuild until it is close behind the goals, then let it be fed beside the live one.

        Each batch is one transaction with its checkpoints: after a crash the next call goes on.
        """
        reader = await self.begin(view, eras)
        log.info("rebuild_begun", reader=view.reader, position=sum(reader.positions.values()))
        while behind(reader, goal := await goals()) > CLOSE_EVENTS:
            if not await self.catch_up(view, goal):
                # What is missing may come again anywhere in the topic: it is read from its first record next time.
                for topic in [each for each in self.offsets if each[0] == view.reader]:
                    del self.offsets[topic]
                await asyncio.sleep(_PAUSE_SECONDS)
            await reader.reload()
        await self.catch_up(view, goal)
        await self._finish(view)
        await self.pool.execute(load("rapport_events", "rebuild/filled"), view.reader)
        log.info("rebuild_filled", reader=view.reader)

    async def _finish(self, view: View[Any, Any]) -> None:
        """Make the indexes that were left for the end, which may last longer than other statements."""
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute(load("rapport_events", "rebuild/take_time"))
            statement = load("rapport_events", "rebuild/finish_rebuild")
            await connection.execute(statement, view.model, view.rebuild, timeout=_FINISH_SECONDS_MAX)

    async def catch_up(self, view: View[Any, Any], goals: Mapping[Key, int]) -> int:
        """
        Bring a rebuild at least to where the goals are, as far as ledger and topics hold it.

        Returns:
            By how many positions it moved; 0 where nothing more is there yet.
        """
        async with asyncio.TaskGroup() as group:
            shares = [range(first, PARTITIONS, WORKERS) for first in range(WORKERS)]
            tasks = [group.create_task(self._work(view.again(view.rebuild), share, goals)) for share in shares]
        return sum(task.result() for task in tasks)

    async def _work(self, view: View[Any, Any], share: Collection[int], goals: Mapping[Key, int]) -> int:
        reader = ViewReader(view, self.pool, self.keyring)
        await reader.reload()
        before = dict(reader.positions)
        for source, era in sorted({(source, era) for source, era, _ in before}):
            lines = [(source, era, partition) for partition in share]
            if all(reader.positions[line] >= goals.get(line, 0) for line in lines):
                continue
            if source == self.service:
                await self._read_ledger(reader, lines, goals)
            else:
                await self._read_topic(reader, lines)
        return sum(reader.positions[line] - at for line, at in before.items() if line[2] in share)

    async def _read_ledger(self, reader: ViewReader, lines: Sequence[Key], goals: Mapping[Key, int]) -> None:
        """Fold what concerns the view in the ledger's partitions, a page of all of them at a time, to the goals."""
        nouns, source, era = sorted(reader.view.nouns), lines[0][0], lines[0][1]
        while wanted := [line for line in lines if reader.positions[line] < goals.get(line, 0)]:
            began = time.monotonic()
            starts = {line: reader.positions[line] for line in wanted}
            limits = max(1, EVENTS_AT_ONCE // len(wanted)), BYTES_AT_ONCE // len(wanted)
            statement, partitions = load("rapport_events", "rebuild/facts"), [partition for _, _, partition in wanted]
            rows = await self.pool.fetch(statement, partitions, list(starts.values()), *limits, nouns, era)
            found: dict[int, list[Arrived]] = defaultdict(list)
            for row in rows:
                found[row["partition"]].append(_arrived(source, row))
            ends = {(source, era, partition): records[-1].position for partition, records in found.items()}
            if not ends:
                return
            # The last event of a page is there for its number, whatever it is.
            records = [each for page in found.values() for each in page if reader.view.concerns(each.type)]
            await reader.jump(records, {line: starts[line] for line in ends}, ends)
            await self._rest(began)

    async def _read_topic(self, reader: ViewReader, lines: Sequence[Key]) -> None:
        """Fold the topic's partitions from where they were read to their ends; repeats and holes are the reader's."""
        source, era, _ = lines[0]
        topic = topic_of(source, era, self.prefix)
        offsets = self.offsets.setdefault((reader.view.reader, topic), {})
        began = time.monotonic()
        partitions = [partition for _, _, partition in lines]
        held = {partition: offsets[partition] for partition in partitions if partition in offsets}
        async for records in self.scan(topic, partitions, held):
            arrived = [each for record in records if (each := read_arrived(source, era, record))]
            await reader.take(arrived)
            await self._rest(began)
            began = time.monotonic()
        await write_down(self.pool, [reader])
        offsets.update(held)

    async def _rest(self, began: float) -> None:
        await asyncio.sleep((time.monotonic() - began) * (1 - self.share) / self.share)


def behind(reader: ViewReader, goals: Mapping[Key, int]) -> int:
    """Count the events that a view has yet to see."""
    return sum(max(0, goals.get(line, 0) - at) for line, at in reader.positions.items())


def _arrived(source: str, row: asyncpg.Record) -> Arrived:
    recorded = recorded_of(source, row)
    place = (source, recorded.era, recorded.partition, recorded.position)
    return Arrived(*place, recorded.type, dict(to_headers(recorded)), recorded.data)
