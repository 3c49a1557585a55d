"""The checker of histories: it names each fault that is planted, and raises no alarm where there is none."""

import io
from collections.abc import Sequence

import pytest
from hypothesis import given, strategies as st

from rapport_cli.verifying.checker import Entry, check_ledger, check_looks, check_place, sum_up
from rapport_cli.verifying.history import History, Look, Told, UnreadableHistory, read_history


def entries(customers: Sequence[int]) -> list[Entry]:
    """Make the ledger of commands about customers, one event each."""
    return [Entry(f"e{n}", f"c{customer}", n, f"o{n}") for n, customer in enumerate(customers, 1)]


def told_of(ledger: Sequence[Entry]) -> Told:
    """Return the history of callers who were told the truth."""
    file = io.StringIO()
    history = History(file)
    for entry in ledger:
        history.invoke(entry.operation)
        history.end(entry.operation, "ok", [entry.event_id])
    return read_history(file.getvalue().splitlines())


LEDGER = entries([1, 2, 1, 3, 2, 1])

customers = st.lists(st.integers(0, 5), min_size=2, max_size=40)


@given(customers)
def test_where_nothing_went_wrong_there_is_no_alarm(chosen: list[int]) -> None:
    ledger = entries(chosen)
    # A read model takes partitions in any order; only what is about one customer has an order.
    found = sorted(ledger, key=lambda entry: (entry.customer, entry.number))
    assert check_ledger(told_of(ledger), ledger).is_clean
    assert check_place(ledger, found, "timeline").is_clean


@given(customers, st.data())
def test_an_event_that_is_missing_is_lost(chosen: list[int], data: st.DataObject) -> None:
    ledger = entries(chosen)
    gone = data.draw(st.integers(0, len(ledger) - 1))
    left = ledger[:gone] + ledger[gone + 1 :]
    for findings in (check_ledger(told_of(ledger), left), check_place(ledger, left, "timeline")):
        assert findings.counts == {"lost": 1}
        assert ledger[gone].event_id in findings.examples[0]


def test_an_event_that_is_there_twice_is_repeated() -> None:
    assert check_ledger(told_of(LEDGER), [*LEDGER, LEDGER[-1]]).counts == {"repeated": 1}
    assert check_place(LEDGER, [*LEDGER, LEDGER[-1]], "timeline").counts == {"repeated": 1}


def test_a_command_that_was_carried_out_a_second_time_is_repeated() -> None:
    again = Entry("e99", "c1", 99, LEDGER[0].operation)
    assert check_ledger(told_of(LEDGER), [*LEDGER, again]).counts == {"repeated": 1}


def test_two_events_of_one_customer_that_changed_places_are_reordered() -> None:
    swapped = [LEDGER[2], LEDGER[1], LEDGER[0], *LEDGER[3:]]
    assert check_place(LEDGER, swapped, "timeline").counts == {"reordered": 1}


def test_two_events_of_two_customers_may_change_places() -> None:
    assert check_place(LEDGER, [LEDGER[1], LEDGER[0], *LEDGER[2:]], "timeline").is_clean


def test_an_event_from_nowhere_is_a_phantom() -> None:
    stranger = Entry("e9", "c1", 9, "o9")
    assert check_ledger(told_of(LEDGER), [*LEDGER, stranger]).counts == {"phantom": 1}
    assert check_place(LEDGER, [*LEDGER, stranger], "timeline").counts == {"phantom": 1}


def test_an_event_of_what_was_refused_is_a_phantom() -> None:
    told = told_of(LEDGER)
    told.operations["o3"].outcome = "failed"
    assert check_ledger(told, LEDGER).counts == {"phantom": 1}


def test_what_nobody_was_told_may_be_there_or_not() -> None:
    told = told_of(LEDGER)
    told.operations["o6"].outcome = "unknown"
    assert check_ledger(told, LEDGER).is_clean
    assert check_ledger(told, LEDGER[:-1]).is_clean


def test_a_reader_who_sees_less_than_before_went_backwards() -> None:
    told = Told(looks=[Look("a", "totals", "c1", 2), Look("b", "totals", "c1", 1), Look("a", "totals", "c1", 1)])
    assert sum_up(check_looks(told))["backwards"] == 1


def test_a_history_may_end_in_the_middle_of_a_line() -> None:
    told = read_history(['{"invoke":"o1"}', '{"end":"o1","outc'])
    assert told.operations["o1"].outcome == "unknown"


def test_a_history_that_was_meddled_with_is_refused() -> None:
    with pytest.raises(UnreadableHistory, match="line 1"):
        read_history(["[]", '{"invoke":"o1"}'])
