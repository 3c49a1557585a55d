"""How far a service's views have got, as HTTP sees it: lag behind the owners, and waiting for a position."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import BaseModel, Field

from rapport_chassis.positions import Line, Position
from rapport_chassis.problems import Refused, away
from rapport_events.database import Pool, borrow, fetch
from rapport_events.ledger import LedgerState
from rapport_events.statements import load
from rapport_events.view import View

AFTER_SECONDS_MAX: Final = 5.0
"""How long a read waits for the position in `?after=`."""
LOOK_SECONDS: Final = 1.0
_SAMPLES_MAX: Final = 256
_FRESH_SECONDS: Final = 0.25
_UNKNOWN_AFTER_SECONDS: Final = 10
_PAUSE_SECONDS_MAX: Final = 0.02

NOT_YET_FOLDED: Final = away(
    "not_yet_folded", "What `after` names is recorded but not shown yet; read again shortly.", 1
)

Heads = Callable[[str], Awaitable[LedgerState | None]]


class Freshness(BaseModel):
    """How current an answer is."""

    lag_seconds: float | None = Field(
        description="Since when something recorded is missing; 0 when nothing is, null if unknown."
    )
    as_of: datetime = Field(description="Everything that was recorded up to this time is in the answer.")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where a reader stands in one line of numbers."""

    position: int
    moved_at: datetime


@dataclass(frozen=True, slots=True)
class _Sample:
    """What an owner said of its heads, and when."""

    at: float
    state: LedgerState


class Standing:
    """Compares checkpoints with heads."""

    def __init__(self, pool: Pool, views: Sequence[View[Any, Any]], heads: Heads) -> None:
        self._pool = pool
        self._views = tuple(views)
        self._heads = heads
        self._samples: dict[str, list[_Sample]] = {}
        self._read_at = float("-inf")
        self._checkpoints: dict[str, dict[Line, Checkpoint]] = {}
        self._live: dict[str, str] = {}
        self._unread: set[str] = set()
        """Read models that are filled for the first time: no answer comes from them yet."""
        self._turn = asyncio.Lock()

    @property
    def sources(self) -> tuple[str, ...]:
        """The services whose facts are read."""
        return tuple(sorted({source for view in self._views for source in view.sources}))

    async def run(self) -> None:
        """Ask the owners for their heads, again and again, until cancelled."""
        while True:
            for source in self.sources:
                await self._look(source)
            await asyncio.sleep(LOOK_SECONDS)

    def newest(self, source: str) -> LedgerState | None:
        """Return the newest state of a source's ledger that is known; None where that is too old to say anything."""
        samples = self._samples.get(source)
        if not samples or time.time() - samples[-1].at > _UNKNOWN_AFTER_SECONDS:
            return None
        return samples[-1].state

    async def heads_of(self, source: str) -> Sequence[Position] | None:
        """Ask an owner how far its ledger goes at this moment; None while it does not answer."""
        state = await self._heads(source)
        if state is None:
            return None
        heads = enumerate(state.heads)
        return [Position(source, state.era, partition, head) for partition, head in heads if head]

    async def wait_for(self, positions: Sequence[Position], views: Sequence[str] = ()) -> None:
        """
        Wait until views have folded these positions; those of sources that they do not read count as folded.

        Args:
            views: Names; all of the service where none is given.

        Raises:
            Refused: It has not happened within 5 s.
        """
        rows = [(view.model, each) for view in self._chosen(views) for each in positions if each.source in view.sources]
        if not rows:
            return
        columns = (
            [model for model, _ in rows],
            [each.source for _, each in rows],
            [each.era for _, each in rows],
            [each.partition for _, each in rows],
            [each.position for _, each in rows],
        )
        pause = 0.005
        try:
            async with asyncio.timeout(AFTER_SECONDS_MAX):
                while await self._misses(columns):
                    await asyncio.sleep(pause)
                    pause = min(pause * 1.5, _PAUSE_SECONDS_MAX)
        except TimeoutError:
            raise Refused(NOT_YET_FOLDED) from None

    async def _misses(self, columns: Sequence[object]) -> bool:
        async with borrow(self._pool) as connection:
            return bool(await connection.fetchval(load("rapport_chassis", "not_reached"), *columns))

    async def freshness(self, views: Sequence[str] = ()) -> Freshness:
        """Say how current an answer from these views is (all of the service where none is named)."""
        checkpoints = await self.checkpoints()
        chosen = [view for view in self._chosen(views) if view.model not in self._unread]
        now = time.time()
        if not chosen:
            return Freshness(lag_seconds=0, as_of=_moment(now))
        held = [self._held(source, checkpoints.get(view.model, {})) for view in chosen for source in view.sources]
        if any(since is None for since, _ in held):
            moved = [each.moved_at for view in chosen for each in checkpoints.get(view.model, {}).values()]
            return Freshness(lag_seconds=None, as_of=max(moved, default=_moment(0)))
        behind = [since for since, _ in held if since]
        lag = round(max(0.0, now - min(behind)), 3) if behind else 0.0
        return Freshness(lag_seconds=lag, as_of=_moment(min(complete for _, complete in held)))

    async def checkpoints(self) -> dict[str, dict[Line, Checkpoint]]:
        """Read where all read models stand, by name and line; an answer is shared for a quarter of a second."""
        async with self._turn:
            if time.monotonic() - self._read_at >= _FRESH_SECONDS:
                models = [view.model for view in self._views]
                found: dict[str, dict[Line, Checkpoint]] = {model: {} for model in models}
                live: dict[str, str] = {}
                unread: set[str] = set()
                for row in await fetch(self._pool, load("rapport_chassis", "checkpoints"), models):
                    if row["state"] != "live":
                        unread.add(row["model"])
                        continue
                    live[row["model"]] = row["reader"]
                    if row["source"] is not None:
                        line = (row["source"], row["era"], row["partition"])
                        found[row["model"]][line] = Checkpoint(row["position"], row["moved_at"])
                self._checkpoints, self._live, self._unread = found, live, unread
                self._read_at = time.monotonic()
            return self._checkpoints

    def live(self, view: View[Any, Any]) -> str:
        """Return the reader of the rebuild that code reads, as it was when checkpoints were last read."""
        return self._live.get(view.model, view.reader)

    def _chosen(self, views: Sequence[str]) -> list[View[Any, Any]]:
        return [view for view in self._views if not views or view.name in views]

    async def _look(self, source: str) -> None:
        state = await self._heads(source)
        if state is None:
            return
        samples = self._samples.setdefault(source, [])
        samples.append(_Sample(time.time(), state))
        if len(samples) > _SAMPLES_MAX:
            # The older half is thinned out: a long lag needs no second to be exact.
            half = _SAMPLES_MAX // 2
            self._samples[source] = samples[:half:2] + samples[half:]

    def _held(self, source: str, at: Mapping[Line, Checkpoint]) -> tuple[float | None, float]:
        """Return since when a source has been missing something (0: it is not, None: unknown), and until when not."""
        if self.newest(source) is None:
            return None, 0.0
        samples = self._samples[source]
        if _holds(source, at, samples[-1]):
            return 0.0, samples[-1].at
        complete = 0.0
        for sample in samples:
            if not _holds(source, at, sample):
                return sample.at, complete or sample.at
            complete = sample.at
        return 0.0, complete


def _holds(source: str, at: Mapping[Line, Checkpoint], sample: _Sample) -> bool:
    era = sample.state.era
    for partition, head in enumerate(sample.state.heads):
        if head:
            checkpoint = at.get((source, era, partition))
            if checkpoint is None or checkpoint.position < head:
                return False
    return True


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
