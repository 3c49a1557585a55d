"""A report is compared with a published truth: money exactly, fractions within a bound, nothing left out."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rapport_cli.importing.mapping import load, shipped
from rapport_cli.importing.truth import Difference, PathRefused, compare, figures, is_equal, nested
from rapport_cli.report import fetch
from rapport_cli.wire import Unreachable
from tests.cli import small
from tests.cli.stand_in import Books, serving, suite, token

PATHS = {
    "buyers": "purchases.customers",
    "worth": "purchases.revenue.total",
    "mean": "purchases.mean_value",
    "monthly[month].worth": "purchases.monthly[month].revenue",
    "by_product.{category}.count": "complaints.by_category[category].count",
    "answers.open": "complaints.unanswered",
    "answers.{value}": "complaints.answers[value].count",
}
REPORT = {
    "purchases": {
        "customers": 2,
        "revenue": {"total": "30.100", "currency": "EUR"},
        "mean_value": 10.033333333,
        "monthly": [{"month": "2026-03", "revenue": "30.1"}],
    },
    "complaints": {
        "unanswered": 1,
        "by_category": [{"category": "late, again.", "count": 3}],
        "answers": [{"value": "sorry", "count": 2}],
    },
}
TRUTH = {
    "buyers": 2,
    "worth": 30.1,
    "mean": 10.0333333333,
    "monthly": [{"month": "2026-03", "worth": 30.1}],
    "by_product": {"late, again.": {"count": 3, "ignored": 7}},
    "answers": {"open": 1, "sorry": 2},
    "first_report": ["buyers", "worth", "mean", "monthly", "by_product.*.count", "answers"],
}


def differences(**changes: object) -> list[Difference]:
    return compare(PATHS, REPORT, {**TRUTH, **changes}).differences


def test_equal_figures_are_equal() -> None:
    comparison = compare(PATHS, REPORT, TRUTH)
    assert comparison.is_equal
    assert comparison.compared == 7


@pytest.mark.parametrize(
    ("answer", "truth", "equal"),
    [
        ("30.100", 30.1, True),
        ("30.1000000001", 30.1, False),
        ("-0.00", 0, True),
        (2, 2, True),
        (2, 3, False),
        (10.0333333, 10.0333333333, True),
        (10.0334, 10.0333333333, False),
        (0.0, 0, True),
        (1e-9, 0, False),
        (None, 0, False),
        ("x", 1, False),
        ("x", "x", True),
    ],
)
def test_money_and_counts_are_exact_and_fractions_have_a_bound(answer: object, truth: object, *, equal: bool) -> None:
    assert is_equal(answer, truth) is equal


def test_a_figure_that_differs_is_named() -> None:
    assert differences(worth=30.11) == [Difference("worth", "30.11", "30.100")]
    assert differences(monthly=[{"month": "2026-03", "worth": 1}]) == [
        Difference("monthly[month=2026-03].worth", "1", "30.1")
    ]


def test_a_group_that_only_one_side_has_differs() -> None:
    assert differences(answers={"open": 1, "sorry": 2, "paid": 4}) == [Difference("answers.paid", "4", None)]
    assert differences(answers={"open": 1}) == [Difference("answers.sorry", None, "2")]
    assert differences(monthly=[]) == [Difference("monthly[month=2026-03].worth", None, "30.1")]


def test_a_figure_that_is_asked_for_and_that_no_path_answers_is_named() -> None:
    truth = {**TRUTH, "buyers_by_town": {"Graz": 1}, "first_report": ["buyers", "buyers_by_town", "by_product", "gone"]}
    comparison = compare(PATHS, REPORT, truth)
    assert comparison.unanswered == ["buyers_by_town.Graz", "by_product.late, again..ignored", "gone"]
    assert not comparison.is_equal


def test_nothing_compared_is_not_equal() -> None:
    assert not compare({}, REPORT, TRUTH).is_equal


def test_both_sides_of_a_path_bind_the_same_names() -> None:
    with pytest.raises(PathRefused):
        figures({"by_town.{town}": "purchases.monthly[month].revenue"}, REPORT)


def test_figures_come_back_in_the_form_of_the_truth() -> None:
    assert nested(figures(PATHS, REPORT)) == {
        "buyers": 2,
        "worth": "30.100",
        "mean": 10.033333333,
        "monthly": [{"month": "2026-03", "worth": "30.1"}],
        "by_product": {"late, again.": {"count": 3}},
        "answers": {"open": 1, "sorry": 2},
    }


def test_every_figure_of_the_small_shop_has_a_path() -> None:
    comparison = compare(small.mapping().truth, {}, small.truth())
    assert comparison.unanswered == []
    assert comparison.compared > 100


def test_the_truth_of_the_small_shop_is_what_its_script_works_out() -> None:
    done = subprocess.run(  # noqa: S603
        [sys.executable, str(small.FOLDER / "work_out.py")], capture_output=True, text=True, check=True, timeout=30
    )
    assert json.loads(done.stdout) == small.truth()


@pytest.mark.parametrize("name", shipped())
def test_the_paths_of_every_mapping_bind_the_same_names_on_both_sides(name: str) -> None:
    assert figures(load(name).truth, {}) == {}


@pytest.mark.parametrize(("worth", "code"), [("30.100", 0), ("30.101", 1)])
def test_the_verb_report_compares_and_says_so_by_its_exit_code(worth: str, code: int, tmp_path: Path) -> None:
    mapping, truth = tmp_path / "m.toml", tmp_path / "truth.json"
    table = "".join(f'"{left}" = "{right}"\n' for left, right in PATHS.items())
    mapping.write_text(small.SALES + "[truth]\n" + table)
    truth.write_text(json.dumps(TRUTH))
    books = Books(report={**REPORT, "purchases": {**REPORT["purchases"], "revenue": {"total": worth}}})
    with serving(books) as url:
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "rapport_cli", "report", "--url", url, "-m", str(mapping), "--truth", str(truth)],
            env={**os.environ, "RAPPORT_TOKEN": token()},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr) == (code, "")
    assert done.stdout.startswith(f"7 figures compared, {code} differ")


def test_the_verb_report_prints_the_figures_under_the_names_of_a_truth(tmp_path: Path) -> None:
    mapping = tmp_path / "m.toml"
    mapping.write_text(small.SALES + '[truth]\n"buyers" = "purchases.customers"\n')
    with serving(Books(report=dict(REPORT))) as url:
        outputs = [
            subprocess.run(  # noqa: S603
                [sys.executable, "-m", "rapport_cli", "report", "--url", url, "--json", *more],
                env={**os.environ, "RAPPORT_TOKEN": token()},
                capture_output=True,
                text=True,
                timeout=60,
                check=True,
            ).stdout
            for more in ([], ["-m", str(mapping)])
        ]
    assert json.loads(outputs[0]) == REPORT
    assert json.loads(outputs[1]) == {"buyers": 2}


def test_a_report_after_a_position_is_asked_for_until_it_is_there() -> None:
    books = Books(report={"customers": 1}, unfolded=2)
    with suite(books) as access:
        assert fetch(access, "W10", 10) == {"customers": 1}
        books.unfolded = 1_000
        with pytest.raises(Unreachable, match="not_yet_folded"):
            fetch(access, "W10", 0.1)
