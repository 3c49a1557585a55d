"""Give a case to an agent, a department, or both."""

from collections.abc import Sequence

from pydantic import model_validator

from rapport_events.command import Command, Handler, Occasion, Target, ThingRef
from rapport_events.contracts.base import Actor, AuthorKind, Code, Version
from rapport_events.contracts.interactions import CaseAssigned
from rapport_interactions.case import Case, evolve


class AssignCase(Command):
    """A case is given to somebody; the same assignment again is no news."""

    case: ThingRef
    agent_id: Actor | None = None
    department: Code | None = None
    author_kind: AuthorKind = "person"
    author_version: Version | None = None

    @model_validator(mode="after")
    def _names_somebody(self) -> "AssignCase":
        if self.agent_id is None and self.department is None:
            raise ValueError("name an agent_id, a department, or both")
        return self


def decide(command: AssignCase, case: Case, occasion: Occasion) -> Sequence[CaseAssigned]:
    """Say whose case it is."""
    assigned = CaseAssigned(
        case_id=occasion.id,
        agent_id=command.agent_id,
        department=command.department,
        author_kind=command.author_kind,
        author_version=command.author_version,
    )
    return [] if case.assigned == assigned else [assigned]


HANDLER = Handler(
    name="assign_case",
    route="/v1/cases/{case}/assign",
    command=AssignCase,
    initial=Case(),
    evolve=evolve,
    decide=decide,
    target=lambda command: Target.of("case", command.case),
)
