"""Other customers who took part in something, as a wish names them."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from rapport_events.command import CustomerRef, Occasion
from rapport_events.contracts.base import Code
from rapport_events.contracts.interactions import Party
from rapport_events.ids import CustomerId


class Other(BaseModel):
    """A customer who took part besides the one whom it is about."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    customer: CustomerRef
    role: Code


Others = Annotated[tuple[Other, ...], Field(max_length=100)]


def named(others: Sequence[Other]) -> Sequence[CustomerRef]:
    """Return the names of all who took part."""
    return tuple(other.customer for other in others)


def parties(others: Sequence[Other], occasion: Occasion) -> tuple[Party, ...]:
    """Return them as events carry them."""
    return tuple(Party(id=CustomerId(occasion.customer(other.customer)), role=other.role) for other in others)
