"""What the workflow service publishes: what is to be done, by whom, and what became of it."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from rapport_events.contracts.base import STORABLE, Actor, Code, Event, Moment, Personal, Pii, Value, Version
from rapport_events.contracts.platform import WebhookEvent

Title = Annotated[str, Field(min_length=1, max_length=1_000, pattern=STORABLE)]
"""What is to be done, in a line."""
Note = Annotated[str, Field(min_length=1, max_length=65_536, pattern=STORABLE)]


class TaskAbout(Value, frozen=True):
    """The thing that a task is about, besides its customer."""

    kind: Literal["case", "purchase", "interaction", "other"]
    id: UUID


class TaskCreatedPii(Pii, frozen=True):
    """What is to be done, in words."""

    title: Personal[Title] | None = None
    note: Personal[Note] | None = None


class TaskCreated(Event, frozen=True):
    """Somebody has to do something about a customer."""

    schema_version: ClassVar[str] = "1.1"
    type: Literal["crm.task.created.v1"] = "crm.task.created.v1"
    task_id: UUID
    kind: Code
    """What kind of work it is, for example `answer_complaint`."""
    about: TaskAbout | None = None
    assignee: Actor | None = None
    due_at: Moment | None = None
    rule: Code | None = None
    """The rule that made it; absent: a person did."""
    rule_version: Version | None = None
    run_id: UUID | None = None
    """The run of the rule that waits for it."""
    pii: TaskCreatedPii | None = None


class TaskAssigned(Event, frozen=True):
    """A task has another assignee, or none any more."""

    type: Literal["crm.task.assigned.v1"] = "crm.task.assigned.v1"
    task_id: UUID
    assignee: Actor | None = None
    previous: Actor | None = None


class TaskDueChanged(Event, frozen=True):
    """A task is due at another moment, or at none any more."""

    type: Literal["crm.task.due_changed.v1"] = "crm.task.due_changed.v1"
    task_id: UUID
    due_at: Moment | None = None
    previous: Moment | None = None


class TaskCompletedPii(Pii, frozen=True):
    """What came of it, in words."""

    note: Personal[Note] | None = None


class TaskCompleted(Event, frozen=True):
    """A task is done."""

    type: Literal["crm.task.completed.v1"] = "crm.task.completed.v1"
    task_id: UUID
    outcome: Code | None = None
    pii: TaskCompletedPii | None = None


class TaskCancelled(Event, frozen=True):
    """A task need not be done any more."""

    type: Literal["crm.task.cancelled.v1"] = "crm.task.cancelled.v1"
    task_id: UUID
    reason: Code | None = None


class TaskOverdue(Event, frozen=True):
    """A task was still open when it was due."""

    type: Literal["crm.task.overdue.v1"] = "crm.task.overdue.v1"
    task_id: UUID
    due_at: Moment


class TimerAbout(Value, frozen=True):
    """What goes on when the time has come."""

    kind: Literal["task", "run"]
    id: UUID


class TimerScheduled(Event, frozen=True):
    """Something is to go on at a moment."""

    type: Literal["crm.timer.scheduled.v1"] = "crm.timer.scheduled.v1"
    timer_id: UUID
    about: TimerAbout
    due_at: Moment


class TimerFired(Event, frozen=True):
    """The moment of a timer has come; it comes once, and never early."""

    type: Literal["crm.timer.fired.v1"] = "crm.timer.fired.v1"
    timer_id: UUID
    about: TimerAbout
    due_at: Moment


class TimerCancelled(Event, frozen=True):
    """Nothing waits for a timer any more."""

    type: Literal["crm.timer.cancelled.v1"] = "crm.timer.cancelled.v1"
    timer_id: UUID
    about: TimerAbout
    reason: Code | None = None


WorkflowEvent = Annotated[
    TaskCreated
    | TaskAssigned
    | TaskDueChanged
    | TaskCompleted
    | TaskCancelled
    | TaskOverdue
    | TimerScheduled
    | TimerFired
    | TimerCancelled
    | WebhookEvent,
    Field(discriminator="type"),
]
