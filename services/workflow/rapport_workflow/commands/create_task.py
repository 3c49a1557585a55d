"""Create a task about a customer."""

from collections.abc import Sequence

from pydantic import AwareDatetime

from rapport_events.command import Command, CustomerRef, Handler, Occasion, Target
from rapport_events.contracts.base import Actor, Code
from rapport_events.contracts.workflow import Note, TaskAbout, TaskCreated, TaskCreatedPii, Title
from rapport_workflow.task import Task, evolve


class CreateTask(Command):
    """Somebody has to do something about a customer."""

    customer: CustomerRef
    kind: Code
    about: TaskAbout | None = None
    assignee: Actor | None = None
    due_at: AwareDatetime | None = None
    title: Title | None = None
    note: Note | None = None


def decide(command: CreateTask, _task: Task, occasion: Occasion) -> Sequence[TaskCreated]:
    """Say that there is something to do."""
    has_words = command.title is not None or command.note is not None
    return [
        TaskCreated(
            task_id=occasion.id,
            kind=command.kind,
            about=command.about,
            assignee=command.assignee,
            due_at=command.due_at,
            pii=TaskCreatedPii(title=command.title, note=command.note) if has_words else None,
        )
    ]


HANDLER = Handler(
    name="create_task",
    route="/v1/tasks",
    command=CreateTask,
    initial=Task(),
    evolve=evolve,
    decide=decide,
    target=lambda command: Target("task", under=command.customer),
)
