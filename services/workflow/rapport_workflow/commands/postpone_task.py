"""Give a task another moment at which it is due, or none."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import AwareDatetime

from rapport_events.command import Command, Handler, Occasion, Target
from rapport_events.contracts.workflow import TaskDueChanged
from rapport_workflow.errors import TaskAlreadyClosed
from rapport_workflow.task import Task, evolve


class PostponeTask(Command):
    """The task is due then; its timer moves with it."""

    task: UUID
    due_at: AwareDatetime | None


def decide(command: PostponeTask, task: Task, occasion: Occasion) -> Sequence[TaskDueChanged]:
    """Say when it is due now; the same moment again is no news."""
    if task.status != "open":
        raise TaskAlreadyClosed(task_id=occasion.id, status=task.status)
    if command.due_at == task.due_at:
        return []
    return [TaskDueChanged(task_id=occasion.id, due_at=command.due_at, previous=task.due_at)]


HANDLER = Handler(
    name="postpone_task",
    route="/v1/tasks/{task}/postpone",
    command=PostponeTask,
    initial=Task(),
    evolve=evolve,
    decide=decide,
    target=lambda command: Target("task", id=command.task),
)
