"""What a rule is: a trigger with a condition, and steps one after another. Rules as documents will say the same."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from rapport_events.contracts.workflow import TaskAbout
from rapport_events.ids import named_id
from rapport_events.reactions import Known
from rapport_events.view import Fact


@dataclass(frozen=True, slots=True)
class Wait:
    """Let some time pass."""

    time: timedelta


@dataclass(frozen=True, slots=True)
class Task:
    """
    Let somebody do something.

    When it is done, or need not be done any more, the run is over. When it is late, the run goes on with the next step,
    which escalates it.
    """

    kind: str
    due_in: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """What a mail says. `{name}` stands for the customer's name, which is known only when the mail is sent."""

    name: str
    version: str
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Mail:
    """Send a mail, if the customer agrees to it at that moment."""

    template: Template
    purpose: str


Step = Wait | Task | Mail


def always(_fact: Fact, _known: Known) -> bool:
    """Hold for each trigger."""
    return True


def own_event(fact: Fact) -> str:
    """Name a run after the event that triggered it."""
    return fact.event_id


def nothing(_fact: Fact) -> TaskAbout | None:
    """Say that tasks are about the customer alone."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Whenever the trigger happens and the condition holds, a run carries out the steps."""

    name: str
    version: str
    steps: Sequence[Step]
    condition: Callable[[Fact, Known], bool] = always
    run_name: Callable[[Fact], str] = own_event
    """What a run is named after, besides its rule: whoever has to find it again computes the same id."""
    about: Callable[[Fact], TaskAbout | None] = nothing
    """The thing that tasks of its runs are about."""

    def run_of(self, partition: int, name: str) -> UUID:
        """Return the id of the run with a name."""
        return named_id(partition, "run", self.name, name)


def task_of_run(run_id: UUID, step: int) -> UUID:
    """Return the id of the task that a step opens."""
    return named_id(run_id.int & 0xFF, "task", str(run_id), str(step))
