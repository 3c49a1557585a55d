"""Sales: every purchase and every refund, a row each, for whatever sum a report asks."""

from decimal import Decimal
from typing import ClassVar
from uuid import UUID

import msgspec

from rapport_events.contracts.interactions import CustomerPurchased, PurchaseRefunded
from rapport_events.rows import Row, Rows
from rapport_events.view import Fact


class Purchased(msgspec.Struct):
    """What sales need of a purchase."""

    purchase_id: UUID
    total: Decimal
    currency: str


class Refunded(msgspec.Struct):
    """What sales need of a refund; the amount is positive."""

    refund_id: UUID
    amount: Decimal
    currency: str


class Sales(Rows):
    """Purchases and refunds with amount, currency and time."""

    name = "sales"
    package = "rapport_analytics"
    statement = "add_sales"
    reads: ClassVar = {CustomerPurchased: Purchased, PurchaseRefunded: Refunded}

    def row(self, fact: Fact) -> Row:
        """Take amount and currency."""
        event = fact.event
        match event:
            case Purchased():
                told = ("purchase", event.purchase_id, event.total)
            case _:
                told = ("refund", event.refund_id, event.amount)
        place = (fact.occurred_at, fact.recorded_at, fact.partition, fact.position)
        return (fact.tenant, fact.subject, fact.event_id, *told, event.currency, *place)
