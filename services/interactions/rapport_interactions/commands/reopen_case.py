"""Open a settled case again."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from rapport_events.command import Command, Handler, Occasion, Target, ThingRef
from rapport_events.contracts.base import Code
from rapport_events.contracts.interactions import CaseReopened, CaseReopenedPii, Text
from rapport_interactions.case import Case, evolve


class Reason(BaseModel):
    """Why it is open again, in words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: Text | None = None


class ReopenCase(Command):
    """A settled case is not settled after all; one that is open is no news."""

    case: ThingRef
    reason: Code | None = None
    pii: Reason | None = None


def decide(command: ReopenCase, case: Case, occasion: Occasion) -> Sequence[CaseReopened]:
    """Say that the case is open again."""
    if case.resolution_code is None:
        return []
    text = command.pii.text if command.pii else None
    pii = CaseReopenedPii(text=text) if text else None
    return [CaseReopened(case_id=occasion.id, reason=command.reason, pii=pii)]


HANDLER = Handler(
    name="reopen_case",
    route="/v1/cases/{case}/reopen",
    command=ReopenCase,
    initial=Case(),
    evolve=evolve,
    decide=decide,
    target=lambda command: Target.of("case", command.case),
)
