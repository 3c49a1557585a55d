"""An import tells each fact once, whatever happens on the way, and accounts for every row."""

import csv
import json
import os
import random
import stat
import subprocess
import sys
import time
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import cast

import pytest

from rapport_cli.importing import hint
from rapport_cli.importing.account import remove_old
from rapport_cli.importing.courier import GaveUp, NotUnderstood
from rapport_cli.importing.run import Outcome
from tests.cli import small
from tests.cli.stand_in import TENANT, Books, Json, serving, suite, token
from tests.waiting import until


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep notes and error files of imports in the test's own folder."""
    monkeypatch.setenv("RAPPORT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "rapport" / "imports"


def assert_is_the_shop(books: Books) -> None:
    truth = small.truth()
    expected = cast("dict[str, int]", truth["expected_events"])
    purchases = cast("dict[str, str]", truth["purchases"])
    assert len(books.customers) == expected["crm.customer.created.v1"]
    for command, kind in {
        "record_purchase": "crm.customer.purchased.v1",
        "refund_purchase": "crm.purchase.refunded.v1",
        "record_contact": "crm.customer.contacted.v1",
        "file_complaint": "crm.customer.complained.v1",
        "respond_case": "crm.case.responded.v1",
    }.items():
        assert len(books.of(command)) == expected[kind]
    revenue = sum(Decimal(str(body["total"])) for body in books.of("record_purchase"))
    refunded = sum(Decimal(str(body["amount"])) for body in books.of("refund_purchase"))
    assert revenue == Decimal(purchases["revenue"])
    assert revenue - refunded == Decimal(str(truth["net"]))


def figures(outcome: Outcome) -> Json:
    return {
        "rows": outcome.rows,
        "rows_used": outcome.rows_used,
        "skipped": outcome.skipped,
        "rejected": outcome.rejected,
        "facts": outcome.facts,
    }


def test_every_fact_of_the_shop_arrives_once() -> None:
    books = Books()
    with suite(books) as access:
        outcome = small.run(access)
    assert_is_the_shop(books)
    assert outcome.rows == outcome.rows_used + sum(outcome.skipped.values()) + sum(outcome.rejected.values())
    assert outcome.sent["recorded"] == sum(outcome.facts.values()) + 5


def test_the_services_are_told_the_counts_of_the_whole_file() -> None:
    books = Books()
    with suite(books) as access:
        outcome = small.run(access)
    assert [(service, command) for service, command, _ in books.jobs] == [
        ("contacts", "configure_tenant"),
        ("contacts", "start_import"),
        ("interactions", "start_import"),
        ("contacts", "complete_import"),
        ("interactions", "complete_import"),
    ]
    contacts, interactions = books.jobs[3][2], books.jobs[4][2]
    assert contacts["recorded"] == {"crm.customer.created.v1": 23}
    assert interactions["recorded"] == {
        kind: count for kind, count in outcome.facts.items() if kind != "crm.customer.created.v1"
    }
    for body in (contacts, interactions):
        assert body["import_id"] == str(outcome.import_id)
        assert body["skipped"] == {"no_customer": 11, "test_row": 6, "no_event_fits": 4}
        assert body["rejected"] == small.truth()["unusable"]
        assert (body["rows"], body["rows_used"]) == (300, outcome.rows_used)


def test_the_same_file_twice_changes_nothing() -> None:
    books = Books()
    with suite(books) as access:
        first = small.run(access)
        facts = dict(books.facts)
        second = small.run(access)
    assert books.facts == facts
    assert figures(first) == figures(second)
    assert "recorded" not in second.sent
    assert first.import_id == second.import_id


def test_the_import_has_one_name_for_each_file_tenant_and_mapping() -> None:
    names = [
        hint.import_id(*parts)
        for parts in [
            ("a", "d", "m", 1),
            ("a", "d", "m", 2),
            ("b", "d", "m", 1),
            ("a", "e", "m", 1),
            ("a", "d", "m", 1),
        ]
    ]
    assert len(set(names)) == 4
    assert all(name.bytes[15] < 32 and name.version == 8 for name in names)


def every_third_fails(number: int) -> int | None:
    return (503, 0, None)[number % 3]


def test_a_batch_without_an_answer_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rapport_cli.importing.courier.PAUSE_SECONDS_MIN", 0.01)
    monkeypatch.setattr("rapport_cli.importing.lane.LINES_MAX", 20)
    books = Books(fault=every_third_fails)
    with suite(books) as access:
        small.run(access)
    assert books.outcomes["repeated"] > 0
    assert_is_the_shop(books)


def test_an_import_gives_up_in_time_and_the_same_order_continues() -> None:
    books = Books(fault=lambda _: 503)
    with suite(books) as access:
        with pytest.raises(GaveUp, match="503"):
            small.run(access, patience_seconds=0.1)
        books.fault = lambda _: None
        small.run(access)
    assert_is_the_shop(books)


def test_an_answer_before_its_complaint_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rapport_cli.importing.lane.LINES_MAX", 1)
    books = Books()
    with suite(books) as access:
        outcome = small.run(access, in_flight=1)
    assert_is_the_shop(books)
    assert not [reason for reason in outcome.rejected if reason.startswith("refused")]


def calls_ann(body: Json) -> bool:
    return body.get("customer") == {"system": "small_shop", "external_id": "P100"} and "items" in body


@pytest.mark.parametrize("how", ["refuses", "breaks"])
def test_rows_that_a_service_refuses_go_into_the_error_file(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rapport_cli.importing.courier.PAUSE_SECONDS_MIN", 0.01)
    books = Books()
    setattr(books, how, calls_ann)
    with suite(books) as access:
        outcome = small.run(access)
    reason = {"refuses": "refused_malformed", "breaks": "refused_fault"}[how]
    path = Path(str(outcome.error_file))
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    wanted = [row for row in rows if row[1] == reason]
    assert header[:4] == ["row", "reason", "place", "number"]
    assert len(rows) == sum(outcome.rejected.values())
    assert {row[header.index("customer")] for row in wanted} == {"P100"}
    assert {row[header.index("kind")] for row in wanted} == {"sale", "return"}
    assert outcome.facts["crm.customer.purchased.v1"] == len(books.of("record_purchase"))
    assert outcome.rows == outcome.rows_used + sum(outcome.skipped.values()) + sum(outcome.rejected.values())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_error_file_holds_the_row_as_it_was() -> None:
    with suite(Books()) as access:
        outcome = small.run(access)
    with Path(str(outcome.error_file)).open(newline="") as file:
        rows = {int(row[0]): row for row in csv.reader(file) if row[0] != "row"}
    lines = small.FILE.read_text().splitlines()
    for number, row in rows.items():
        assert row[3:] == next(csv.reader([lines[number - 1]], delimiter=";"))


def test_old_error_files_are_removed(state: Path) -> None:
    state.mkdir(parents=True)
    old, young = state / "old.csv", state / "young.csv"
    for path in (old, young):
        path.write_text("x")
    os.utime(old, (0, time.time() - 25 * 3600))
    assert remove_old(state) == 1
    assert [path.name for path in state.iterdir()] == ["young.csv"]


def test_a_refused_start_stops_the_import() -> None:
    class Strict(Books):
        def take(self, service: str, line: bytes) -> Json:
            if b"configure_tenant" in line:
                return {"status": 422, "outcome": "invalid", "problem": {"code": "malformed"}}
            return super().take(service, line)

    with suite(Strict()) as access, pytest.raises(NotUnderstood, match="configure_tenant: malformed"):
        small.run(access)


def big_file(path: Path, rows: int) -> Path:
    """Write bills of up to three lines, partly interrupted, and some that cannot be used."""
    chance = random.Random(7)  # noqa: S311  # a repeatable file, no secret
    numbers = [chance.randint(index, index + 5) // 3 for index in range(rows)]
    lines = [
        f"{number},c{number % 500},2026-03-02 12:00,tea,{chance.randint(1, 9)},{'1.05' if number % 91 else 'free'}\n"
        for number in numbers
    ]
    path.write_text("bill,who,at,what,n,price\n" + "".join(lines))
    return path


def start(file: Path, mapping: Path, url: str) -> subprocess.Popen[bytes]:
    command = [
        sys.executable,
        "-m",
        "rapport_cli",
        "import",
        str(file),
        "-m",
        str(mapping),
        "--url",
        url,
        "--json",
        "-q",
    ]
    environment = {**os.environ, "RAPPORT_TOKEN": token()}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: S603


def finished(process: subprocess.Popen[bytes]) -> Json:
    out, error = process.communicate(timeout=60)
    assert process.returncode == 1, error.decode()
    return cast("Json", json.loads(out))


def reached(books: Books, requests: int) -> bool:
    return books.requests >= requests


async def test_an_import_killed_again_and_again_continues_and_ends_as_if_nothing_had_been(
    tmp_path: Path,
) -> None:
    file = big_file(tmp_path / "bills.csv", 12_000)
    mapping = tmp_path / "sales.toml"
    mapping.write_text(small.SALES)
    untouched = Books()
    with suite(untouched) as access:
        expected = small.run(access, file, small.sales())
    books = Books()
    chance = random.Random(11)  # noqa: S311  # a repeatable choice, no secret
    with serving(books) as url:
        for _ in range(4):
            process = start(file, mapping, url)
            wanted = books.requests + chance.randint(1, 4)
            await until(partial(reached, books, wanted), seconds=30, what="some batches have arrived")
            process.kill()
            process.communicate()
        outcome = finished(start(file, mapping, url))
        again = finished(start(file, mapping, url))
    assert books.facts == untouched.facts
    for result in (outcome, again):
        assert {name: result[name] for name in figures(expected)} == figures(expected)
    assert "recorded" not in cast("dict[str, int]", again["sent"])


def note_of(state: Path, outcome: Outcome, access_place: str, taken: int) -> None:
    hint.write(state / f"{outcome.import_id}.json", access_place, {"interactions": hint.LaneHint(taken)})


@pytest.mark.parametrize("is_right", [True, False])
def test_a_note_saves_sending_and_a_wrong_one_is_found_out(is_right: bool, tmp_path: Path, state: Path) -> None:
    file = big_file(tmp_path / "bills.csv", 12_000)
    books = Books()
    with suite(books) as access:
        first = small.run(access, file, small.sales())
        facts = dict(books.facts)
        if not is_right:
            books.facts.clear()
        count = first.facts["crm.customer.purchased.v1"]
        place = " ".join([TENANT, access.base_of("contacts"), access.base_of("interactions")])
        note_of(state, first, place, count)
        second = small.run(access, file, small.sales())
    assert books.facts == facts
    assert figures(first) == figures(second)
    if is_right:
        assert "recorded" not in second.sent
        assert second.sent["repeated"] < count / 2
    else:
        assert second.sent["repeated"] + second.sent["recorded"] == count


def test_a_note_about_another_place_is_passed_over(state: Path) -> None:
    path = state / "note.json"
    hint.write(path, "here", {"contacts": hint.LaneHint(5, frozenset({2}))})
    assert hint.read(path, "here") == {"contacts": hint.LaneHint(5, frozenset({2}))}
    assert not hint.read(path, "there")
    path.write_text("{")
    assert not hint.read(path, "here")


def rapport(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "rapport_cli", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_dry_run_counts_and_names_the_first_errors_and_needs_no_suite() -> None:
    done = rapport("import", str(small.FILE), "-m", str(small.MAPPING_FILE), "--dry-run", "--json")
    result = json.loads(done.stdout)
    assert done.returncode == 1
    assert result["facts"] == small.truth()["expected_events"]
    assert result["first_errors"][0] == {"row": 96, "reason": "not_a_number", "place": "price"}
    assert result["unused_columns"] == []


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["import", "nothing.csv", "-m", "cdnow", "--dry-run"], 2, "nothing.csv cannot be read"),
        (["import", str(small.FILE), "-m", "cdnov", "--dry-run"], 2, "did you mean 'cdnow'?"),
        (["import", str(small.FILE), "-m", "cdnow", "--dry-run"], 2, "the file has no column 'customer_id'"),
        (["import", str(small.FILE), "-m", str(small.MAPPING_FILE)], 4, "RAPPORT_TOKEN"),
        (["report", "--truth", "x.json"], 2, "--truth needs --mapping"),
        (["report"], 4, "RAPPORT_TOKEN"),
    ],
)
def test_a_wrong_call_is_answered_with_its_exit_code(arguments: list[str], code: int, message: str) -> None:
    done = rapport(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr


def test_a_suite_that_does_not_listen_is_said_to_be_away() -> None:
    done = rapport("report", "--url", "http://127.0.0.1:1", RAPPORT_TOKEN=token())
    assert done.returncode == 3
    assert "does not answer" in done.stderr


def test_a_token_for_another_tenant_is_refused() -> None:
    done = rapport("report", "--tenant", "other", RAPPORT_TOKEN=token())
    assert done.returncode == 4
    assert "for tenant 'small', not for 'other'" in done.stderr
