"""Whether a party meets a segment's condition, and which facts say so."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import accumulate
from typing import Final, assert_never
from uuid import UUID

from rapport_analytics.stages import Step
from rapport_events.contracts.analytics import (
    AttributeCondition,
    Condition,
    ConsentCondition,
    GroupCondition,
    StageCondition,
    TotalCondition,
)
from rapport_events.permission import Word, deciding

BECAUSE_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Total:
    """What an id has bought and got back in one currency."""

    currency: str
    purchases: int
    revenue: Decimal
    refunds: int
    refunded: Decimal


@dataclass(frozen=True, slots=True)
class Sale:
    """A purchase or a refund."""

    event_id: UUID
    kind: str
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Trait:
    """An attribute of an id; None where it was unset."""

    value: str | bool | int | None
    event_id: UUID


@dataclass(slots=True)
class Known:
    """What is known of a party, under all of its ids."""

    totals: list[Total] = field(default_factory=list[Total])
    sales: list[Sale] = field(default_factory=list[Sale])
    """In the suite's order; read only where they must say why."""
    steps: list[Step] = field(default_factory=list[Step])
    words: list[Word] = field(default_factory=list[Word])
    """In the order that counts."""
    traits: dict[str, list[Trait]] = field(default_factory=dict[str, list[Trait]])
    recorded: dict[UUID, datetime] = field(default_factory=dict[UUID, datetime])
    """When each fact was recorded."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a condition holds, and the facts that say so."""

    holds: bool
    because: tuple[UUID, ...] = ()


Simple = TotalCondition | StageCondition | ConsentCondition | AttributeCondition


def judge(condition: Condition | GroupCondition, known: Known, now: datetime) -> Verdict:
    """Say whether a party meets a condition at a moment; the reasons stand in the order of their record."""
    verdicts = [
        judge(each, known, now) if isinstance(each, GroupCondition) else _judge_one(each, known, now)
        for each in condition.conditions
    ]
    holding = [verdict for verdict in verdicts if verdict.holds]
    failing = [verdict for verdict in verdicts if not verdict.holds]
    match condition.match:
        case "all":
            holds, telling = not failing, failing or holding
        case "any":
            holds, telling = bool(holding), holding or failing
        case "none":
            holds, telling = not holding, holding or failing
    reasons = dict.fromkeys(event_id for verdict in telling for event_id in verdict.because)
    ordered = sorted(reasons, key=known.recorded.__getitem__)
    return Verdict(holds, tuple(ordered[-BECAUSE_MAX:]))


def _judge_one(condition: Simple, known: Known, now: datetime) -> Verdict:
    match condition:
        case TotalCondition():
            return _judge_total(condition, known)
        case StageCondition():
            reached = known.steps[-1] if known.steps else None
            holds = reached is not None and reached.stage in condition.stages
            return Verdict(holds, tuple(fact.event_id for fact in reached.because) if reached else ())
        case ConsentCondition():
            word = deciding(known.words, condition.purpose, condition.channel)
            return Verdict(
                word is not None and word.state_at(now) == "granted", (word.event_id,) if word is not None else ()
            )
        case AttributeCondition():
            traits = known.traits.get(condition.name, [])
            # True is 1 to Python, and not to whoever wrote the condition.
            meeting = [
                trait
                for trait in traits
                if any(type(trait.value) is type(value) and trait.value == value for value in condition.values)
            ]
            return Verdict(bool(meeting), tuple(trait.event_id for trait in meeting or traits))
        case _:
            assert_never(condition)


_MEASURES: Final[Mapping[str, Callable[[Total], Decimal | int]]] = {
    "purchases": lambda total: total.purchases,
    "revenue": lambda total: total.revenue,
    "refunds": lambda total: total.refunds,
    "refunded": lambda total: total.refunded,
}
_COUNTS: Final = frozenset({"purchases", "refunds"})
_REFUNDS: Final = frozenset({"refunds", "refunded"})


def _judge_total(condition: TotalCondition, known: Known) -> Verdict:
    measure = _MEASURES[condition.measure]
    value = sum((measure(each) for each in known.totals if condition.currency in {None, each.currency}), Decimal(0))
    is_enough = condition.at_least is None or value >= condition.at_least
    is_within = condition.at_most is None or value <= condition.at_most
    kind = "refund" if condition.measure in _REFUNDS else "purchase"
    sales = [each for each in known.sales if each.kind == kind and condition.currency in {None, each.currency}]
    if is_enough and condition.at_least is not None:
        sales = sales[: _needed(condition, sales)]
    return Verdict(is_enough and is_within, tuple(sale.event_id for sale in sales))


def _needed(condition: TotalCondition, sales: Sequence[Sale]) -> int:
    """Count the sales, from the first, that bring a total to its lower limit."""
    steps = accumulate(Decimal(1) if condition.measure in _COUNTS else sale.amount for sale in sales)
    least = condition.at_least or Decimal(0)
    return next((count for count, reached in enumerate(steps, 1) if reached >= least), len(sales))
