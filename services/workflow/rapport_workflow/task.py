"""What workflow remembers of a task in order to decide."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, assert_never

from rapport_events.contracts.workflow import (
    TaskAssigned,
    TaskCancelled,
    TaskCompleted,
    TaskCreated,
    TaskDueChanged,
    WorkflowEvent,
)


@dataclass(frozen=True, slots=True)
class Task:
    """A task as its events have left it."""

    status: Literal["unknown", "open", "completed", "cancelled"] = "unknown"
    assignee: str | None = None
    due_at: datetime | None = None


def evolve(task: Task, event: WorkflowEvent) -> Task:
    """Fold one event."""
    match event:
        case TaskCreated():
            return replace(task, status="open", assignee=event.assignee, due_at=event.due_at)
        case TaskAssigned():
            return replace(task, assignee=event.assignee)
        case TaskDueChanged():
            return replace(task, due_at=event.due_at)
        case TaskCompleted():
            return replace(task, status="completed")
        case TaskCancelled():
            return replace(task, status="cancelled")
        case _:
            assert_never(event)
