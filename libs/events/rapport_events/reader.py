"""One view kept current: exactly the next number, checkpoint and rows in one transaction, poison set aside."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

import structlog
from prometheus_client import Counter, Histogram

from rapport_events.database import Connection, Pool
from rapport_events.faults import is_away
from rapport_events.keyring import Keyring
from rapport_events.parking import BEHIND, Parked, apply_around, mend, park, parked_customers
from rapport_events.statements import load
from rapport_events.tally import NOTHING, End, Tally, tally_of
from rapport_events.tracing import Facts, traced_batch
from rapport_events.view import Arrived, Fact, Key, Unreadable, View

log = structlog.get_logger()

FOLDED = Counter("rapport_reader_facts", "Records that moved a checkpoint.", ["reader"])
REPEATS = Counter("rapport_reader_repeats", "Records at or below the checkpoint, dropped.", ["reader"])
PASSED_OVER = Counter("rapport_reader_passed_over", "Records above the next number, left for later.", ["reader"])
OVERTAKEN = Counter(
    "rapport_reader_overtaken", "Batches dropped because another owner had moved the checkpoint.", ["reader"]
)
COMMIT_SECONDS = Histogram("rapport_reader_commit_seconds", "One batch, from begin to commit.", ["reader"])

FOLD_TRIES = 5
"""How often a batch that cannot be folded is tried; the last time its bad records are looked for."""
FOLD_PAUSE_SECONDS = 0.02
"""After the first try, and twice as long after each; others wait meanwhile, 0.3 s in all."""
RETRY_SECONDS_MAX = 5.0


class Overtaken(Exception):
    """The checkpoints were not where this reader believed: another owner was here, and this batch is dropped."""


class ViewReader:
    """Keeps one view current. Records may come repeated, shuffled, with holes: each counts once, in order."""

    def __init__(self, view: View[Any, Any], pool: Pool, keyring: Keyring | None = None) -> None:
        self.view = view
        self._keyring = keyring
        self.positions: dict[Key, int] = {}
        """How far the view has come. Records that do not concern it are counted here first, and written down later."""
        self.stored: dict[Key, int] = {}
        """The checkpoints, as they were last seen."""
        self._untold: dict[Key, Tally] = {}
        """What was taken between the checkpoints and where the view has come."""
        self._pool = pool
        self.turn = asyncio.Lock()
        """Held by whoever moves the view."""

    async def begin(self, eras: Mapping[str, int]) -> None:
        """Make the checkpoint rows of sources that have none, in the eras given, and read where the view stands."""
        view, sources = self.view, list(self.view.sources)
        async with self._pool.acquire() as connection, connection.transaction():
            wanted = [eras.get(source, 1) for source in sources]
            await connection.execute(load("rapport_events", "rebuild/note"), view.model, view.rebuild, view.tables)
            await connection.execute(load("rapport_events", "reader/begin"), view.reader, sources, wanted)
        await self.reload()

    async def reload(self) -> None:
        """Read the checkpoints again, as after another owner's work."""
        async with self.turn:
            await self._reload()

    async def look_back(self) -> None:
        """
        See whether the database was set back, as by a restore: then it lacks what is remembered here.

        It can have been set back to before the view began, which then begins once more: with lines that are new here.
        """
        async with self.turn:
            found = await self._read()
            is_set_back = any(found.get(line, -1) < at for line, at in self.stored.items())
            if is_set_back or found.keys() - self.stored.keys():
                log.warning("reader_set_back", reader=self.view.reader)
                self._stand(found)

    def unstored(self) -> dict[Key, End]:
        """Return how far the view has come where that is not written down: only over records that do not concern it."""
        return {line: End(self.positions[line], taken) for line, taken in self._untold.items()}

    def note_stored(self, ends: Mapping[Key, End]) -> None:
        """Take it that the checkpoints stand there now."""
        for line, end in ends.items():
            self.positions[line] = self.stored[line] = end.position
            self._untold.pop(line, None)

    def _stand(self, positions: dict[Key, int]) -> None:
        self.positions, self.stored, self._untold = positions, dict(positions), {}

    async def _write(self, known: Sequence[Fact | Unreadable], ends: Mapping[Key, End]) -> None:
        traces = (record.arrived.traceparent for record in known)
        facts: Facts = {"rapport.reader": self.view.reader, "messaging.batch.message_count": len(known)}
        with (
            traced_batch("consumer", f"fold {self.view.model}", traces, facts=facts),
            COMMIT_SECONDS.labels(self.view.reader).time(),
        ):
            await self._commit(known, ends)
        self.note_stored(ends)

    async def _reload(self) -> None:
        self._stand(await self._read())

    async def _read(self) -> dict[Key, int]:
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(load("rapport_events", "reader/positions"), self.view.reader)
        return {(row["source"], row["era"], row["partition"]): row["position"] for row in rows}

    async def take(self, records: Sequence[Arrived]) -> int:
        """
        Fold what is next of these records; drop repeats, pass over what lies above a hole.

        Waits as long as the database is away, so no record is given up.

        Returns:
            By how many positions the checkpoints moved.
        """
        async with self.turn:
            pause = 0.05
            while True:
                try:
                    moved = await self.take_once(records)
                except Overtaken:
                    OVERTAKEN.labels(self.view.reader).inc()
                    await self._reload_patiently()
                    continue
                except Exception as error:
                    if not is_away(error):
                        raise
                    log.warning("reader_waits_for_database", reader=self.view.reader, error=type(error).__name__)
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, RETRY_SECONDS_MAX)
                    await self._reload_patiently()
                    continue
                return moved

    async def _reload_patiently(self) -> None:
        pause = 0.05
        while True:
            try:
                return await self._reload()
            except Exception as error:
                if not is_away(error):
                    raise
                await asyncio.sleep(pause)
                pause = min(pause * 2, RETRY_SECONDS_MAX)

    async def take_once(self, records: Sequence[Arrived]) -> int:
        """
        Fold what is next of these records, without another try.

        Raises:
            Overtaken: Another owner has moved the checkpoints; nothing was written.
        """
        chosen, ends = self._next(records)
        if not ends:
            return 0
        moved = sum(end.position - self.positions[line] for line, end in ends.items())
        known = [self.view.decode(record) for record in chosen if self.view.concerns(record.type)]
        together = {line: End(end.position, self._untold.get(line, NOTHING) + end.taken) for line, end in ends.items()}
        if known:
            await self._prepare_and_write(known, self.unstored() | together)
        else:
            for line, end in together.items():
                self.positions[line], self._untold[line] = end.position, end.taken
        FOLDED.labels(self.view.reader).inc(moved)
        return moved

    async def _prepare_and_write(self, known: Sequence[Fact | Unreadable], ends: Mapping[Key, End]) -> None:
        try:
            if self._keyring is not None:
                await self.view.prepare([record for record in known if isinstance(record, Fact)], self._keyring)
            await self._write(known, ends)
        finally:
            self.view.forget()

    async def jump(self, records: Sequence[Arrived], starts: Mapping[Key, int], ends: dict[Key, End]) -> bool:
        """
        Fold records of which it is known that nothing else between starts and ends concerns the view.

        Only a ledger can be read that way: a topic may have holes.

        Returns:
            False where the view does not stand at the starts: another owner was here, and nothing was written.
        """
        async with self.turn:
            if any(self.positions.get(line) != start or line in self._untold for line, start in starts.items()):
                await self._reload()
                return False
            try:
                await self._prepare_and_write([self.view.decode(record) for record in records], ends)
            except Overtaken:
                await self._reload()
                return False
            return True

    def _next(self, records: Sequence[Arrived]) -> tuple[list[Arrived], dict[Key, End]]:
        """Choose, in the order of arrival, exactly the next number of each line, and say where each line then ends."""
        chosen: list[Arrived] = []
        ends: dict[Key, int] = {}
        ids: dict[Key, list[bytes]] = defaultdict(list)
        repeats = passed_over = 0
        for record in records:
            line = record.line
            position = ends.get(line)
            if position is None:
                position = self.positions.get(line)
                if position is None:
                    continue
            if record.position == position + 1:
                chosen.append(record)
                ends[line] = record.position
                ids[line].append(record.headers.get("ce_id", b""))
            elif record.position <= position:
                repeats += 1
            else:
                passed_over += 1
        REPEATS.labels(self.view.reader).inc(repeats)
        PASSED_OVER.labels(self.view.reader).inc(passed_over)
        return chosen, {line: End(end, tally_of(ids[line], self.positions[line])) for line, end in ends.items()}

    async def _commit(self, known: Sequence[Fact | Unreadable], ends: Mapping[Key, End]) -> None:
        for attempt in range(1, FOLD_TRIES + 1):
            try:
                async with self._pool.acquire() as connection, connection.transaction():
                    await self._advance(connection, ends)
                    await self._fold(connection, known, by_halves=attempt == FOLD_TRIES)
            except Exception as error:
                # A fold is somebody's code: whatever it raises, it is tried again, and at last its record is parked.
                if isinstance(error, Overtaken) or is_away(error) or attempt == FOLD_TRIES:
                    raise
                log.warning("fold_failed", reader=self.view.reader, attempt=attempt, error=type(error).__name__)
                await asyncio.sleep(FOLD_PAUSE_SECONDS * 2 ** (attempt - 1))
            else:
                return

    async def _advance(self, connection: Connection, ends: Mapping[Key, End]) -> None:
        """Move the checkpoints first: the compare-and-set is the fence against a second owner."""
        if await advance(connection, [(self, ends)]) != len(ends):
            raise Overtaken

    async def _fold(self, connection: Connection, known: Sequence[Fact | Unreadable], *, by_halves: bool) -> None:
        known = await mend(connection, self.view, known)
        if not known:
            return
        waiting: set[tuple[str, str]] = set()
        if self.view.is_ordered:
            waiting = await parked_customers(connection, self.view, known)
        parked: list[Parked] = []
        facts: list[Fact] = []
        for record in known:
            if not waiting and isinstance(record, Fact):
                facts.append(record)
                continue
            customer = record.arrived.customer
            if customer in waiting:
                parked.append(Parked(record.arrived, BEHIND))
            elif isinstance(record, Fact):
                facts.append(record)
            else:
                parked.append(Parked(record.arrived, record.cause))
                if self.view.is_ordered and customer[1]:
                    waiting.add(customer)
        if by_halves:
            parked += await apply_around(connection, self.view, facts, waiting)
        elif facts:
            await self.view.apply(connection, facts)
        await park(connection, self.view.reader, parked)


