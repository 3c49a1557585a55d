"""Many timers due at once, and workers that stood still: each fires once, none early."""

import asyncio
from datetime import timedelta

from rapport_events.database import Pool
from rapport_events.reader import ViewReader
from rapport_events.testing import NOON, VirtualClock
from rapport_events.timers import Timers, fire_all, fire_once
from tests.workflow.storm import fold, schedule

MANY = 5_000
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)

FIRED = "SELECT count(*), count(DISTINCT stream) FROM events WHERE type = 'crm.timer.fired.v1'"
EARLY = (
    "SELECT count(*) FROM events WHERE type = 'crm.timer.fired.v1' AND occurred_at < (data ->> 'due_at')::timestamptz"
)


async def begin(keeper: Pool) -> ViewReader:
    reader = ViewReader(Timers(), keeper)
    await reader.begin({"workflow": 1})
    return reader


async def test_each_of_many_that_are_due_at_once_fires_once_whoever_fires(keeper: Pool) -> None:
    reader, clock = await begin(keeper), VirtualClock()
    await schedule(keeper, [NOON + HOUR] * MANY)
    await fold(keeper, reader)
    clock.move(HOUR - SECOND)
    assert await fire_once(keeper, clock) is None

    clock.move(SECOND)
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(fire_all(keeper, clock, timers_max=500))
    # The view has not heard of any of them, and the leases are gone: nothing fires a second time.
    await keeper.execute("DELETE FROM leases")
    await fire_all(keeper, clock)

    assert tuple(await keeper.fetchrow(FIRED) or ()) == (MANY, MANY)
    await fold(keeper, reader)
    assert await keeper.fetchval("SELECT count(*) FROM timers_v1") == 0


async def test_after_an_hour_in_which_nobody_worked_each_due_one_fires_once(keeper: Pool) -> None:
    reader, clock = await begin(keeper), VirtualClock()
    moments = [NOON + n * timedelta(minutes=1) for n in range(1, 121)]
    await schedule(keeper, moments)
    await fold(keeper, reader)

    clock.move(HOUR)
    for _ in range(2):
        await fire_all(keeper, clock)
        await fold(keeper, reader)
    assert tuple(await keeper.fetchrow(FIRED) or ()) == (60, 60)
    assert await keeper.fetchval(EARLY) == 0

    for _ in range(60):
        clock.move(timedelta(minutes=1))
        await fire_all(keeper, clock)
        await fold(keeper, reader)
    assert tuple(await keeper.fetchrow(FIRED) or ()) == (120, 120)
    assert await keeper.fetchval(EARLY) == 0
