"""The table of stages: how far a customer has come with us, decided by facts in the suite's order."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args
from uuid import UUID

from rapport_events.contracts.analytics import Stage

RULE_VERSION = "1"
LOYAL_PURCHASES = 5
LOYAL_WITHIN = timedelta(days=180)

RANK: dict[Stage, int] = {stage: rank for rank, stage in enumerate(get_args(Stage))}

Kind = Literal["known", "approached", "purchased", "referred"]

HIGHEST: dict[Kind, Stage] = {
    "known": "suspect",
    "approached": "prospect",
    "purchased": "loyal",
    "referred": "advocate",
}
"""How far a fact of each kind can bring a customer."""


@dataclass(frozen=True, slots=True)
class JourneyFact:
    """A fact that can bring a customer to another stage."""

    event_id: UUID
    kind: Kind
    occurred_at: datetime
    recorded_at: datetime
    correlation_id: str
    customer: UUID


@dataclass(frozen=True, slots=True)
class Step:
    """A stage that was reached, and the facts that decided it, without any of which it would not have been."""

    stage: Stage
    because: tuple[JourneyFact, ...]
    """The last of them is the one that did."""


def journey(facts: Iterable[JourneyFact]) -> Iterator[Step]:
    """
    Yield the stages that facts, in the suite's order, bring a customer to; each is higher than the one before.

    | stage | reached by |
    | --- | --- |
    | suspect | being known |
    | prospect | a contact, or consent to one |
    | first_time | the first purchase |
    | repeat | the second |
    | majority | the third |
    | loyal | the fifth or a later one, where the last five happened within 180 days |
    | advocate | a referral |
    """
    reached = -1
    purchases: list[JourneyFact] = []
    for fact in facts:
        if fact.kind == "purchased":
            purchases.append(fact)
        if reached >= RANK[HIGHEST[fact.kind]]:
            continue
        step = _step(fact, purchases)
        if RANK[step.stage] > reached:
            reached = RANK[step.stage]
            yield step


def _step(fact: JourneyFact, purchases: list[JourneyFact]) -> Step:
    match fact.kind:
        case "known":
            return Step("suspect", (fact,))
        case "approached":
            return Step("prospect", (fact,))
        case "referred":
            return Step("advocate", (fact,))
        case "purchased":
            return _by_purchases(fact, purchases)


def _by_purchases(fact: JourneyFact, purchases: list[JourneyFact]) -> Step:
    if len(purchases) >= LOYAL_PURCHASES:
        last = sorted(purchases, key=lambda purchase: purchase.occurred_at)[-LOYAL_PURCHASES:]
        if last[-1].occurred_at - last[0].occurred_at <= LOYAL_WITHIN:
            return Step("loyal", (*(purchase for purchase in last if purchase is not fact), fact))
    stages: tuple[Stage, ...] = ("first_time", "repeat", "majority")
    needed = purchases[: len(stages)]
    return Step(stages[len(needed) - 1], tuple(needed))
