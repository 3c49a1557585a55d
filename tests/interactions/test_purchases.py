"""Purchases and refunds."""

from dataclasses import replace
from decimal import Decimal
from uuid import uuid5

from rapport_events.command import CustomerRef, ExternalRef
from rapport_events.contracts.interactions import CustomerPurchased, Item, Party, PurchaseRefunded
from rapport_events.ids import CustomerId
from rapport_events.testing import ANN, BOB, THING, Deciding
from rapport_interactions.commands import record_purchase, refund_purchase
from rapport_interactions.commands.record_purchase import RecordPurchase
from rapport_interactions.commands.refund_purchase import RefundPurchase
from rapport_interactions.errors import CurrencyDiffers
from rapport_interactions.parties import Other
from tests.interactions.wishes import ANN_ID, buy, shop, wish
from tests.slices import Slices

buying, refunding = Deciding(record_purchase.HANDLER), Deciding(refund_purchase.HANDLER)
ANN_REF = CustomerRef(id=ANN)
ORDER = ExternalRef(system="shop", id="536365")
PURCHASED = CustomerPurchased(purchase_id=THING, order_ref="536365", total=Decimal("15.30"), currency="GBP")
REFUND = RefundPurchase(customer=ANN_REF, purchase=ORDER, amount=Decimal("5.10"), currency="GBP")


def test_a_purchase_is_told_as_the_source_has_it() -> None:
    item = Item(sku="85123A", qty=Decimal(6), line_total=Decimal("15.30"))
    command = RecordPurchase(
        customer=ANN_REF, external=ORDER, total=Decimal("15.30"), currency="GBP", items=(item,), channel="web"
    )

    buying.when(command).then(PURCHASED.model_copy(update={"items": (item,), "channel": "web"}))


def test_a_gift_names_the_other_customer() -> None:
    bob = CustomerRef(system="shop", external_id="2")
    command = RecordPurchase(
        customer=ANN_REF,
        external=ORDER,
        total=Decimal("15.30"),
        currency="GBP",
        parties=(Other(customer=bob, role="receiver"),),
    )
    knowing = replace(buying, occasion=replace(buying.occasion, mentioned={bob: BOB}))

    knowing.when(command).then(PURCHASED.model_copy(update={"parties": (Party(id=CustomerId(BOB), role="receiver"),)}))


def test_a_refund_of_a_known_purchase_lies_in_its_stream() -> None:
    refunded = PurchaseRefunded(
        refund_id=uuid5(THING, "refund:0"),
        purchase_id=THING,
        purchase_ref="536365",
        amount=Decimal("5.10"),
        currency="GBP",
    )
    refunding.given(PURCHASED).when(REFUND).then(refunded)
    refunding.given(PURCHASED, refunded).when(REFUND).then(
        refunded.model_copy(update={"refund_id": uuid5(THING, "refund:1")})
    )


def test_a_refund_of_an_unknown_purchase_stands_alone() -> None:
    refunding.when(REFUND).then(
        PurchaseRefunded(refund_id=THING, purchase_ref="536365", amount=Decimal("5.10"), currency="GBP")
    )


def test_a_refund_in_another_currency_is_refused() -> None:
    wish_ = REFUND.model_copy(update={"currency": "EUR"})
    refusal = refunding.given(PURCHASED).when(wish_).then_refuses(CurrencyDiffers)

    assert refusal.facts == {"purchase": "GBP", "refund": "EUR"}


async def test_the_same_order_is_one_purchase(interactions: Slices) -> None:
    first = await buy(interactions, "15.30", "536365")
    again = await buy(interactions, "99.00", "536365")

    assert again["stream"] == first["stream"]
    assert again["event_ids"] == first["event_ids"]
    assert sum((await interactions.ledger.state()).heads) == 1


async def test_a_refund_finds_its_purchase_by_the_orders_name(interactions: Slices) -> None:
    purchase = await buy(interactions, "15.30", "536365")
    body = {"customer": ANN_ID, "external": shop("C1"), "amount": "5.10", "currency": "EUR"}

    refund = await wish(interactions, "/v1/refunds", **body, purchase=shop("536365"))
    again = await wish(interactions, "/v1/refunds", **body, purchase=shop("536365"))
    alone = await wish(interactions, "/v1/refunds", **{**body, "external": shop("C2")}, purchase=shop("unknown"))

    assert refund["stream"] == again["stream"] == purchase["stream"]
    assert alone["stream"].startswith("refund-")
    assert sum((await interactions.ledger.state()).heads) == 3


async def test_a_refund_of_a_purchase_by_an_id_that_nobody_knows_is_refused(interactions: Slices) -> None:
    body = {"customer": ANN_ID, "amount": "5.10", "currency": "EUR", "purchase": str(THING)}

    answer = await interactions.wish("/v1/refunds", body)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_the_same_file_twice_changes_nothing(interactions: Slices) -> None:
    lines = "".join(
        f'{{"command":"record_purchase","body":{{"customer":{{"system":"shop","external_id":"{number % 7}"}},'
        f'"external":{{"system":"shop","id":"{number}"}},"total":"{number}.00","currency":"EUR"}}}}\n'
        for number in range(100)
    )
    outcomes: list[int] = []
    for _ in range(2):
        answer = await interactions.client.post(
            "/v1/commands:batch", content=lines, headers={"Content-Type": "application/x-ndjson"}
        )
        outcomes.append(answer.text.count('"outcome":"recorded"'))

    assert outcomes == [100, 0]
    assert sum((await interactions.ledger.state()).heads) == 100
