"""Give a task to somebody, or take it from everybody."""

from collections.abc import Sequence
from uuid import UUID

from rapport_events.command import Command, Handler, Occasion, Target
from rapport_events.contracts.base import Actor
from rapport_events.contracts.workflow import TaskAssigned
from rapport_workflow.errors import TaskAlreadyClosed
from rapport_workflow.task import Task, evolve


class AssignTask(Command):
    """The task gets this assignee, or none."""

    task: UUID
    assignee: Actor | None


def decide(command: AssignTask, task: Task, occasion: Occasion) -> Sequence[TaskAssigned]:
    """Say who has it now; the same assignee again is no news."""
    if task.status != "open":
        raise TaskAlreadyClosed(task_id=occasion.id, status=task.status)
    if command.assignee == task.assignee:
        return []
    return [TaskAssigned(task_id=occasion.id, assignee=command.assignee, previous=task.assignee)]


HANDLER = Handler(
    name="assign_task",
    route="/v1/tasks/{task}/assign",
    command=AssignTask,
    initial=Task(),
    evolve=evolve,
    decide=decide,
    target=lambda command: Target("task", id=command.task),
)
