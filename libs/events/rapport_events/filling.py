"""Fill the tables of a rebuild from the first position on: own facts from the own ledger, others' from their topics."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
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
from rapport_events.scanner import Read
from rapport_events.statements import load
from rapport_events.tally import End, Tally
from rapport_events.view import Arrived, Key, View

log = structlog.get_logger()

Goals = Callable[[], Awaitable[Mapping[Key, int]]]
"""Tells how far the live view, or the ledgers themselves, have come."""
ScanMany = Callable[
    [str, Collection[int], dict[int, int], Read[Arrived | None]], AsyncIterator[Sequence[Arrived | None]]
]
"""Reads partitions of a topic to their ends, from offsets on which it moves, with a consumer of no group."""

EVENTS_AT_ONCE: Final = 5_000
BYTES_AT_ONCE: Final = 8 * 1024 * 1024
WORKERS: Final = 2
"""Each fills a share of the partitions, so that one folds while the other one waits for the database."""
CLOSE_EVENTS: Final = 500
"""So few events behind, a rebuild is handed over to the consumer, which closes the rest of the gap."""
_PAUSE_SECONDS: Final = 0.25
_FINISH_SECONDS_MAX: Final = 3_600
_END: Final = 2**63


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
    offsets: dict[str, dict[tuple[str, int], int]] = field(default_factory=dict[str, dict[tuple[str, int], int]])
    """By reader, where to read on in each topic's partitions; only a hint."""

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
        log.info("rebuild_begun", reader=view.reader, position=done)
        return reader

    async def fill(self, views: Sequence[View[Any, Any]], eras: Mapping[str, int], goals: Goals) -> None:
        """
        Fill rebuilds together until they are close behind the goals, then let them be fed beside the live ones.

        Each batch is one transaction with its checkpoints: after a crash the next call goes on.
        """
        readers = [await self.begin(view, eras) for view in views]
        while readers:
            goal = await goals()
            far = [reader for reader in readers if behind(reader, goal) > CLOSE_EVENTS]
            if far and not await self.catch_up([reader.view for reader in far], goal):
                # What is missing may come again anywhere in a topic: it is read from its first record next time.
                for reader in far:
                    self.offsets.pop(reader.view.reader, None)
                await asyncio.sleep(_PAUSE_SECONDS)
            for reader in far:
                await reader.reload()
            for reader in [each for each in readers if each not in far]:
                await self._finish(reader.view)
                readers.remove(reader)

    async def _finish(self, view: View[Any, Any]) -> None:
        """Make the indexes that were left for the end, and let the rebuild be fed."""
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute(load("rapport_events", "rebuild/take_time"))
            statement = load("rapport_events", "rebuild/finish_rebuild")
            await connection.execute(statement, view.model, view.rebuild, timeout=_FINISH_SECONDS_MAX)
        async with self.pool.acquire() as connection, connection.transaction():
            state = await connection.fetchval(load("rapport_events", "rebuild/filled"), view.reader)
            if state == "live":
                # Nobody read it before, so nothing of what it says has led to anything.
                await view.mark_all(connection)
        log.info("rebuild_filled", reader=view.reader)

    async def catch_up(self, views: Sequence[View[Any, Any]], goals: Mapping[Key, int]) -> int:
        """
        Bring rebuilds at least to where the goals are, as far as ledger and topics hold it.

        Returns:
            By how many positions they moved; 0 where nothing more is there yet.
        """
        async with asyncio.TaskGroup() as group:
            shares = [range(first, PARTITIONS, WORKERS) for first in range(WORKERS)]
            tasks = [
                group.create_task(self._work([view.again(view.rebuild) for view in views], share, goals))
                for share in shares
            ]
        return sum(task.result() for task in tasks)

    async def _work(self, views: Sequence[View[Any, Any]], share: Collection[int], goals: Mapping[Key, int]) -> int:
        readers = [ViewReader(view, self.pool, self.keyring) for view in views]
        for reader in readers:
            await reader.reload()
        before = [dict(reader.positions) for reader in readers]
        for source, era in sorted({(source, era) for positions in before for source, era, _ in positions}):
            lines = [(source, era, partition) for partition in share]
            behind_here = [
                reader
                for reader in readers
                if any(reader.positions.get(line, _END) < goals.get(line, 0) for line in lines)
            ]
            if source == self.service:
                for reader in behind_here:
                    await self._read_ledger(reader, lines, goals)
            elif behind_here:
                await self._read_topic(behind_here, lines)
        return sum(
            reader.positions[line] - at
            for reader, positions in zip(readers, before, strict=True)
            for line, at in positions.items()
            if line[2] in share
        )

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
            # The last row of each partition has the tally of all up to it.
            ends = {(source, era, row["partition"]): _end(row) for row in rows}
            if not ends:
                return
            # The last event of a page is there for its number, whatever it is.
            records = [each for page in found.values() for each in page if reader.view.concerns(each.type)]
            await reader.jump(records, {line: starts[line] for line in ends}, ends)
            await self._rest(began)

    async def _read_topic(self, readers: Sequence[ViewReader], lines: Sequence[Key]) -> None:
        """Fold the topic's partitions from where they were read to their ends; repeats and holes are the readers'."""
        source, era, _ = lines[0]
        topic, partitions = topic_of(source, era, self.prefix), [partition for _, _, partition in lines]
        known = [self.offsets.setdefault(reader.view.reader, {}) for reader in readers]
        held = {place: min(each.get((topic, place), 0) for each in known) for place in partitions}
        arrived: list[Arrived] = []
        size = 0
        async for page in self.scan(topic, partitions, held, partial(read_arrived, topic, source, era)):
            records = [record for record in page if record is not None]
            size += sum(len(record.value) for record in records)
            arrived += records
            if len(arrived) >= EVENTS_AT_ONCE or size >= BYTES_AT_ONCE:
                await self._take(readers, arrived)
                arrived, size = [], 0
        await self._take(readers, arrived)
        for hints in known:
            hints.update({(topic, place): offset for place, offset in held.items()})

    async def _take(self, readers: Sequence[ViewReader], arrived: Sequence[Arrived]) -> None:
        began = time.monotonic()
        for reader in readers:
            await reader.take(arrived)
        await write_down(self.pool, readers)
        await self._rest(began)

    async def _rest(self, began: float) -> None:
        await asyncio.sleep((time.monotonic() - began) * (1 - self.share) / self.share)


def behind(reader: ViewReader, goals: Mapping[Key, int]) -> int:
    """Count the events that a view has yet to see."""
    return sum(max(0, goals.get(line, 0) - at) for line, at in reader.positions.items())


def _end(row: asyncpg.Record) -> End:
    return End(row["position"], Tally(row["count"], row["total"], row["weighted"]))


def _arrived(source: str, row: asyncpg.Record) -> Arrived:
    recorded = recorded_of(source, row)
    place = (source, recorded.era, recorded.partition, recorded.position)
    return Arrived(*place, recorded.type, dict(to_headers(recorded)), recorded.data)
