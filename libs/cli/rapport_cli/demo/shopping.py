"""What a customer of the demonstration company buys."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from rapport_cli.demo.story import SHOP, Story, money
from rapport_cli.demo.words import Product

_CHEAP_CENTS: Final = 5_000
_HARVEST_MONTH: Final = 11
_HARVEST_PER_CENT: Final = 10
_WAYS: Final = ("web", "in_person", "app")
_WAY_SHARES: Final = (55, 85, 100)
_LINES: Final = (1, 2, 3, 4)
_LINE_SHARES: Final = (55, 85, 96, 100)


@dataclass(frozen=True, slots=True)
class Bought:
    """A purchase that something may come of."""

    at: datetime
    order: str
    sku: str
    cents: int


def buy(story: Story, joined: datetime, count: int) -> Iterator[Bought]:
    """Tell of so many purchases in a whole year, less what would have been before the customer came; return each."""
    year, dice = story.year, story.random
    moments = [at for at in (year.moment(dice, year.begin) for _ in range(count)) if at > joined]
    moments = sorted(moments or [year.moment(dice, joined) for _ in range(min(count, 1))])
    for turn, at in enumerate(moments, 1):
        order = f"{story.name}-{turn}"
        has_coupon = at.month == _HARVEST_MONTH and story.happens(0.4)
        items = _items(story, _HARVEST_PER_CENT if has_coupon else 0)
        way = story.random.choices(_WAYS, cum_weights=_WAY_SHARES)[0]
        cents = sum(item.cents for item in items)
        body: dict[str, object] = {
            "external": {"system": SHOP, "id": order},
            "items": [item.to_json() for item in items],
            "total": money(cents),
            "currency": str(story.words.tenant["currency"]),
            "channel": way,
        }
        if way == "in_person":
            body["store"] = "harbour"
        if has_coupon:
            body["coupon"] = "HARVEST"
        story.tell_of_customer(at, "record_purchase", body)
        yield Bought(at, order, items[0].product.sku, cents)


@dataclass(frozen=True, slots=True)
class _Item:
    product: Product
    pieces: int
    discount: int

    @property
    def cents(self) -> int:
        """What is owed for it."""
        return self.product.price * self.pieces - self.discount

    def to_json(self) -> dict[str, str]:
        """Return it as commands take it."""
        members = {
            "sku": self.product.sku,
            "description": self.product.name,
            "qty": str(self.pieces),
            "unit_price": money(self.product.price),
            "line_total": money(self.cents),
            "cost": money(self.product.cost * self.pieces),
        }
        return {**members, "discount": money(self.discount)} if self.discount else members


def _items(story: Story, per_cent: int) -> list[_Item]:
    words, dice = story.words, story.random
    kinds = dice.choices(_LINES, cum_weights=_LINE_SHARES)[0]
    chosen = {each.sku: each for each in dice.choices(words.products, cum_weights=words.product_shares, k=kinds)}
    items: list[_Item] = []
    for product in chosen.values():
        pieces = dice.choice((1, 1, 1, 2, 3)) if product.price < _CHEAP_CENTS else 1
        items.append(_Item(product, pieces, product.price * pieces * per_cent // 100))
    return items
