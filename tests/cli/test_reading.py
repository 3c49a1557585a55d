"""Rows become facts: groups, equal rows, rows that cannot be used, and files that attack the reader."""

import gzip
import random
import tracemalloc
from pathlib import Path
from typing import cast

import pytest

from rapport_cli.importing.mapping import parse
from rapport_cli.importing.rows import CELL_CHARACTERS_MAX, ROW_CHARACTERS_MAX, FileRefused
from tests.cli import small

HEADER = "bill,who,at,what,n,price\n"


def bill(number: int | str, *, price: str = "1.10", who: str = "ann", at: str = "2026-03-02 12:00") -> str:
    return f"{number},{who},{at},tea,1,{price}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sales.csv"


def test_a_group_that_is_interrupted_is_one_fact_at_its_earliest_time(file: Path) -> None:
    file.write_text(
        HEADER + bill(1, at="2026-03-02 12:01") + bill(2) + bill(1, price="2.205", at="2026-03-02 12:00") + bill(3)
    )
    units, account = small.read(file, small.sales())
    first = next(body for body in small.bodies(units) if body["external"] == {"system": "till", "id": "1"})
    assert len(units) == 3
    assert first["at"] == "2026-03-02T11:00:00+00:00"
    assert first["total"] == "3.305"
    assert len(cast("list[object]", first["items"])) == 2
    assert (account.used, account.unseen) == (4, 0)


@pytest.mark.parametrize("open_rows_max", [1, 7, 100_000])
def test_groups_beyond_the_memory_allowed_come_in_a_further_pass(file: Path, open_rows_max: int) -> None:
    rows = [bill(number, price=f"0.{line}") for number in range(40) for line in range(1, 6)]
    random.Random(1).shuffle(rows)  # noqa: S311  # a repeatable order, no secret
    file.write_text(HEADER + "".join(rows))
    units, account = small.read(file, small.sales(), open_rows_max=open_rows_max)
    totals = {cast("dict[str, str]", body["external"])["id"]: body["total"] for body in small.bodies(units)}
    assert totals == {str(number): "1.5" for number in range(40)}
    assert (len(units), account.used, account.unseen) == (40, 200, 0)


def test_identical_lines_of_a_group_all_count(file: Path) -> None:
    file.write_text(HEADER + bill(1) + bill(1) + bill(1))
    units, _ = small.read(file, small.sales())
    assert [body["total"] for body in small.bodies(units)] == ["3.30"]


def test_identical_rows_are_facts_of_their_own_and_keep_their_names(file: Path) -> None:
    rule = parse(small.SALES.replace('group_by = "bill"\n', "").encode(), "x")
    file.write_text(HEADER + bill(1) + bill(2) + bill(1) + bill(1))
    before = [body["external"] for body in small.bodies(small.read(file, rule)[0])]
    file.write_text(HEADER + bill(0) + bill(1) + bill(2) + bill(1) + bill(1) + bill(2))
    after = [body["external"] for body in small.bodies(small.read(file, rule)[0])]
    assert len({str(name) for name in before}) == 4
    assert after[1:5] == before


def test_a_bad_line_takes_its_whole_group_out(file: Path) -> None:
    file.write_text(HEADER + bill(1) + bill(2, price="free") + bill(3) + bill(2) + bill(1))
    units, account = small.read(file, small.sales())
    assert len(units) == 2
    assert dict(account.rejected) == {"not_a_number": 1, "with_rejected_row": 1}
    assert [(error.row, error.reason, error.place) for error in account.errors] == [
        (3, "not_a_number", "price"),
        (5, "with_rejected_row", "group_by"),
    ]


def test_a_group_of_two_customers_is_refused(file: Path) -> None:
    file.write_text(HEADER + bill(1) + bill(1, who="bob"))
    units, account = small.read(file, small.sales())
    assert not units
    assert account.rejected["other_customer_in_group"] == 1


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("1,ann,2026-03-02\n", "wrong_number_of_cells"),
        ('1,ann,2026-03-02,"a"b,1,1\n', "malformed"),
        ("1,ann,2026-03-02,t\0a,1,1\n", "nul_character"),
        ("1,ann,2026-03-02,\udcff,1,1\n", "not_utf8"),
        (f"1,ann,2026-03-02,{'x' * (CELL_CHARACTERS_MAX + 1)},1,1\n", "cell_too_large"),
        ("1,ann,32 March,tea,1,1\n", "not_a_time"),
        ("1,ann,,tea,1,1\n", "missing_value"),
        ("1,,2026-03-02,tea,1,1\n", "missing_value"),
        ("1,ann,2026-03-02,tea,NaN,1\n", "not_a_number"),
        ("1,ann,2026-03-02,tea,1,1e5\n", "not_a_number"),
        ("1,ann,2026-03-02,tea,,1\n", "missing_value"),
        (f"1,{'a' * 201},2026-03-02,tea,1,1\n", "too_long"),
        (f"{'a' * 201},ann,2026-03-02,tea,1,1\n", "too_long"),
        (f"1,ann,2026-03-02,{'t' * 201},1,1\n", "too_long"),
    ],
)
def test_a_row_that_cannot_be_used_is_rejected_and_its_neighbours_are_not(file: Path, row: str, reason: str) -> None:
    file.write_bytes((HEADER + bill(7) + row + bill(8)).encode("utf-8", "surrogateescape"))
    units, account = small.read(file, small.sales())
    assert len(units) == 2
    assert dict(account.rejected) == {reason: 1}
    assert account.errors[0].row == 3
    assert (account.used, account.unseen) == (2, 0)


