"""Cancel a task."""

from collections.abc import Sequence
from uuid import UUID

from rapport_events.command import Command, Handler, Occasion, Target
from rapport_events.contracts.base import Code
from rapport_events.contracts.workflow import TaskCancelled
from rapport_workflow.errors import TaskAlreadyClosed
from rapport_workflow.task import Task, evolve


class CancelTask(Command):
    """The task need not be done any more."""

    task: UUID
    reason: Code | None = None


def decide(command: CancelTask, task: Task, occasion: Occasion) -> Sequence[TaskCancelled]:
    """Say that it is off; a repeat is no news."""
    if task.status == "cancelled":
        return []
    if task.status != "open":
        raise TaskAlreadyClosed(task_id=occasion.id, status=task.status)
    return [TaskCancelled(task_id=occasion.id, reason=command.reason)]


HANDLER = Handler(
    name="cancel_task",
    route="/v1/tasks/{task}/cancel",
    command=CancelTask,
    initial=Task(),
    evolve=evolve,
    decide=decide,
    target=lambda command: Target("task", id=command.task),
)
