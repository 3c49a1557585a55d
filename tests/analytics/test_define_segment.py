"""Defining segments and retiring them."""

import pytest
from pydantic import ValidationError

from rapport_analytics.commands import define_segment, retire_segment
from rapport_analytics.commands.define_segment import IN_USE_MAX, DefineSegment
from rapport_analytics.commands.retire_segment import RetireSegment
from rapport_analytics.errors import SegmentNotFound, TooManySegments
from rapport_events.contracts.analytics import Condition, SegmentDefined, SegmentRetired, StageCondition, TotalCondition
from rapport_events.testing import Deciding

LOYAL = Condition(match="all", conditions=(StageCondition(stages=("loyal",)),))
REPEAT = Condition(match="all", conditions=(StageCondition(stages=("repeat",)),))
DEFINED = SegmentDefined(segment_id="regulars", version=1, name="Regulars", condition=LOYAL)
RETIRED = SegmentRetired(segment_id="regulars", version=1)
defining, retiring = Deciding(define_segment.HANDLER), Deciding(retire_segment.HANDLER)


def define(condition: Condition = LOYAL, segment_id: str = "regulars") -> DefineSegment:
    return DefineSegment(segment_id=segment_id, name="Regulars", condition=condition)


def test_a_definition_is_told_with_its_number() -> None:
    defining.when(define()).then(DEFINED)
    defining.given(DEFINED).when(define(REPEAT)).then(DEFINED.model_copy(update={"version": 2, "condition": REPEAT}))


def test_the_same_definition_is_no_news_unless_the_segment_was_retired() -> None:
    defining.given(DEFINED).when(define()).then_nothing()
    defining.given(DEFINED, RETIRED).when(define()).then(DEFINED.model_copy(update={"version": 2}))


def test_a_segment_is_retired_once() -> None:
    wish = RetireSegment(segment_id="regulars")

    retiring.given(DEFINED).when(wish).then(RETIRED)
    retiring.given(DEFINED, RETIRED).when(wish).then_nothing()
    retiring.when(wish).then_refuses(SegmentNotFound)


def test_a_tenant_uses_a_limited_number_of_segments() -> None:
    used = [DEFINED.model_copy(update={"segment_id": f"s{n}"}) for n in range(IN_USE_MAX)]
    retired = RETIRED.model_copy(update={"segment_id": "s0"})

    defining.given(*used).when(define()).then_refuses(TooManySegments)
    defining.given(*used, retired).when(define()).then(DEFINED)
    defining.given(*used).when(define(REPEAT, "s0")).decided()


@pytest.mark.parametrize("limits", [{}, {"measure": "revenue", "at_least": "1"}])
def test_a_condition_on_a_total_says_limits_and_of_money_the_currency(limits: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        TotalCondition.model_validate({"measure": "purchases", **limits})
