"""Record that a customer bought something."""

from collections.abc import Sequence

from pydantic import Field

from rapport_events.command import Command, CustomerRef, ExternalRef, Handler, Occasion, Target
from rapport_events.contracts.base import Attributes, Channel, Code, Currency, Money
from rapport_events.contracts.interactions import CustomerPurchased, Item
from rapport_interactions.parties import Others, named, parties
from rapport_interactions.purchase import Purchase, evolve


class RecordPurchase(Command):
    """A customer bought something; the same external id is one purchase."""

    customer: CustomerRef
    external: ExternalRef | None = None
    """The order in the system that it comes from."""
    items: tuple[Item, ...] = Field(default=(), max_length=1_000)
    total: Money
    currency: Currency
    tax: Money | None = None
    coupon: Code | None = None
    store: Code | None = None
    channel: Channel | None = None
    channel_detail: Code | None = None
    attributes: Attributes = Field(default_factory=dict)
    parties: Others = ()


def decide(command: RecordPurchase, _purchase: Purchase, occasion: Occasion) -> Sequence[CustomerPurchased]:
    """Say what was bought."""
    return [
        CustomerPurchased(
            purchase_id=occasion.id,
            order_ref=command.external.id if command.external else None,
            items=command.items,
            total=command.total,
            currency=command.currency,
            tax=command.tax,
            coupon=command.coupon,
            store=command.store,
            channel=command.channel,
            channel_detail=command.channel_detail,
            attributes=command.attributes,
            parties=parties(command.parties, occasion),
        )
    ]


HANDLER = Handler(
    name="record_purchase",
    route="/v1/purchases",
    command=RecordPurchase,
    initial=Purchase(),
    evolve=evolve,
    decide=decide,
    target=lambda command: Target("purchase", under=command.customer),
    external=lambda command: command.external,
    mentions=lambda command: named(command.parties),
)
