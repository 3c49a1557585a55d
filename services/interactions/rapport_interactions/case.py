"""What we remember about one case in order to decide."""

from dataclasses import dataclass, replace
from typing import assert_never

from rapport_events.contracts.interactions import (
    CaseAssigned,
    CaseClassified,
    CaseReopened,
    CaseResolved,
    CaseResponded,
    CustomerComplained,
    CustomerContacted,
    CustomerPurchased,
    InteractionsEvent,
    PurchaseRefunded,
    ReferralMade,
)
from rapport_events.contracts.platform import ImportCompleted, ImportStarted, WebhookFact


@dataclass(frozen=True, slots=True)
class Case:
    """One case, from the complaint on."""

    classified: CaseClassified | None = None
    assigned: CaseAssigned | None = None
    responses: int = 0
    resolution_code: str | None = None
    """None while the case is open."""


def evolve(case: Case, event: InteractionsEvent) -> Case:
    """Return the case as it is after an event."""
    match event:
        case CustomerComplained():
            return case
        case CaseClassified():
            return replace(case, classified=event)
        case CaseAssigned():
            return replace(case, assigned=event)
        case CaseResponded():
            return replace(case, responses=case.responses + 1)
        case CaseResolved():
            return replace(case, resolution_code=event.resolution_code)
        case CaseReopened():
            return replace(case, resolution_code=None)
        case CustomerContacted() | CustomerPurchased() | PurchaseRefunded() | ReferralMade():
            return case
        case ImportStarted() | ImportCompleted() | WebhookFact():
            return case
        case _:
            assert_never(event)
