"""A complaint must be answered in time: its task is called overdue once, never early, and not when it was closed."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import pytest

from rapport_events.contracts.interactions import CaseResolved, CustomerComplained
from rapport_events.contracts.workflow import (
    RunCompleted,
    TaskCancelled,
    TaskCompleted,
    TaskCreated,
    TaskDueChanged,
    TaskOverdue,
    TimerCancelled,
    TimerFired,
    TimerScheduled,
)
from rapport_events.testing import ANN, NOON
from tests.workflow.world import CASE, World

COMPLAINT = CustomerComplained(case_id=CASE, category="delivery", channel="email")
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


async def first_task(world: World) -> UUID:
    return next(event.task_id for event in await world.told() if isinstance(event, TaskCreated))


async def kinds(world: World) -> list[type]:
    """Return what was told of tasks and timers."""
    return [type(event) for event in await world.told() if "crm.run." not in event.type]


async def test_a_complaint_that_nobody_answers_is_overdue_after_a_day(world: World) -> None:
    await world.hear(COMPLAINT)
    await world.pass_time(DAY - MINUTE)
    assert await kinds(world) == [TaskCreated, TimerScheduled]

    await world.pass_time(MINUTE)

    task_id = await first_task(world)
    fired, overdue, escalation, timer = [event for event in await world.told() if "run" not in event.type][2:6]
    assert isinstance(fired, TimerFired)
    assert overdue == TaskOverdue(task_id=task_id, due_at=NOON + DAY)
    assert isinstance(escalation, TaskCreated)
    assert (escalation.kind, escalation.due_at) == ("escalate_complaint", NOON + 2 * DAY)
    assert isinstance(timer, TimerScheduled)
    row = await world.keeper.fetchrow("SELECT state, due_at, overdue_at FROM tasks_v2 WHERE task_id = $1", task_id)
    assert row is not None
    assert tuple(row) == ("open", NOON + DAY, NOON + DAY)


async def test_when_the_late_task_is_done_its_escalation_is_off(world: World) -> None:
    await world.hear(COMPLAINT)
    await world.pass_time(DAY)
    task_id = await first_task(world)
    await world.tell(TaskCompleted(task_id=task_id), f"task-{task_id}")

    rows = await world.keeper.fetch("SELECT kind, state FROM tasks_v2 ORDER BY kind")
    assert [tuple(row) for row in rows] == [("answer_complaint", "completed"), ("escalate_complaint", "cancelled")]
    assert type((await world.told())[-1]) in {RunCompleted, TaskCancelled, TimerCancelled}
    assert await world.keeper.fetchval("SELECT count(*) FROM timers_v1") == 0


async def test_a_case_that_is_resolved_first_takes_its_task_and_timer_away(world: World) -> None:
    await world.hear(COMPLAINT)
    await world.hear(CaseResolved(case_id=CASE, resolution_code="sent_again"))
    await world.pass_time(2 * DAY)

    assert await kinds(world) == [TaskCreated, TimerScheduled, TaskCancelled, TimerCancelled]
    assert await world.keeper.fetchval("SELECT count(*) FROM timers_v1") == 0


async def test_a_task_that_was_done_in_time_is_never_overdue(world: World) -> None:
    await world.hear(COMPLAINT)
    task_id = await first_task(world)
    await world.tell(TaskCompleted(task_id=task_id), f"task-{task_id}")
    await world.pass_time(2 * DAY)

    assert await kinds(world) == [TaskCreated, TimerScheduled, TaskCompleted, TimerCancelled]


@pytest.mark.parametrize("days", [(3, 1, 2), (2, 3, 1, 2), (3, 1)])
async def test_a_task_that_was_moved_is_due_at_the_last_moment_alone(world: World, days: tuple[int, ...]) -> None:
    await world.hear(COMPLAINT)
    task_id = await first_task(world)
    for before, then in pairwise((1, *days)):
        moved = TaskDueChanged(task_id=task_id, due_at=NOON + then * DAY, previous=NOON + before * DAY)
        await world.tell(moved, f"task-{task_id}")
    for _ in range(4):
        await world.pass_time(DAY)

    told = await world.told()
    late = [event.due_at for event in told if isinstance(event, TaskOverdue) and event.task_id == task_id]
    assert late == [NOON + days[-1] * DAY]
    assert len([event for event in told if isinstance(event, TimerFired) and event.about.id == task_id]) == 1


async def test_a_complaint_from_an_import_of_old_ones_is_not_awaited(world: World) -> None:
    fact = world.lines.next(COMPLAINT, stream=f"case-{CASE}", subject=str(ANN))
    old = replace(fact, occurred_at=NOON - 365 * DAY)
    world.foreign.append(old)
    await world.settle()

    assert await kinds(world) == [TaskCreated]


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_timer_that_the_view_has_not_heard_of_fires_no_second_time(world: World, workers: int) -> None:
    await world.hear(COMPLAINT)
    world.clock.move(DAY)
    for _ in range(workers):
        await world.keeper.execute("DELETE FROM leases")
        await world.fire()

    fired = [event.timer_id for event in await world.told() if isinstance(event, TimerFired)]
    assert len(fired) == len(set(fired)) == 1
