"""Feed whichever rebuilds there are: those that begin, catch up, take over and are dropped while the service runs."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
import structlog

from rapport_events.consuming import Consuming
from rapport_events.database import Pool
from rapport_events.eras import Heads, read_eras
from rapport_events.faults import is_away
from rapport_events.filling import Filler
from rapport_events.keyring import Keyring
from rapport_events.reader import ViewReader
from rapport_events.rebuild import Rebuild, read_rebuilds, register, verify
from rapport_events.releasing import release_wanted
from rapport_events.statements import load
from rapport_events.view import Key, View

log = structlog.get_logger()

LOOK_SECONDS: Final = 0.5
_PAUSE_SECONDS: Final = 5.0
_LOCK: Final = 0x52_4542_5549_4C44  # "REBUILD": one process fills a database's rebuilds at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What keeping works with."""

    pool: Pool
    keyring: Keyring
    filler: Filler
    heads: Heads


class Keeping:
    """Keeps what a running service feeds equal to the rebuilds that its database names."""

    def __init__(self, views: Sequence[View[Any, Any]], tools: Tools) -> None:
        self._views = {view.model: view for view in views}
        self._tools = tools
        self._jobs: dict[str, asyncio.Task[None]] = {}

    async def readers(self) -> list[ViewReader]:
        """Write down the read models, and return readers of all rebuilds that the consumer feeds from its start."""
        await register(self._tools.pool, list(self._views.values()))
        rows = await read_rebuilds(self._tools.pool, list(self._views))
        return [self._reader(row) for row in rows if row.state != "filling"]

    async def run(self, consuming: Consuming) -> None:
        """Follow the database until cancelled; wait while it is away."""
        async with asyncio.TaskGroup() as group:
            while True:
                await consuming.is_assigned.wait()
                try:
                    await self.look(consuming, group)
                except Exception as error:
                    # One of them can be dropped while we look.
                    if not is_away(error) and not isinstance(error, asyncpg.UndefinedTableError):
                        raise
                    log.info("rebuilds_not_seen", error=type(error).__name__)
                await asyncio.sleep(LOOK_SECONDS)

    async def look(self, consuming: Consuming, group: asyncio.TaskGroup) -> None:
        """Look once: begin to feed what is new, leave what was dropped, fill, compare."""
        rows = await read_rebuilds(self._tools.pool, list(self._views))
        if filling := [self._view(row) for row in rows if row.state == "filling"]:
            self._start(group, "fill", self._fill, filling, consuming)
        fed = {reader.view.reader for reader in consuming.readers}
        for name in fed - {row.reader for row in rows}:
            await consuming.leave(name)
        for row in rows:
            view = self._view(row)
            self._start(group, f"keep {row.reader}", self._keep_whole, view)
            if row.state != "filling" and row.reader not in fed:
                await consuming.adopt(self._reader(row), _bring(self._tools.filler, view))
                log.info("rebuild_fed", reader=row.reader)
            if row.state == "beside":
                await self._note_whole(view)
            if row.is_verify_wanted:
                live = next(each for each in rows if each.model == row.model and each.state == "live")
                # One at a time: each keeps a connection while it waits for the polls, and polls need connections.
                self._start(group, "verify", self._verify, live, row, consuming)
        self._start(group, "release", self._release, rows)
        self._tidy({row.reader for row in rows})

    def _start(
        self, group: asyncio.TaskGroup, name: str, work: Callable[..., Coroutine[Any, Any, None]], *given: object
    ) -> None:
        if name not in self._jobs:
            self._jobs[name] = group.create_task(work(*given))

    def _tidy(self, there: set[str]) -> None:
        """Forget jobs that are done, and end those of rebuilds that were dropped."""
        for name, job in list(self._jobs.items()):
            kind, _, reader = name.partition(" ")
            if reader and reader not in there:
                self._jobs.pop(name).cancel()
            elif job.done() and kind != "keep":
                del self._jobs[name]

    def _view(self, row: Rebuild) -> View[Any, Any]:
        view = self._views[row.model]
        return view if view.rebuild == row.rebuild else view.again(row.rebuild)

    def _reader(self, row: Rebuild) -> ViewReader:
        return ViewReader(self._view(row), self._tools.pool, self._tools.keyring)

    async def _keep_whole(self, view: View[Any, Any]) -> None:
        try:
            await view.keep_whole(self._tools.pool, self._tools.keyring)
        except* asyncpg.UndefinedTableError:
            log.info("rebuild_dropped", reader=view.reader)

    async def _note_whole(self, view: View[Any, Any]) -> None:
        async with self._tools.pool.acquire() as connection:
            is_whole = await view.is_whole(connection)
            await connection.execute(load("rapport_events", "rebuild/set_whole"), view.reader, is_whole)

    async def _release(self, rows: Sequence[Rebuild]) -> None:
        """Try parked records again of which somebody wishes it."""
        try:
            views = {row.reader: self._view(row) for row in rows}
            await release_wanted(self._tools.pool, views, self._tools.keyring)
        except Exception as error:
            if not is_away(error):
                raise
            log.info("records_not_released", error=type(error).__name__)

    async def _verify(self, live: Rebuild, other: Rebuild, consuming: Consuming) -> None:
        try:
            found = await verify(self._tools.pool, live, other, pause=consuming.pause)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            # Dropped meanwhile, or the database is away: whoever still wants to know is served at the next look.
            log.info("rebuild_not_compared", reader=other.reader, error=type(error).__name__)
            return
        if found is not None:
            log.info("rebuild_compared", reader=other.reader, records=found.rows, count=found.differing)

    async def _fill(self, views: Sequence[View[Any, Any]], consuming: Consuming) -> None:
        """Fill rebuilds, unless another process does."""
        pool = self._tools.pool
        try:
            async with pool.acquire() as connection:
                if not await connection.fetchval(load("rapport_events", "rebuild/lock"), _LOCK):
                    return
                try:
                    sources = sorted({source for view in views for source in view.sources})
                    eras = await self._eras(sources)
                    await self._tools.filler.fill(views, eras, lambda: self._goals(sources, consuming))
                finally:
                    await connection.execute(load("rapport_events", "rebuild/unlock"), _LOCK)
        except Exception as error:  # somebody's fold, a lost database: live views must not suffer from it
            log.warning("rebuild_failed", place=[view.reader for view in views], exc_info=error)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _eras(self, sources: Sequence[str]) -> dict[str, int]:
        """Return the present eras: a new reader begins in them."""
        return await read_eras(self._tools.pool, self._tools.heads, sources)

    async def _goals(self, sources: Sequence[str], consuming: Consuming) -> Mapping[Key, int]:
        """Say how far the views are that are fed, and the ledgers where their owners answer."""
        goals = consuming.reached
        for source in sources:
            state = await self._tools.heads(source)
            if state is not None:
                goals |= {
                    (source, state.era, partition): max(head, goals.get((source, state.era, partition), 0))
                    for partition, head in enumerate(state.heads)
                }
        return goals


def _bring(filler: Filler, view: View[Any, Any]) -> Callable[[Mapping[Key, int]], Coroutine[Any, Any, int]]:
    async def bring(goals: Mapping[Key, int]) -> int:
        return await filler.catch_up([view], goals)

    return bring
