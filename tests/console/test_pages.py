"""How the console shows values, and what its charts hold."""

import pytest

from rapport_console.pages import CSP, count, freshness, initials, moment, money, percent, told, words
from rapport_console.screens.overview.charts import charts_of

THIN = "\N{NARROW NO-BREAK SPACE}"
HARD = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("8911407.904", f"8{THIN}911{THIN}407.904{HARD}GBP"),
        ("-611342.090", f"-611{THIN}342.09{HARD}GBP"),
        ("0", f"0.00{HARD}GBP"),
        ("1E+3", f"1{THIN}000.00{HARD}GBP"),
        (None, "–"),
    ],
)
def test_a_sum_keeps_every_decimal_that_counts(value: str | None, shown: str) -> None:
    assert money(value, "GBP") == shown


def test_nothing_to_divide_by_is_shown_as_a_dash() -> None:
    assert percent(None) == "–"
    assert percent(0.7461713719) == f"74.62{THIN}%"


@pytest.mark.parametrize(
    ("lag", "shown"),
    [
        (0.0, "up to date"),
        (12.4, "12 s behind"),
        (150.0, "2 min behind"),
        (7_200.0, "2 h behind"),
        (None, "freshness unknown: an owner of facts does not answer"),
    ],
)
def test_every_answer_says_how_fresh_it_is(lag: float | None, shown: str) -> None:
    assert freshness({"lag_seconds": lag, "as_of": "2026-03-02T12:00:00Z"}) == shown


def test_codes_and_names_are_shown_as_words() -> None:
    assert words("first_time") == "first time"
    assert initials("Ann Archer Smith") == "AA"
    assert initials(None) == "?"
    assert count(4372) == f"4{THIN}372"
    assert moment("2026-03-02T13:00:00+01:00") == "02 Mar 2026, 12:00"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (False, "no"),
        (3, "3"),
        ("first_time", "first time"),
        ([{"field": "addresses"}, {"field": "job_title", "new": "cook"}], "addresses, job title"),
        ("2026-03-02T12:00:00Z", "02 Mar 2026, 12:00"),
    ],
)
def test_what_an_event_says_is_shown_as_people_say_it(value: object, shown: str) -> None:
    assert told(value) == shown


def test_charts_show_the_numbers_of_the_report() -> None:
    months = [{"month": "2026-01", "revenue": "10.50"}, {"month": "2026-02", "revenue": "0.001"}]
    report = {
        "tenant": {"currency": "EUR"},
        "purchases": {"monthly": months},
        "complaints": {"by_category": [{"category": "delivery", "count": 3}]},
    }
    pulse = {
        "minutes": [{"source": "contacts", "minute": "2026-03-02T12:00:00Z", "events": 5}],
        "freshness": {"lag_seconds": 0.0, "as_of": "2026-03-02T12:00:30Z"},
    }

    charts = charts_of(report, pulse)

    assert charts["revenue"]["series"][0]["data"] == [10.5, 0.001]
    assert charts["complaints"]["yAxis"]["data"] == ["delivery"]
    assert charts["pulse"]["series"][0]["data"] == [["2026-03-02T12:00:00Z", 5]]


def test_there_is_no_chart_of_nothing() -> None:
    assert charts_of(None, None) == {}


def test_a_browser_may_run_no_inline_script() -> None:
    assert "unsafe" not in CSP
    assert "script-src 'self'" in CSP
