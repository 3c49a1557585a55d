"""A run of a rule: what its events have made of it, and how it goes on."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import Literal, assert_never, cast
from uuid import UUID

from rapport_events.contracts.base import Event
from rapport_events.contracts.workflow import (
    RunCancelled,
    RunCompleted,
    RunEvent,
    RunFailed,
    RunStarted,
    RunStepCompleted,
    RunWaited,
    SendApproved,
    SendBlocked,
    TaskAbout,
    TaskCreated,
    TimerAbout,
    TimerScheduled,
)
from rapport_events.effects import effect_key
from rapport_events.ledger import ANY
from rapport_events.reactions import Known, Reply
from rapport_events.timers import timer_of, timer_stream
from rapport_events.view import Fact
from rapport_workflow.memory import Remembered
from rapport_workflow.rule import Mail, Rule, Task, Wait, task_of_run

Refused = Literal["never_said", "withdrawn", "expired"]


@dataclass(frozen=True, slots=True)
class Run:
    """A run as its events have left it."""

    status: Literal["unknown", "active", "completed", "failed", "cancelled"] = "unknown"
    rule: str = ""
    rule_version: str = ""
    trigger_event_id: UUID | None = None
    about: TaskAbout | None = None
    step: int = 0
    waits_for: UUID | None = None
    """The timer, the task or the message that it goes on with."""
    tasks: tuple[UUID, ...] = ()


def evolve(run: Run, event: RunEvent) -> Run:
    """Fold one event."""
    match event:
        case RunStarted():
            return Run("active", event.rule, event.rule_version, event.trigger_event_id, event.about)
        case RunWaited():
            tasks = (*run.tasks, event.task_id) if event.task_id else run.tasks
            waits_for = event.timer_id or event.task_id or event.send_id
            return replace(run, step=event.step, waits_for=waits_for, tasks=tasks)
        case RunStepCompleted():
            return replace(run, step=event.step, waits_for=None)
        case RunCompleted():
            return replace(run, status="completed", waits_for=None)
        case RunFailed():
            return replace(run, status="failed", waits_for=None)
        case RunCancelled():
            return replace(run, status="cancelled", waits_for=None)
        case _:
            assert_never(event)


def run_from(events: Iterable[Event]) -> Run:
    """Fold what is in a run's stream."""
    run = Run()
    for event in events:
        run = evolve(run, cast("RunEvent", event))
    return run


def run_stream(run_id: UUID) -> str:
    """Return the stream of a run."""
    return f"run-{run_id}"


def send_stream(send_id: UUID) -> str:
    """Return the stream of a message."""
    return f"send-{send_id}"


def start(rule: Rule, fact: Fact, known: Known) -> list[Reply]:
    """Begin a run because of a fact, if the rule's condition holds."""
    if not rule.condition(fact, known):
        return []
    run_id, trigger, about = rule.run_of(fact.partition, rule.run_name(fact)), UUID(fact.event_id), rule.about(fact)
    started = RunStarted(
        run_id=run_id, rule=rule.name, rule_version=rule.version, trigger_event_id=trigger, about=about
    )
    return _Course(rule, run_id, trigger, about, fact, known, [started]).go(0, ANY)


def go_on(rule: Rule | None, run_id: UUID, fact: Fact, known: Known, outcome: str) -> list[Reply]:
    """Complete the step that a run waits in, and carry out the next ones."""
    events = known.events(fact.tenant, run_stream(run_id))
    run = run_from(events)
    if rule is None or run.trigger_event_id is None:
        failed = RunFailed(run_id=run_id, step=run.step, reason="rule_unknown")
        return [Reply(run_stream(run_id), (failed,), len(events))]
    course = _Course(rule, run_id, run.trigger_event_id, run.about, fact, known)
    course.complete(run.step, outcome)
    return course.go(run.step + 1, len(events))


