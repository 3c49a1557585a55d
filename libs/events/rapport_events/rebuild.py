"""Rebuilds of read models: which tables are live, which stand beside them, how one takes over."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from rapport_events.database import Connection, Pool
from rapport_events.statements import load
from rapport_events.view import View

State = Literal["filling", "beside", "live"]
Outcome = Literal["switched", "behind", "ahead", "busy", "filling", "not_whole", "unknown"]
"""What became of a switch: done; the new one misses something, or has more than the live one; reads last too long; it
is still being filled; something in it is filled again after a crash; there is no such rebuild."""
Dropped = Literal["dropped", "live", "busy", "unknown"]

SWITCH_TRIES: Final = 100
"""Under load two readers are level between polls only, so a switch is tried again for about five seconds."""
_PAUSE_SECONDS: Final = 0.05
_COMPARE_SECONDS_MAX: Final = 3_600
_LEVEL_TRIES: Final = 200
_PASSING: Final = frozenset({"behind", "ahead", "busy"})

Pause = Callable[[], AbstractAsyncContextManager[None]]
"""Holds back the polls of this process, so that all its readers stand still."""


@dataclass(frozen=True, slots=True)
class Rebuild:
    """One rebuild of a read model."""

    model: str
    """What code reads, such as `directory_v1`."""
    rebuild: int
    reader: str
    """`directory_v1_r2`: name of its checkpoints."""
    state: State
    tables: list[str]
    """Without the `_rN`."""
    is_whole: bool
    began_at: datetime
    work_began_at: datetime | None
    """When it began to be filled, or went on after an interruption."""
    work_began_after: int | None
    """How many events were behind it then."""
    filled_at: datetime | None
    switched_at: datetime | None
    verify_wanted_at: datetime | None
    verified_at: datetime | None
    verified_against: int | None
    rows_compared: int | None
    rows_differing: int | None

    @property
    def is_verify_wanted(self) -> bool:
        """Whether somebody waits for a comparison."""
        wanted = self.verify_wanted_at
        return self.state == "beside" and wanted is not None and (self.verified_at is None or self.verified_at < wanted)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison of two rebuilds at equal checkpoints has shown."""

    against: int
    rows: int
    differing: int
    """Rows that are in one of them only, or not the same in both."""


async def register(pool: Pool, views: Sequence[View[Any, Any]]) -> None:
    """Write down the read models of a service; one that came later than others is filled before it is live."""
    columns = [view.model for view in views], [",".join(view.tables) for view in views]
    await pool.execute(load("rapport_events", "rebuild/register"), *columns)


async def read_rebuilds(pool: Pool, models: Sequence[str]) -> list[Rebuild]:
    """Return the rebuilds of read models that are there, by model, the oldest first."""
    rows = await pool.fetch(load("rapport_events", "rebuild/rows"), list(models))
    return [Rebuild(**row) for row in rows]


async def begin_rebuild(pool: Pool, model: str) -> int | None:
    """
    Make the tables of a read model's next rebuild; the readers of the service fill it from the first position on.

    Returns:
        Its number, that of the one that is being filled already, or None where there are no tables to be made anew.
    """
    number: int | None = await pool.fetchval(load("rapport_events", "rebuild/begin_rebuild"), model)
    return number


async def switch(pool: Pool, model: str, rebuild: int, *, tries: int = SWITCH_TRIES) -> Outcome:
    """Let code read another rebuild from now on; refused unless it stands exactly where the live one does."""
    outcome: Outcome = "busy"
    for _ in range(tries):
        outcome = await pool.fetchval(load("rapport_events", "rebuild/switch_rebuild"), model, rebuild)
        if outcome not in _PASSING:
            break
        await asyncio.sleep(_PAUSE_SECONDS)
    return outcome


async def drop(pool: Pool, model: str, rebuild: int) -> Dropped:
    """Take a rebuild's tables away; never those that code reads."""
    dropped: Dropped = await pool.fetchval(load("rapport_events", "rebuild/drop_rebuild"), model, rebuild)
    return dropped


async def ask_verify(pool: Pool, model: str, rebuild: int) -> datetime | None:
    """Have the readers compare a rebuild with the live one; None where it is not fed beside one."""
    wanted_at: datetime | None = await pool.fetchval(load("rapport_events", "rebuild/ask_verify"), model, rebuild)
    return wanted_at


async def verify(pool: Pool, live: Rebuild, other: Rebuild, *, pause: Pause) -> Comparison | None:
    """
    Compare all rows of two rebuilds at a moment at which both stand at the same positions, and note the result.

    Returns:
        None where no such moment came within ten seconds.
    """
    async with pool.acquire() as connection, _level(connection, live, other, pause) as is_level:
        if not is_level:
            return None
        rows = differing = 0
        for table in other.tables:
            names = f"{table}_r{live.rebuild}", f"{table}_r{other.rebuild}"
            statement = load("rapport_events", "rebuild/compare_tables")
            found = await connection.fetchrow(statement, *names, timeout=_COMPARE_SECONDS_MAX)
            if found is not None:
                rows, differing = rows + found["rows_compared"], differing + found["rows_differing"]
    compared = Comparison(live.rebuild, rows, differing)
    await pool.execute(load("rapport_events", "rebuild/verified"), other.reader, live.rebuild, rows, differing)
    return compared


@asynccontextmanager
async def _level(connection: Connection, live: Rebuild, other: Rebuild, pause: Pause) -> AsyncGenerator[bool]:
    """Open a transaction whose snapshot shows both at the same positions."""
    for _ in range(_LEVEL_TRIES):
        transaction = connection.transaction(isolation="repeatable_read", readonly=True)
        async with pause():
            await transaction.start()
            is_level = await connection.fetchval(load("rapport_events", "rebuild/is_level"), live.reader, other.reader)
        try:
            if is_level:
                await connection.execute(load("rapport_events", "rebuild/take_time"))
                yield True
                return
        finally:
            await transaction.rollback()
        await asyncio.sleep(_PAUSE_SECONDS)
    yield False
