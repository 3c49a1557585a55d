"""Who a customer of the demonstration company is: names, addresses and numbers that belong to nobody."""

import unicodedata
from random import Random
from typing import Final

from rapport_cli.demo.story import ADA
from rapport_cli.demo.words import Words

ADAS_EMAIL: Final = "ada@example.com"
_DOMAINS: Final = ("example.com", "example.org", "example.net")
_HOUSES: Final = ("Café", "Kantine", "Hotel", "Bistro")
_ORGANIZATIONS: Final = 0.05
_HAS_PHONE: Final = 0.7
_HAS_ADDRESS: Final = 0.8

Person = dict[str, object]
"""The members of `create_customer` that say who somebody is."""


def make_person(random: Random, words: Words, number: int) -> Person:
    """Make somebody up."""
    given, family = random.choice(words.given), random.choice(words.family)
    is_organization = random.random() < _ORGANIZATIONS and number != ADA
    if number == ADA:
        given, family = "Ada", "Archer"
    name = f"{random.choice(_HOUSES)} {family}" if is_organization else f"{given} {family}"
    email = f"{_plain(name).replace(' ', '.')}.{number}@{random.choice(_DOMAINS)}"
    pii: dict[str, object] = {"name": name, "emails": [ADAS_EMAIL if number == ADA else email]}
    if not is_organization:
        pii |= {"given": given, "family": family}
    if random.random() < _HAS_PHONE or number == ADA:
        # Numbers that the regulator keeps for films and books.
        pii["phones"] = [f"+49 30 23125 {random.randrange(1000):03d}"]
    if random.random() < _HAS_ADDRESS or number == ADA:
        pii["addresses"] = [make_address(random, words)]
    return {
        "kind": "organization" if is_organization else "person",
        "source": random.choice(("shop", "web", "newsletter", "recommendation")),
        "pii": pii,
    }


def make_address(random: Random, words: Words) -> dict[str, object]:
    """Make up where somebody lives."""
    city, code = random.choice(words.cities)
    street = f"{random.choice(words.streets)} {random.randrange(1, 120)}"
    return {"lines": [street], "postal_code": code, "city": city, "country": "DE"}


def _plain(name: str) -> str:
    folded = unicodedata.normalize("NFKD", name.lower().replace("ß", "ss"))
    return folded.encode("ascii", "ignore").decode()
