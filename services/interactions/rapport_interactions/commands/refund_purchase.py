"""Record that money was given back, for a purchase that we know or for one that we do not."""

from collections.abc import Sequence
from typing import Annotated
from uuid import uuid5

from pydantic import Field

from rapport_events.command import Command, CustomerRef, ExternalRef, Handler, Occasion, Target, ThingRef
from rapport_events.contracts.base import Attributes, Code, Currency, Money
from rapport_events.contracts.interactions import Item, PurchaseRefunded
from rapport_interactions.errors import CurrencyDiffers
from rapport_interactions.purchase import Purchase, evolve


class RefundPurchase(Command):
    """Money was given back; the same external id is one refund."""

    customer: CustomerRef
    """Whose refund it is, where the purchase is not known."""
    external: ExternalRef | None = None
    """The refund in the system that it comes from."""
    purchase: ThingRef | None = None
    """The purchase: its id, or its order's outside name, which may be unknown."""
    amount: Annotated[Money, Field(ge=0)]
    currency: Currency
    reason: Code | None = None
    items: tuple[Item, ...] = Field(default=(), max_length=1_000)
    attributes: Attributes = Field(default_factory=dict)


def decide(command: RefundPurchase, purchase: Purchase, occasion: Occasion) -> Sequence[PurchaseRefunded]:
    """Say what was given back, and for which purchase where it is known."""
    is_known = purchase.currency is not None
    if is_known and command.currency != purchase.currency:
        raise CurrencyDiffers(purchase=purchase.currency, refund=command.currency)
    return [
        PurchaseRefunded(
            # A refund of a known purchase lies in its stream, so its id is made from the purchase's and its number.
            refund_id=uuid5(occasion.id, f"refund:{purchase.refunds}") if is_known else occasion.id,
            purchase_id=occasion.id if is_known else None,
            purchase_ref=command.purchase.id if isinstance(command.purchase, ExternalRef) else None,
            refund_ref=command.external.id if command.external else None,
            items=command.items,
            amount=command.amount,
            currency=command.currency,
            reason=command.reason,
            attributes=command.attributes,
        )
    ]


def _target(command: RefundPurchase) -> Target:
    alone = Target("refund", under=command.customer)
    if command.purchase is None:
        return alone
    if isinstance(command.purchase, ExternalRef):
        return Target("purchase", named=command.purchase, otherwise=alone)
    return Target("purchase", id=command.purchase)


HANDLER = Handler(
    name="refund_purchase",
    route="/v1/refunds",
    command=RefundPurchase,
    initial=Purchase(),
    evolve=evolve,
    decide=decide,
    target=_target,
    external=lambda command: command.external,
    fact="refund",
)
