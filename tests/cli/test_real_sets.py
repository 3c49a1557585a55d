"""The mappings that come along find in the public data what is known to be in it."""

import json
import os
from pathlib import Path
from typing import cast

import pytest

from rapport_cli.importing.mapping import load
from rapport_cli.importing.truth import compare
from tests.cli import small

ROOT = Path(__file__).parents[2]
DATA = (ROOT / os.environ.get("RAPPORT_TEST_DATA", "../shared/data")).resolve()
Json = dict[str, object]

FILES = {
    "online_retail": "online_retail/online_retail.csv.gz",
    "cdnow": "cdnow/cdnow_full.csv.gz",
    "cfpb_bank_complaints": "cfpb_bank_complaints/complaints.csv.gz",
    "bank_marketing": "bank_marketing/bank_full.csv.gz",
}
FACTS: dict[str, dict[str, str | tuple[str, str]]] = {
    "online_retail": {
        "crm.customer.created.v1": "customer_created",
        "crm.customer.purchased.v1": "purchased",
        "crm.purchase.refunded.v1": "returned",
    },
    "cdnow": {
        "crm.customer.created.v1": ("full", "customer_created"),
        "crm.customer.purchased.v1": ("full", "purchased"),
    },
    "cfpb_bank_complaints": {
        "crm.customer.complained.v1": "complained",
        "crm.case.responded.v1": "complaint_closed",
    },
    "bank_marketing": {
        "crm.customer.created.v1": "customer_created",
        "crm.customer.contacted.v1": "contacted_last_contact_rows",
        "crm.customer.purchased.v1": "purchased",
    },
}
"""For each set, the member of `expected_events` that says how many facts of a type there are."""


def present() -> list[str]:
    return [name for name, file in FILES.items() if (DATA / file).is_file()]


@pytest.fixture(scope="module", autouse=True)
def said(request: pytest.FixtureRequest) -> None:
    """Say how many sets there are, so that nobody takes an empty run for a proof."""
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter.write_line(f"real sets: {len(present())} of {len(FILES)}")


def truth_of(name: str) -> Json:
    return cast("Json", json.loads((DATA / FILES[name]).with_name("truth.json").read_bytes()))


def test_a_dry_run_counts_the_facts_that_are_known_to_be_there() -> None:
    for name in present():
        outcome = small.run(None, DATA / FILES[name], load(name))
        expected = cast("Json", truth_of(name)["expected_events"])
        for kind, member in FACTS[name].items():
            wanted = cast("Json", expected[member[0]])[member[1]] if isinstance(member, tuple) else expected[member]
            assert outcome.facts[kind] == wanted, f"{name}: {kind}"
        assert outcome.rejected == {}
        assert outcome.rows == outcome.rows_used + sum(outcome.skipped.values())
        if "rows_without_customer_to_set_aside" in expected:
            assert outcome.skipped == {"no_customer": expected["rows_without_customer_to_set_aside"]}


def test_every_figure_of_the_first_report_has_a_path() -> None:
    for name in present():
        comparison = compare(load(name).truth, {}, truth_of(name))
        assert comparison.unanswered == [], name
        assert comparison.compared > 0
