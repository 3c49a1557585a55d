"""What is told of one customer, and the dice that decide it: the same seed and number give the same story, always."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Final

from rapport_cli.demo.season import Year
from rapport_cli.demo.words import Words
from rapport_cli.importing.kinds import Service

ADA: Final = 0
"""Number of the customer to whom a bit of everything happens."""
SHOP: Final = "shop"
HELPDESK: Final = "helpdesk"
_CONTACTS: Final = frozenset({"create_customer", "change_profile", "grant_consent", "withdraw_consent"})

Line = dict[str, object]
"""One line of a batch: command, body, and a key where the fact has no name of its own."""


@dataclass(frozen=True, slots=True)
class Life:
    """A whole story, by service, in the order in which it happened."""

    contacts: list[Line]
    interactions: list[Line]

    def of(self, service: Service) -> list[Line]:
        """Return what one service is told."""
        return self.contacts if service == "contacts" else self.interactions


class Story:
    """A story that is being told."""

    def __init__(self, words: Words, year: Year, seed: int, number: int) -> None:
        self.words = words
        self.year = year
        self.random = Random(f"{seed}/{number}")  # noqa: S311 - a story, not a secret
        self.seed = seed
        self.number = number
        self._told: list[tuple[datetime, Line]] = []

    @property
    def name(self) -> str:
        """The customer's number in the shop's books."""
        return name_of(self.seed, self.number)

    def happens(self, share: float) -> bool:
        """Throw a die; Ada meets with everything."""
        return self.random.random() < share or self.number == ADA

    def tell_of_customer(self, at: datetime, command: str, body: Mapping[str, object]) -> None:
        """Add what the customer did, or what was done with the customer."""
        self.tell(at, command, {"customer": customer_of(self.seed, self.number), **body})

    def tell(self, at: datetime, command: str, body: Mapping[str, object]) -> None:
        """Add what happened; what would come after the year has not happened."""
        if at >= self.year.end:
            return
        line: Line = {"command": command, "body": {"at": at.isoformat(), **body}}
        if "external" not in body:
            line["key"] = f"demo/{self.name}/{len(self._told)}"
        self._told.append((at, line))

    def end(self) -> Life:
        """Put everything in its order."""
        ordered = [line for _, line in sorted(self._told, key=lambda told: told[0])]
        contacts = [line for line in ordered if line["command"] in _CONTACTS]
        return Life(contacts, [line for line in ordered if line["command"] not in _CONTACTS])


def name_of(seed: int, number: int) -> str:
    """Return a customer's number in the shop's books."""
    return f"{seed}-{number:06d}"


def customer_of(seed: int, number: int) -> dict[str, str]:
    """Name a customer as commands do."""
    return {"system": SHOP, "external_id": name_of(seed, number)}


def money(cents: int) -> str:
    """Write an amount as commands do."""
    return f"{cents // 100}.{cents % 100:02d}"
