"""Tasks: what is to be done, by whom, and what became of it."""

from dataclasses import astuple, dataclass, replace
from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from rapport_chassis.reading import Read
from rapport_chassis.standing import Freshness
from rapport_events.codec import key_ids, open_text
from rapport_events.contracts.base import Redacted, Sealed
from rapport_events.contracts.workflow import (
    TaskAssigned,
    TaskCancelled,
    TaskCompleted,
    TaskCreated,
    TaskDueChanged,
    TaskOverdue,
)
from rapport_events.database import Connection
from rapport_events.ids import EventId
from rapport_events.parties import members
from rapport_events.statements import load
from rapport_events.view import Batch, Fact, View

PAGE_MAX = 200


class About(msgspec.Struct):
    """The thing that a task is about."""

    kind: str
    id: UUID


class Words(msgspec.Struct):
    """The personal part, sealed."""

    title: str | None = None
    note: str | None = None


class Created(msgspec.Struct):
    """A task begins."""

    task_id: UUID
    kind: str
    about: About | None = None
    assignee: str | None = None
    due_at: datetime | None = None
    rule: str | None = None
    run_id: UUID | None = None
    pii: Words | None = None


class Assigned(msgspec.Struct):
    """Another assignee."""

    task_id: UUID
    assignee: str | None = None


class DueChanged(msgspec.Struct):
    """Another moment."""

    task_id: UUID
    due_at: datetime | None = None


class Overdue(msgspec.Struct):
    """Late."""

    task_id: UUID
    due_at: datetime


class Completed(msgspec.Struct):
    """Done."""

    task_id: UUID
    outcome: str | None = None


class Cancelled(msgspec.Struct):
    """Off."""

    task_id: UUID
    reason: str | None = None


Key = tuple[str, UUID]
"""Tenant and task."""


@dataclass(frozen=True, slots=True)
class Task:
    """A task as the list shows it; the columns of the table, in their order."""

    customer: UUID
    event_id: UUID
    kind: str
    about_kind: str | None
    about_id: UUID | None
    rule: str | None
    run_id: UUID | None
    title: str | None
    created_at: datetime
    assignee: str | None
    due_at: datetime | None
    overdue_at: datetime | None = None
    state: str = "open"
    outcome: str | None = None
    closed_at: datetime | None = None


class Tasks(View[list[Key], dict[Key, Task]]):
    """One row for each task."""

    name = "tasks"
    version = 2
    package = "rapport_workflow"
    reads: ClassVar = {
        TaskCreated: Created,
        TaskAssigned: Assigned,
        TaskDueChanged: DueChanged,
        TaskOverdue: Overdue,
        TaskCompleted: Completed,
        TaskCancelled: Cancelled,
    }

    def keys(self, batch: Batch) -> list[Key]:
        """Name the tasks that were there before this batch."""
        begun = {(fact.tenant, fact.event.task_id) for fact in batch if isinstance(fact.event, Created)}
        return sorted({(fact.tenant, fact.event.task_id) for fact in batch} - begun)

    async def load(self, connection: Connection, keys: list[Key]) -> dict[Key, Task]:
        """Read them."""
        if not keys:
            return {}
        rows = await connection.fetch(self.sql("load_tasks"), *map(list, zip(*keys, strict=True)))
        return {(tenant, task_id): Task(*rest) for tenant, task_id, *rest in (tuple(row) for row in rows)}

    def fold(self, state: dict[Key, Task], batch: Batch) -> dict[Key, Task]:
        """Follow each task."""
        for fact in batch:
            key = (fact.tenant, fact.event.task_id)
            state[key] = _begun(fact, fact.event) if isinstance(fact.event, Created) else _follow(state[key], fact)
        return state

    async def write(self, connection: Connection, state: dict[Key, Task]) -> None:
        """Store them as they are now."""
        rows = [(*key, *astuple(task)) for key, task in sorted(state.items(), key=lambda item: item[0])]
        await connection.execute(self.sql("set_tasks"), *map(list, zip(*rows, strict=True)))


def _begun(fact: Fact, event: Created) -> Task:
    return Task(
        customer=UUID(fact.subject),
        event_id=UUID(fact.event_id),
        kind=event.kind,
        about_kind=event.about.kind if event.about else None,
        about_id=event.about.id if event.about else None,
        rule=event.rule,
        run_id=event.run_id,
        title=event.pii.title if event.pii else None,
        created_at=fact.occurred_at,
        assignee=event.assignee,
        due_at=event.due_at,
    )


def _follow(task: Task, fact: Fact) -> Task:
    match fact.event:
        case Assigned(assignee=assignee):
            return replace(task, assignee=assignee)
        case DueChanged(due_at=due_at):
            return replace(task, due_at=due_at, overdue_at=None)
        case Overdue(due_at=due_at):
            return replace(task, overdue_at=due_at)
        case Completed(outcome=outcome):
            return replace(task, state="completed", outcome=outcome, closed_at=fact.occurred_at)
        case Cancelled(reason=reason):
            return replace(task, state="cancelled", outcome=reason, closed_at=fact.occurred_at)
        case _:
            msg = f"{fact.type} is no event of a task"
            raise TypeError(msg)


class TaskRow(BaseModel):
    """A task."""

    task_id: UUID
    customer_id: UUID
    event_id: UUID = Field(description="The event that created it.")
    kind: str
    about_kind: str | None
    about_id: UUID | None
    rule: str | None = Field(description="The rule that made it; null: a person did.")
    run_id: UUID | None = Field(description="The run of the rule that waits for it.")
    title: str | None = Field(description="Masked or redacted where it cannot be opened.")
    created_at: datetime
    assignee: str | None
    due_at: datetime | None
    overdue_at: datetime | None = Field(description="The moment that passed while it was open.")
    state: Literal["open", "completed", "cancelled"]
    outcome: str | None
    closed_at: datetime | None


class TaskPage(BaseModel):
    """Tasks, the newest first."""

    tasks: list[TaskRow]
    cursor: str | None = Field(description="For the next page; null where there is none.")
    freshness: Freshness


router = APIRouter(prefix="/v1", tags=["tasks"])


@router.get("/tasks", operation_id="list_tasks")
async def list_tasks(
    read: Read,
    customer: UUID | None = None,
    state: Literal["open", "completed", "cancelled"] | None = None,
    cursor: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
) -> TaskPage:
    """List tasks of the tenant, or of one customer with all ids that are the same party."""
    async with read.rows() as connection:
        ids = await members(connection, read.caller.tenant, customer) if customer else None
        rows = await connection.fetch(load("rapport_workflow", "list_tasks"), ids, state, cursor, limit + 1)
    sealed = {row["title"] for row in rows if row["title"]}
    keys = await read.keys({key_id for text in sealed for key_id in key_ids(b'{"pii":{"t":"%s"}}' % text.encode())})
    tasks: list[TaskRow] = []
    for row in rows[:limit]:
        title = row["title"]
        if title is not None:
            event_id = EventId(row["event_id"])
            opened = open_text(title, keys, tenant=read.caller.tenant, event_id=event_id, pointer="/pii/title")
            title = (
                "masked" if isinstance(opened, Sealed) else "redacted" if isinstance(opened, Redacted) else str(opened)
            )
        tasks.append(TaskRow.model_validate({**row, "title": title}))
    return TaskPage(
        tasks=tasks,
        cursor=str(tasks[-1].task_id) if len(rows) > limit else None,
        freshness=await read.freshness("tasks", "parties"),
    )
