"""What passed once and is over: nothing follows from it that a later decision about it would need."""

from dataclasses import dataclass

from rapport_events.contracts.interactions import InteractionsEvent


@dataclass(frozen=True, slots=True)
class Passing:
    """One contact or one referral; its stream holds a single event."""


def evolve(passing: Passing, _event: InteractionsEvent) -> Passing:
    """Remember nothing."""
    return passing