def test_an_empty_line_is_counted(file: Path) -> None:
    file.write_text(HEADER + bill(1) + "\n" + bill(2))
    _, account = small.read(file, small.sales())
    assert dict(account.skipped) == {"blank_line": 1}


def test_a_cell_may_hold_line_ends_and_quotes(file: Path) -> None:
    file.write_text(HEADER + '1,ann,2026-03-02,"te\n""a""",1,1\n' + bill(2))
    units, _ = small.read(file, small.sales())
    assert cast("list[dict[str, str]]", small.bodies(units)[0]["items"])[0]["sku"] == 'te\n"a"'


def test_a_byte_order_mark_and_gzip_change_nothing(file: Path, tmp_path: Path) -> None:
    text = ("\ufeff" + HEADER + bill(1)).encode()
    file.write_bytes(text)
    packed = tmp_path / "sales.csv.gz"
    packed.write_bytes(gzip.compress(text))
    plain, zipped = (small.bodies(small.read(path, small.sales())[0]) for path in (file, packed))
    assert plain == zipped
    assert len(plain) == 1


@pytest.mark.parametrize(
    "bomb",
    [
        b"x" * 100_000_000,
        (HEADER + '"').encode() + b"a,\n" * 20_000_000,
        HEADER.encode() + b'"a\n",' * 20_000_000,
        HEADER.encode() + b"," * 100_000_000,
    ],
    ids=["a line without end", "a quote that never closes", "a row of many lines", "a row of many cells"],
)
def test_a_packed_bomb_is_refused_in_little_memory(bomb: bytes, tmp_path: Path) -> None:
    file = tmp_path / "bomb.csv.gz"
    file.write_bytes(gzip.compress(bomb, 1))
    del bomb
    tracemalloc.start()
    try:
        with pytest.raises(FileRefused):
            small.read(file, small.sales())
        assert tracemalloc.get_traced_memory()[1] < 40 * ROW_CHARACTERS_MAX
    finally:
        tracemalloc.stop()


def test_a_file_without_a_whole_row_is_refused_early(file: Path) -> None:
    file.write_text(HEADER + "a;b;c\n" * 10_000)
    with pytest.raises(FileRefused, match="is this the right file"):
        small.read(file, small.sales())


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "sales.csv.gz"
    file.write_bytes(gzip.compress((HEADER + bill(1) * 10_000).encode())[:-20])
    with pytest.raises(FileRefused, match="damaged"):
        small.read(file, small.sales())


def test_a_header_that_names_a_column_twice_is_refused(file: Path) -> None:
    file.write_text("a,b,a\n1,2,3\n")
    with pytest.raises(FileRefused, match="names a column twice: 'a'"):
        small.read(file, small.sales())


def test_local_times_become_utc_by_the_zone_of_the_mapping(file: Path) -> None:
    file.write_text(
        HEADER
        + bill(1, at="2026-07-01 00:30")
        + bill(2, at="2026-07-01T00:30:00Z")
        + bill(3, at="2026-03-29 02:30")
        + bill(4, at="2026-10-25 02:30")
    )
    assert [body["at"] for body in small.bodies(small.read(file, small.sales())[0])] == [
        "2026-06-30T22:30:00+00:00",
        "2026-07-01T00:30:00+00:00",
        "2026-03-29T01:30:00+00:00",
        "2026-10-25T00:30:00+00:00",
    ]


def test_money_is_never_rounded(file: Path) -> None:
    left, right = 1234567890123456781234567891, 9876543210987654321234567891
    texts = [f"{number // 10**10}.{number % 10**10:010}" for number in (left, right)]
    file.write_text(HEADER + f"1,ann,2026-03-02,tea,{texts[0]},{texts[1]}\n")
    (body,) = small.bodies(small.read(file, small.sales())[0])
    assert str(body["total"]).replace(".", "") == str(left * right)


def test_a_group_larger_than_a_purchase_may_be_is_refused_without_being_kept(file: Path) -> None:
    file.write_text(HEADER + bill(1) * 5_000 + bill(2))
    units, account = small.read(file, small.sales())
    assert len(units) == 1
    assert dict(account.rejected) == {"group_too_large": 5_000}
