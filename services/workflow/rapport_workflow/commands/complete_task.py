"""Complete a task."""

from collections.abc import Sequence
from uuid import UUID

from rapport_events.command import Command, Handler, Occasion, Target
from rapport_events.contracts.base import Code
from rapport_events.contracts.workflow import Note, TaskCompleted, TaskCompletedPii
from rapport_workflow.errors import TaskAlreadyClosed
from rapport_workflow.task import Task, evolve


class CompleteTask(Command):
    """The task is done."""

    task: UUID
    outcome: Code | None = None
    note: Note | None = None


def decide(command: CompleteTask, task: Task, occasion: Occasion) -> Sequence[TaskCompleted]:
    """Say that it is done; a repeat is no news."""
    if task.status == "completed":
        return []
    if task.status != "open":
        raise TaskAlreadyClosed(task_id=occasion.id, status=task.status)
    pii = TaskCompletedPii(note=command.note) if command.note is not None else None
    return [TaskCompleted(task_id=occasion.id, outcome=command.outcome, pii=pii)]


HANDLER = Handler(
    name="complete_task",
    route="/v1/tasks/{task}/complete",
    command=CompleteTask,
    initial=Task(),
    evolve=evolve,
    decide=decide,
    target=lambda command: Target("task", id=command.task),
)
