"""What workflow remembers of a task in order to decide."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal, assert_never, cast
from uuid import UUID

from rapport_events.contracts.base import Event
from rapport_events.contracts.workflow import (
    TaskAssigned,
    TaskCancelled,
    TaskCompleted,
    TaskCreated,
    TaskDueChanged,
    TaskEvent,
    TaskOverdue,
    TimerAbout,
)
from rapport_events.timers import timer_of


@dataclass(frozen=True, slots=True)
class Task:
    """A task as its events have left it."""

    status: Literal["unknown", "open", "completed", "cancelled"] = "unknown"
    assignee: str | None = None
    due_at: datetime | None = None
    is_overdue: bool = False
    run_id: UUID | None = None


def evolve(task: Task, event: TaskEvent) -> Task:
    """Fold one event."""
    match event:
        case TaskCreated():
            return replace(task, status="open", assignee=event.assignee, due_at=event.due_at, run_id=event.run_id)
        case TaskAssigned():
            return replace(task, assignee=event.assignee)
        case TaskDueChanged():
            return replace(task, due_at=event.due_at, is_overdue=False)
        case TaskOverdue():
            return replace(task, is_overdue=True)
        case TaskCompleted():
            return replace(task, status="completed")
        case TaskCancelled():
            return replace(task, status="cancelled")
        case _:
            assert_never(event)


def task_from(events: Iterable[Event]) -> Task:
    """Fold what is in a task's stream."""
    task = Task()
    for event in events:
        task = evolve(task, cast("TaskEvent", event))
    return task


def due_timer(task_id: UUID, due_at: datetime) -> UUID:
    """Return the id of the timer that fires when a task is due."""
    return timer_of(task_id, due_at.astimezone(UTC).isoformat())


def about_task(task_id: UUID) -> TimerAbout:
    """Say that a timer is about a task."""
    return TimerAbout(kind="task", id=task_id)