@dataclass(slots=True)
class _Course:
    """The course of a run because of one fact, up to where it waits or ends."""

    rule: Rule
    run_id: UUID
    trigger: UUID
    about: TaskAbout | None
    fact: Fact
    known: Known
    events: list[Event] = field(default_factory=list[Event])
    """Of the run itself."""
    others: list[Reply] = field(default_factory=list[Reply])

    def go(self, step: int, expected: int) -> list[Reply]:
        while step < len(self.rule.steps):
            if self._begin(step):
                break
            step += 1
        else:
            self.events.append(RunCompleted(run_id=self.run_id))
        return [Reply(run_stream(self.run_id), tuple(self.events), expected), *self.others]

    def complete(self, step: int, outcome: str) -> None:
        kinds: dict[type, Literal["wait", "task", "mail"]] = {Wait: "wait", Task: "task", Mail: "mail"}
        kind = kinds[type(self.rule.steps[step])]
        self.events.append(RunStepCompleted(run_id=self.run_id, step=step, kind=kind, outcome=outcome))

    def _begin(self, step: int) -> bool:
        """Begin a step; say whether the run has to wait for it."""
        match self.rule.steps[step]:
            case Wait() as wait:
                self._wait(step, wait)
                return True
            case Task() as task:
                self._open(step, task)
                return True
            case Mail() as mail:
                return self._send(step, mail)

    def _wait(self, step: int, wait: Wait) -> None:
        due_at = (self.fact.occurred_at + wait.time).astimezone(UTC)
        timer_id = timer_of(self.run_id, str(step))
        timer = TimerScheduled(timer_id=timer_id, about=TimerAbout(kind="run", id=self.run_id), due_at=due_at)
        self.others.append(Reply(timer_stream(timer_id), (timer,)))
        self.events.append(RunWaited(run_id=self.run_id, step=step, until=due_at, timer_id=timer_id))

    def _open(self, step: int, task: Task) -> None:
        task_id = task_of_run(self.run_id, step)
        created = TaskCreated(
            task_id=task_id,
            kind=task.kind,
            about=self.about,
            due_at=self.fact.occurred_at + task.due_in if task.due_in is not None else None,
            rule=self.rule.name,
            rule_version=self.rule.version,
            run_id=self.run_id,
        )
        self.others.append(Reply(f"task-{task_id}", (created,)))
        self.events.append(RunWaited(run_id=self.run_id, step=step, task_id=task_id))

    def _send(self, step: int, mail: Mail) -> bool:
        rule, fact = self.rule, self.fact
        send_id = effect_key(
            fact.partition,
            rule=rule.name,
            version=rule.version,
            step=step,
            subject=fact.subject,
            trigger=str(self.trigger),
        )
        memory: Remembered = self.known.memory
        word = memory.word_on(fact, mail.purpose, "email")
        if word is None:
            return self._block(step, mail, send_id, "never_said")
        state = word.state_at(fact.occurred_at)
        if state != "granted":
            return self._block(step, mail, send_id, state, word.event_id)
        approved = SendApproved(
            send_id=send_id,
            run_id=self.run_id,
            step=step,
            rule=rule.name,
            rule_version=rule.version,
            trigger_event_id=self.trigger,
            channel="email",
            purpose=mail.purpose,
            template=mail.template.name,
            template_version=mail.template.version,
            consent_event_id=word.event_id,
        )
        self.others.append(Reply(send_stream(send_id), (approved,)))
        self.events.append(RunWaited(run_id=self.run_id, step=step, send_id=send_id))
        return True

    def _block(self, step: int, mail: Mail, send_id: UUID, reason: Refused, word: UUID | None = None) -> bool:
        """Say why a mail is not sent; the run goes on without it."""
        blocked = SendBlocked(
            send_id=send_id,
            run_id=self.run_id,
            step=step,
            channel="email",
            purpose=mail.purpose,
            reason=reason,
            consent_event_id=word,
        )
        self.others.append(Reply(send_stream(send_id), (blocked,)))
        self.complete(step, f"blocked_{reason}")
        return False
