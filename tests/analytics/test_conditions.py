"""Conditions: what holds, and which facts say so."""

from datetime import timedelta
from decimal import Decimal
from typing import Literal
from uuid import UUID

from rapport_analytics.conditions import BECAUSE_MAX, Known, Sale, Total, Trait, judge
from rapport_analytics.stages import JourneyFact, Step
from rapport_events.contracts.analytics import (
    AttributeCondition,
    Condition,
    ConsentCondition,
    GroupCondition,
    StageCondition,
    TotalCondition,
)
from rapport_events.permission import Word
from rapport_events.testing import ANN, NOON

Leaf = TotalCondition | StageCondition | ConsentCondition | AttributeCondition | GroupCondition
TWICE = TotalCondition(measure="purchases", at_least=Decimal(2))
MAIL = ConsentCondition(purpose="news", channel="email")
BAKER = AttributeCondition(name="job", values=("baker",))


def known(amounts: tuple[str, ...] = (), *, job: str | bool | int | None = None, agreed: bool | None = None) -> Known:
    """Know of purchases (events 0, 1, …), an attribute (event 100) and a word on news by e-mail (event 200)."""
    found = Known()
    for n, amount in enumerate(amounts):
        found.sales.append(Sale(UUID(int=n), "purchase", Decimal(amount), "EUR"))
        found.recorded[UUID(int=n)] = NOON + timedelta(minutes=n)
    spent = sum((sale.amount for sale in found.sales), Decimal(0))
    found.totals = [Total("EUR", len(amounts), spent, 0, Decimal(0))] if amounts else []
    if job is not None:
        found.traits["job"] = [Trait(job, UUID(int=100))]
        found.recorded[UUID(int=100)] = NOON + timedelta(hours=2)
    if agreed is not None:
        found.words = [Word(ANN, UUID(int=200), "news", None, agreed, "1", None, None, NOON, 0)]
        found.recorded[UUID(int=200)] = NOON + timedelta(hours=3)
    return found


def ask(match: Literal["all", "any", "none"], what: Known, *conditions: Leaf) -> tuple[bool, list[int]]:
    verdict = judge(Condition(match=match, conditions=conditions), what, NOON + timedelta(days=1))
    return verdict.holds, [event_id.int for event_id in verdict.because]


def test_a_lower_limit_is_reached_by_the_first_facts_that_reach_it() -> None:
    spent = TotalCondition(measure="revenue", currency="EUR", at_least=Decimal(5))

    assert ask("all", known(("2", "3", "4")), TWICE) == (True, [0, 1])
    assert ask("all", known(("2", "3", "4")), spent) == (True, [0, 1])
    assert ask("all", known(("2",)), TWICE) == (False, [0])
    assert ask("all", known(("2", "3")), TotalCondition(measure="revenue", currency="USD", at_most=Decimal(0)))[0]


def test_an_upper_limit_is_broken_by_all_that_was_bought() -> None:
    few = TotalCondition(measure="purchases", at_most=Decimal(1))

    assert ask("all", known(("1", "1")), few) == (False, [0, 1])
    assert ask("all", known(), few) == (True, [])


def test_a_consent_counts_as_permission_decides() -> None:
    assert ask("all", known(agreed=True), MAIL) == (True, [200])
    assert ask("all", known(agreed=False), MAIL) == (False, [200])
    assert ask("all", known(), MAIL) == (False, [])


def test_an_attribute_has_the_value_and_the_type_that_was_asked_for() -> None:
    first = AttributeCondition(name="job", values=(1,))

    assert ask("all", known(job="baker"), BAKER) == (True, [100])
    assert ask("all", known(job="clerk"), BAKER) == (False, [100])
    assert ask("all", known(job=True), first)[0] is False
    assert ask("all", known(job=1), first)[0] is True


def test_a_stage_is_the_one_reached_last() -> None:
    fact = JourneyFact(UUID(int=7), "purchased", NOON, NOON, "test", ANN)
    reached = known()
    reached.steps, reached.recorded[fact.event_id] = [Step("first_time", (fact,))], NOON

    assert ask("all", reached, StageCondition(stages=("first_time", "repeat"))) == (True, [7])
    assert ask("all", reached, StageCondition(stages=("loyal",))) == (False, [7])


def test_all_any_and_none_name_the_facts_that_tell() -> None:
    both = known(("1", "1"), job="baker", agreed=False)

    assert ask("all", both, TWICE, BAKER) == (True, [0, 1, 100])
    assert ask("all", both, TWICE, BAKER, MAIL) == (False, [200])
    assert ask("any", both, MAIL, BAKER) == (True, [100])
    assert ask("any", known(agreed=False), MAIL, BAKER) == (False, [200])
    assert ask("none", both, MAIL) == (True, [200])
    assert ask("none", both, MAIL, BAKER) == (False, [100])


def test_groups_stand_inside_a_condition() -> None:
    group = GroupCondition(match="none", conditions=(MAIL,))

    assert ask("all", known(("1", "1"), agreed=False), TWICE, group) == (True, [0, 1, 200])
    assert ask("all", known(("1", "1"), agreed=True), TWICE, group) == (False, [200])


def test_the_latest_reasons_are_named_where_there_are_too_many() -> None:
    many = TotalCondition(measure="purchases", at_least=Decimal(BECAUSE_MAX + 5))

    holds, because = ask("all", known(("1",) * (BECAUSE_MAX + 9)), many)

    assert holds
    assert (len(because), because[-1]) == (BECAUSE_MAX, BECAUSE_MAX + 4)
