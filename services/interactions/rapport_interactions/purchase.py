"""What we remember about one purchase, or about a refund that belongs to none, in order to decide."""

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
class Purchase:
    """One purchase; `currency` is None before it is recorded."""

    currency: str | None = None
    refunds: int = 0


def evolve(purchase: Purchase, event: InteractionsEvent) -> Purchase:
    """Return the purchase as it is after an event."""
    match event:
        case CustomerPurchased():
            return replace(purchase, currency=event.currency)
        case PurchaseRefunded():
            return replace(purchase, refunds=purchase.refunds + 1)
        case (
            CustomerContacted()
            | CustomerComplained()
            | ReferralMade()
            | ImportStarted()
            | ImportCompleted()
            | WebhookFact()
        ):
            return purchase
        case CaseClassified() | CaseAssigned() | CaseResponded() | CaseResolved() | CaseReopened():
            return purchase
        case _:
            assert_never(event)
