"""Settle a case."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from rapport_events.command import Command, Handler, Occasion, Target, ThingRef
from rapport_events.contracts.base import Actor, Attributes, Code
from rapport_events.contracts.interactions import CaseResolved, CaseResolvedPii, Text
from rapport_interactions.case import Case, evolve
from rapport_interactions.errors import CaseAlreadyResolved


class Settlement(BaseModel):
    """How it was settled, in words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    note: Text | None = None


class ResolveCase(Command):
    """A case is settled; settled in the same way already is no news."""

    case: ThingRef
    resolution_code: Code
    agent_id: Actor | None = None
    attributes: Attributes = Field(default_factory=dict)
    pii: Settlement | None = None


def decide(command: ResolveCase, case: Case, occasion: Occasion) -> Sequence[CaseResolved]:
    """Say how the case was settled."""
    if case.resolution_code == command.resolution_code:
        return []
    if case.resolution_code is not None:
        raise CaseAlreadyResolved(case_id=occasion.id, resolution_code=case.resolution_code)
    note = command.pii.note if command.pii else None
    return [
        CaseResolved(
            case_id=occasion.id,
            resolution_code=command.resolution_code,
            agent_id=command.agent_id,
            attributes=command.attributes,
            pii=CaseResolvedPii(note=note) if note else None,
        )
    ]


HANDLER = Handler(
    name="resolve_case",
    route="/v1/cases/{case}/resolve",
    command=ResolveCase,
    initial=Case(),
    evolve=evolve,
    decide=decide,
    target=lambda command: Target.of("case", command.case),
)
