"""The first pass over a file: how many rows, where each group ends, which rows occur more than once."""

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from rapport_cli.importing.cells import RowRefused, Test, test_of
from rapport_cli.importing.columns import columns_of, unused
from rapport_cli.importing.facts import Fact, compile_facts, row_text
from rapport_cli.importing.mapping import Mapping
from rapport_cli.importing.rows import Broken, FileRefused, Row, Table, open_table

ROWS_MAX: Final = 50_000_000
TRIAL_ROWS: Final = 10_000
"""If so many rows from the first on are broken, it is not the file that the mapping means."""
PULSE_ROWS: Final = 1_000

Pulse = Callable[[int, int], None]
"""Told now and then how many rows were read, and how many bytes of the file."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What the first pass found out."""

    header: tuple[str, ...]
    unused: tuple[str, ...]
    rows: int
    digest: str
    """SHA-256 (hex) of the plain contents."""
    ends: tuple[bytearray, ...]
    """For each rule that groups, whether a row is the last of its group; empty for the others."""
    doubled: frozenset[int]
    """Hashes of rows that occur more than once (or seem to)."""


class Sorter:
    """Says what a row is for: skipped, or of which facts."""

    def __init__(self, mapping: Mapping, table: Table) -> None:
        column = columns_of(mapping, table.header)
        self.skips: list[tuple[str, Test]] = [
            (rule.reason, test) for rule in mapping.skip if (test := test_of(rule.when, column)) is not None
        ]
        self.facts = compile_facts(mapping, table.header)

    def skip_reason(self, row: Row) -> str | None:
        """Return why a row is left out; None where it is not."""
        for reason, test in self.skips:
            if test(row):
                return reason
        return None


def survey(path: Path, mapping: Mapping, pulse: Pulse) -> Survey:
    """
    Read the file once: count its rows, find where each group ends and which rows occur more than once.

    Raises:
        FileRefused: The file is no table, or damaged.
        MappingRefused: It lacks columns.
    """
    with open_table(path, mapping.delimiter) as table:
        sorter = Sorter(mapping, table)
        grouped = [fact for fact in sorter.facts if fact.group is not None]
        hashes = {fact.index: array("q") for fact in grouped}
        names = array("q") if any(fact.needs_row_name for fact in sorter.facts) else None
        count = whole = 0
        for row in table.rows():
            if count % PULSE_ROWS == 0:
                pulse(count, table.offset())
            count += 1
            keys = None
            if not isinstance(row, Broken):
                whole += 1
                keys = _keys(sorter, grouped, row) if row else None
                if names is not None and keys is not None:
                    names.append(hash(row_text(row)))
            for fact in grouped:
                hashes[fact.index].append(keys.get(fact.index, 0) if keys else 0)
            if count == TRIAL_ROWS and not whole:
                msg = f"none of the first {TRIAL_ROWS:,} rows is whole; is this the right file?"
                raise FileRefused(msg)
            if count > ROWS_MAX:
                msg = f"the file has more than {ROWS_MAX:,} rows; import it in parts"
                raise FileRefused(msg)
        return Survey(
            header=table.header,
            unused=tuple(unused(mapping, table.header)),
            rows=count,
            digest=table.digest,
            ends=tuple(_ends(hashes[fact.index]) if fact.group else bytearray() for fact in sorter.facts),
            doubled=_doubled(names) if names is not None else frozenset(),
        )


def _keys(sorter: Sorter, grouped: Sequence[Fact], row: Row) -> dict[int, int] | None:
    """Return the hash of the row's group for each rule that groups it; None where the row is not used."""
    try:
        if sorter.skip_reason(row) is not None:
            return None
        return {
            fact.index: hash(fact.group(row)) or 1
            for fact in grouped
            if fact.group is not None and (fact.when is None or fact.when(row))
        }
    except RowRefused:
        return None


def _ends(hashes: "array[int]") -> bytearray:
    """Mark each row that is the last with its hash. A row of two groups with one hash only ends the later one."""
    marks = bytearray(len(hashes))
    seen: set[int] = set()
    for index in range(len(hashes) - 1, -1, -1):
        if (value := hashes[index]) and value not in seen:
            seen.add(value)
            marks[index] = 1
    return marks


def _doubled(hashes: "array[int]") -> frozenset[int]:
    return frozenset(a for a, b in pairwise(sorted(hashes)) if a == b)
