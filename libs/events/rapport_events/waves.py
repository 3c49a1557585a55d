"""Commands that come together, split into waves: those of one wave are read, decided and appended at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Touch:
    """What a command has to do with others of its batch."""

    needs: frozenset[object]
    """Streams and named facts that must stand as earlier commands leave them."""
    makes: frozenset[object]
    """Names of facts that later commands may need."""
    about: object = None
    """Whom it is about, where it says so itself."""


def split(touches: Iterable[tuple[T, Touch]]) -> list[list[T]]:
    """
    Put each command into the first wave after those that it needs, and before no earlier one about the same customer.

    So a thousand complaints, each with its answer behind it, are two waves and not a thousand.
    """
    waves: list[list[T]] = []
    touched: dict[object, int] = {}
    about: dict[object, object] = {}
    reached: dict[object, int] = {}
    for item, touch in touches:
        customer = touch.about
        if customer is None:
            customer = next((about[thing] for thing in touch.needs if thing in about), None)
        wave = max((touched[thing] + 1 for thing in touch.needs if thing in touched), default=0)
        wave = max(wave, reached.get(customer, 0) if customer is not None else 0)
        for thing in touch.needs | touch.makes:
            touched[thing], about[thing] = wave, customer
        if customer is not None:
            reached[customer] = wave
        while len(waves) <= wave:
            waves.append([])
        waves[wave].append(item)
    return waves
