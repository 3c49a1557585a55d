"""Say what kind of case it is."""

from collections.abc import Sequence

from rapport_events.command import Command, Handler, Occasion, Target, ThingRef
from rapport_events.contracts.base import AuthorKind, Code, Version
from rapport_events.contracts.interactions import CaseClassified, Severity
from rapport_interactions.case import Case, evolve


class ClassifyCase(Command):
    """A case gets a category; the same classification again is no news."""

    case: ThingRef
    category: Code
    severity: Severity | None = None
    department: Code | None = None
    author_kind: AuthorKind = "person"
    author_version: Version | None = None


def decide(command: ClassifyCase, case: Case, occasion: Occasion) -> Sequence[CaseClassified]:
    """Say how the case is classified."""
    classified = CaseClassified(
        case_id=occasion.id,
        category=command.category,
        severity=command.severity,
        department=command.department,
        author_kind=command.author_kind,
        author_version=command.author_version,
    )
    return [] if case.classified == classified else [classified]


HANDLER = Handler(
    name="classify_case",
    route="/v1/cases/{case}/classify",
    command=ClassifyCase,
    initial=Case(),
    evolve=evolve,
    decide=decide,
    target=lambda command: Target.of("case", command.case),
)