async def advance(connection: Connection, moves: Sequence[tuple[ViewReader, Mapping[Key, End]]]) -> int:
    """
    Move checkpoints from where their readers believe them to be.

    Returns:
        How many were there, and were moved; fewer than named means that another owner was here.
    """
    rows = sorted(
        (
            reader.view.reader,
            *line,
            reader.stored[line],
            end.position,
            end.taken.count,
            end.taken.total,
            end.taken.weighted,
        )
        for reader, ends in moves
        for line, end in ends.items()
    )
    columns = map(list, zip(*rows, strict=True))
    status = await connection.execute(load("rapport_events", "reader/advance"), *columns)
    return int(status.rpartition(" ")[2])


async def write_down(pool: Pool, readers: Sequence[ViewReader]) -> None:
    """
    Write down how far views have come over records that do not concern them, all in one statement.

    That saves each view a transaction for each poll in which it has nothing to do; after a crash they come again.
    """
    async with AsyncExitStack() as turns:
        for reader in readers:
            await turns.enter_async_context(reader.turn)
        moves = [(reader, ends) for reader in readers if (ends := reader.unstored())]
        if not moves:
            return
        async with pool.acquire() as connection:
            moved = await advance(connection, moves)
        if moved == sum(len(ends) for _, ends in moves):
            for reader, ends in moves:
                reader.note_stored(ends)
            return
    for reader, _ in moves:
        OVERTAKEN.labels(reader.view.reader).inc()
        await reader.reload()
