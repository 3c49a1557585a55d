"""Tasks: decided by their events, and shown as they are now."""

from datetime import timedelta
from uuid import UUID

from rapport_events.contracts.workflow import TaskAssigned, TaskCancelled, TaskCompleted, TaskCreated
from rapport_events.database import Pool
from rapport_events.testing import ANN, NOON, THING, Deciding, Lines, fold
from rapport_workflow.commands import assign_task, cancel_task, complete_task, create_task
from rapport_workflow.commands.assign_task import AssignTask
from rapport_workflow.commands.cancel_task import CancelTask
from rapport_workflow.commands.complete_task import CompleteTask
from rapport_workflow.commands.create_task import CreateTask
from rapport_workflow.errors import TaskAlreadyClosed
from rapport_workflow.views.tasks import Tasks

TASK = UUID("01920000-0000-7000-8000-00000000001f")
CREATED = TaskCreated(task_id=THING, kind="call_back")
DONE = TaskCompleted(task_id=THING)


def test_a_task_without_words_carries_no_personal_part() -> None:
    wish = CreateTask(customer={"id": ANN}, kind="call_back")  # type: ignore[arg-type]

    Deciding(create_task.HANDLER).when(wish).then(CREATED)


def test_an_assignee_replaces_the_former_one() -> None:
    given = Deciding(assign_task.HANDLER).given(CREATED, TaskAssigned(task_id=THING, assignee="bob"))

    given.when(AssignTask(task=THING, assignee="cleo")).then(
        TaskAssigned(task_id=THING, assignee="cleo", previous="bob")
    )
    given.when(AssignTask(task=THING, assignee="bob")).then_nothing()


def test_a_completed_task_stays_as_it_is() -> None:
    given = Deciding(complete_task.HANDLER).given(CREATED, DONE)

    given.when(CompleteTask(task=THING)).then_nothing()
    Deciding(cancel_task.HANDLER).given(CREATED, DONE).when(CancelTask(task=THING)).then_refuses(TaskAlreadyClosed)


def test_a_cancelled_task_cannot_be_completed() -> None:
    given = Deciding(complete_task.HANDLER).given(CREATED, TaskCancelled(task_id=THING))

    assert given.when(CompleteTask(task=THING)).then_refuses(TaskAlreadyClosed).facts["status"] == "cancelled"


async def test_the_list_follows_a_task_over_several_batches(keeper: Pool) -> None:
    lines = Lines()
    stream = f"task-{TASK}"
    created = TaskCreated(task_id=TASK, kind="call_back", due_at=NOON + timedelta(days=1))
    events = [
        lines.next(event, stream=stream, subject=str(ANN))
        for event in (created, TaskAssigned(task_id=TASK, assignee="bob"), TaskCompleted(task_id=TASK, outcome="sold"))
    ]

    async with keeper.acquire() as connection:
        await fold(Tasks(), connection, events[:1])
        await fold(Tasks(), connection, events[1:])
        row = await connection.fetchrow("SELECT state, assignee, outcome, closed_at FROM tasks_v2")

    assert row is not None
    assert tuple(row) == ("completed", "bob", "sold", NOON)
