"""What the workflow service publishes: what is to be done, what rules did, and a receipt for each act outside."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from rapport_events.contracts.base import (
    STORABLE,
    Actor,
    Channel,
    Code,
    Count,
    Event,
    Moment,
    Personal,
    Pii,
    Reference,
    Value,
    Version,
)
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


class RunStarted(Event, frozen=True):
    """A rule began to act because of a fact."""

    type: Literal["crm.run.started.v1"] = "crm.run.started.v1"
    run_id: UUID
    rule: Code
    rule_version: Version
    trigger_event_id: UUID
    about: TaskAbout | None = None


class RunWaited(Event, frozen=True):
    """A run goes on when one thing has come: a moment, the end of a task, or the receipt of a message."""

    type: Literal["crm.run.waited.v1"] = "crm.run.waited.v1"
    run_id: UUID
    step: Count
    """Number of the step in its rule, from 0."""
    until: Moment | None = None
    timer_id: UUID | None = None
    task_id: UUID | None = None
    send_id: UUID | None = None


class RunStepCompleted(Event, frozen=True):
    """A step of a run came to its end."""

    type: Literal["crm.run.step_completed.v1"] = "crm.run.step_completed.v1"
    run_id: UUID
    step: Count
    kind: Literal["wait", "task", "mail"]
    outcome: Code
    """For example `done`, `overdue`, `sent` or `blocked_withdrawn`."""


class RunCompleted(Event, frozen=True):
    """A run did all that its rule says."""

    type: Literal["crm.run.completed.v1"] = "crm.run.completed.v1"
    run_id: UUID


class RunFailed(Event, frozen=True):
    """A run could not go on."""

    type: Literal["crm.run.failed.v1"] = "crm.run.failed.v1"
    run_id: UUID
    step: Count
    reason: Code


class RunCancelled(Event, frozen=True):
    """Somebody, or a fact, stopped a run before its end."""

    type: Literal["crm.run.cancelled.v1"] = "crm.run.cancelled.v1"
    run_id: UUID
    reason: Code


class SendApproved(Event, frozen=True):
    """A message is to be sent, and may be; what it says is made when it is sent. The id is the key of the effect."""

    type: Literal["crm.send.approved.v1"] = "crm.send.approved.v1"
    send_id: UUID
    """Made of rule, version, step, the trigger's subject and the trigger itself: the same decision is the same send."""
    run_id: UUID
    step: Count
    rule: Code
    rule_version: Version
    trigger_event_id: UUID
    channel: Channel
    purpose: Code
    template: Code
    template_version: Version
    consent_event_id: UUID
    """The consent that allows it."""


class SendBlocked(Event, frozen=True):
    """A message was not to be sent, because the customer does not agree to it."""

    type: Literal["crm.send.blocked.v1"] = "crm.send.blocked.v1"
    send_id: UUID
    run_id: UUID
    step: Count
    channel: Channel
    purpose: Code
    reason: Literal["never_said", "withdrawn", "expired"]
    consent_event_id: UUID | None = None
    """The word that forbids it, where one was said."""


EffectKind = Literal["mail"]


class EffectPerformed(Event, frozen=True):
    """What was decided was done outside; the receipt by which it is never done again."""

    type: Literal["crm.effect.performed.v1"] = "crm.effect.performed.v1"
    effect_key: UUID
    kind: EffectKind
    provider_ref: Reference | None = None
    """What the provider calls it."""
    attempt: Count


class EffectFailed(Event, frozen=True):
    """What was decided could not be done, and is not tried again."""

    type: Literal["crm.effect.failed.v1"] = "crm.effect.failed.v1"
    effect_key: UUID
    kind: EffectKind
    reason: Code
    attempt: Count


class EffectSkippedDuplicate(Event, frozen=True):
    """What was decided had been done before, under the same key."""

    type: Literal["crm.effect.skipped_duplicate.v1"] = "crm.effect.skipped_duplicate.v1"
    effect_key: UUID
    kind: EffectKind


TaskEvent = TaskCreated | TaskAssigned | TaskDueChanged | TaskCompleted | TaskCancelled | TaskOverdue
TimerEvent = TimerScheduled | TimerFired | TimerCancelled
RunEvent = RunStarted | RunWaited | RunStepCompleted | RunCompleted | RunFailed | RunCancelled
SendEvent = SendApproved | SendBlocked
EffectEvent = EffectPerformed | EffectFailed | EffectSkippedDuplicate
WorkflowEvent = Annotated[
    TaskEvent | TimerEvent | RunEvent | SendEvent | EffectEvent | WebhookEvent,
    Field(discriminator="type"),
]
