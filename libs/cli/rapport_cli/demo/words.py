"""What the demonstration company sells, and what its customers say: read from `company.toml`."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import accumulate
from typing import Any


@dataclass(frozen=True, slots=True)
class Product:
    """Something that is sold; money in cents."""

    sku: str
    name: str
    price: int
    cost: int


@dataclass(frozen=True, slots=True)
class Habit:
    """How often a kind of customer buys and gets in touch in a year."""

    name: str
    purchases: tuple[int, int]
    contacts: int


@dataclass(frozen=True, slots=True)
class Words:
    """Everything that lives are made of; shares are cumulative, as `random.choices` takes them."""

    tenant: Mapping[str, object]
    months: Sequence[float]
    habits: Sequence[Habit]
    habit_shares: Sequence[float]
    products: Sequence[Product]
    product_shares: Sequence[float]
    talks: Sequence[Mapping[str, str]]
    troubles: Sequence[Mapping[str, str]]
    trouble_shares: Sequence[float]
    given: Sequence[str]
    family: Sequence[str]
    cities: Sequence[tuple[str, str]]
    streets: Sequence[str]
    agents: Sequence[str]


@cache
def load_words() -> Words:
    """Read them."""
    text = files("rapport_cli").joinpath("demo", "company.toml").read_text(encoding="utf-8")
    found: dict[str, Any] = tomllib.loads(text)
    people = found["people"]
    return Words(
        tenant=found["tenant"],
        months=found["season"]["months"],
        habits=[Habit(each["name"], tuple(each["purchases"]), each["contacts"]) for each in found["habit"]],
        habit_shares=list(accumulate(each["share"] for each in found["habit"])),
        products=[
            Product(each["sku"], each["name"], _cents(each["price"]), _cents(each["cost"])) for each in found["product"]
        ],
        product_shares=list(accumulate(each["weight"] for each in found["product"])),
        talks=found["talk"],
        troubles=[{name: str(value) for name, value in each.items()} for each in found["trouble"]],
        trouble_shares=list(accumulate(each["weight"] for each in found["trouble"])),
        given=people["given"],
        family=people["family"],
        cities=[tuple(each) for each in people["cities"]],
        streets=people["streets"],
        agents=people["agents"],
    )


def _cents(price: str) -> int:
    whole, _, cents = price.partition(".")
    return int(whole) * 100 + int(cents)
