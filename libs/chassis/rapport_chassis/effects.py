"""The role `effects`: forgets old answers, fires timers, and performs what was decided."""

import asyncio
from pathlib import Path
from typing import Final

from rapport_chassis.outside import Outside
from rapport_chassis.service import Service
from rapport_events.clock import Clock, clock_ahead_by, wall_clock
from rapport_events.database import Pool
from rapport_events.effects import perform
from rapport_events.retention import ROWS_MAX, forget_commands
from rapport_events.timers import fire, forget_leases

CONNECTIONS: Final = 10
"""One for each effect that is performed at a time, and two for what else there is."""
_TIDY_SECONDS: Final = 3_600


def clock_of(clock_file: str | None) -> Clock:
    """Return the clock of timers: that of the machine, unless a test of a whole suite sets it."""
    return clock_ahead_by(Path(clock_file)) if clock_file else wall_clock


async def act(service: Service, outside: Outside, clock: Clock) -> None:
    """Do all that falls due, until cancelled."""
    performers = [performer for make in service.performers if (performer := make(outside)) is not None]
    async with asyncio.TaskGroup() as group:
        group.create_task(_tidy(outside.pool))
        if service.fires_timers:
            group.create_task(fire(outside.pool, clock))
        if performers:
            group.create_task(perform(outside.pool, performers, clock))


async def _tidy(pool: Pool) -> None:
    """Forget, once an hour, answers to idempotency keys that are too old to be repeated, and leases long past."""
    while True:
        async with pool.acquire() as connection:
            while await forget_commands(connection) == ROWS_MAX:
                await asyncio.sleep(0)
            await forget_leases(connection)
        await asyncio.sleep(_TIDY_SECONDS)
