"""How far a topic can be read, taking exactly the next number each time."""

from collections.abc import Sequence

import pytest
from hypothesis import given, strategies as st

from rapport_events.reach import MARK_EVERY, MARKS_KEPT, Found, Mark, Reach

positions = st.lists(st.integers(1, 12), max_size=60)


def topic(*numbers: int) -> list[Found]:
    return [Found(offset, number, f"event-{number}") for offset, number in enumerate(numbers)]


def reach_of(records: Sequence[Found]) -> Reach:
    reach = Reach()
    reach.take(records, len(records))
    return reach


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((), 0),
        ((1, 2, 3), 3),
        ((2,), 0),  # the last number would say 2, for ever
        ((2, 1), 1),
        ((2, 1, 2), 2),
        ((1, 2, 2, 1, 3), 3),
        ((1, 2, 5, 6, 3), 3),
    ],
)
def test_a_reach_is_what_a_reader_would_get(numbers: Sequence[int], expected: int) -> None:
    assert reach_of(topic(*numbers)).position == expected


@given(positions, st.integers(0, 60))
def test_reading_in_parts_comes_to_the_same_reach(numbers: list[int], cut: int) -> None:
    records = topic(*numbers)
    reach = Reach()
    reach.take(records[:cut], min(cut, len(records)))
    reach.take(records[cut:], len(records))
    assert (reach.position, reach.next_offset) == (reach_of(records).position, len(records))


@given(positions, st.integers(0, 60))
def test_reading_behind_a_mark_comes_to_the_same_reach(numbers: list[int], cut: int) -> None:
    records = topic(*numbers)
    before = reach_of(records[:cut])
    before.mark()
    after = Reach.after(before.marks)
    after.take(records[after.next_offset :], len(records))
    assert after.position == reach_of(records).position


def test_a_mark_is_the_record_that_was_taken_last() -> None:
    reach = reach_of(topic(1, 2, 5, 1))
    assert reach.mark()
    assert list(reach.marks) == [Mark(1, 2, "event-2")]


def test_where_nothing_was_taken_there_is_no_new_mark() -> None:
    reach = reach_of(topic(1))
    reach.mark()
    reach.take(topic(1, 1)[1:], 2)
    assert not reach.mark()
    assert len(reach.marks) == 1


def test_a_long_reading_keeps_a_mark_every_ten_thousand_records() -> None:
    reach = reach_of(topic(*range(1, 3 * MARK_EVERY + 5)))
    assert [mark.position for mark in reach.marks] == [MARK_EVERY, 2 * MARK_EVERY, 3 * MARK_EVERY]


def test_only_the_newest_marks_are_kept() -> None:
    reach = Reach()
    for number in range(1, MARKS_KEPT + 4):
        reach.take([Found(number - 1, number, "event")], number)
        reach.mark()
    assert [mark.position for mark in reach.marks] == list(range(4, MARKS_KEPT + 4))
