"""A small service that sells things, to look at the chassis from outside."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from rapport_chassis.service import Service
from rapport_events.command import Command, CustomerRef, ExternalRef, Handler, Occasion, Target, ThingRef
from rapport_events.contracts.interactions import (
    CustomerContacted,
    CustomerContactedPii,
    CustomerPurchased,
    PurchaseRefunded,
)
from rapport_events.errors import Clash


class AlreadyRefunded(Clash):
    """The whole purchase was refunded before."""

    code = "already_refunded"


@dataclass(frozen=True)
class Purchase:
    refunds: int = 0


def evolve(purchase: Purchase, event: object) -> Purchase:
    return replace(purchase, refunds=purchase.refunds + isinstance(event, PurchaseRefunded))


class RecordPurchase(Command):
    """Somebody bought something."""

    customer: CustomerRef
    external: ExternalRef | None = None
    total: Decimal
    currency: str = "GBP"


class RefundPurchase(Command):
    """All of it is given back."""

    purchase: ThingRef
    amount: Decimal = Decimal(1)


class RecordContact(Command):
    """Somebody wrote to us."""

    customer: CustomerRef
    text: str


def buy(command: RecordPurchase, _purchase: Purchase, occasion: Occasion) -> Sequence[CustomerPurchased]:
    return [CustomerPurchased(purchase_id=occasion.id, total=command.total, currency=command.currency)]


def refund(command: RefundPurchase, purchase: Purchase, occasion: Occasion) -> Sequence[PurchaseRefunded]:
    if purchase.refunds > 1:
        raise AlreadyRefunded(purchase_id=occasion.id, note="Ann Smith has it")
    if command.amount > 5:
        return []
    return [PurchaseRefunded(refund_id=UUID(int=7), purchase_id=occasion.id, amount=command.amount, currency="GBP")]


def contact(command: RecordContact, _nothing: None, occasion: Occasion) -> Sequence[CustomerContacted]:
    pii = CustomerContactedPii(body=command.text)
    return [CustomerContacted(interaction_id=occasion.id, channel="email", direction="inbound", pii=pii)]


RECORD_PURCHASE = Handler(
    name="record_purchase",
    route="/v1/purchases",
    command=RecordPurchase,
    initial=Purchase(),
    evolve=evolve,
    decide=buy,
    target=lambda command: Target("purchase", under=command.customer),
    external=lambda command: command.external,
)
REFUND_PURCHASE = Handler(
    name="refund_purchase",
    route="/v1/purchases/{purchase}/refund",
    command=RefundPurchase,
    initial=Purchase(),
    evolve=evolve,
    decide=refund,
    target=lambda command: Target.of("purchase", command.purchase),
)
WITHDRAW_PURCHASE = replace(REFUND_PURCHASE, name="withdraw_purchase", route="/v1/purchases/{purchase}/withdraw")
RECORD_CONTACT = Handler(
    name="record_contact",
    route="/v1/contacts",
    command=RecordContact,
    initial=None,
    evolve=lambda state, _: state,
    decide=contact,
    target=lambda command: Target("contact", under=command.customer),
)

SHOP = Service(
    name="interactions",
    package="tests.chassis",
    handlers=(RECORD_PURCHASE, REFUND_PURCHASE, WITHDRAW_PURCHASE, RECORD_CONTACT),
    needs_if_match=frozenset({"withdraw_purchase"}),
)
