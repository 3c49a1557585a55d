"""The first pass over a file: how many rows, where each group ends, which rows occur more than once."""

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final

from rapport_cli.importing.cells import RowRefused
from rapport_cli.importing.columns import unused
from rapport_cli.importing.facts import row_text
from rapport_cli.importing.mapping import Mapping
from rapport_cli.importing.rows import Broken, FileRefused, Row, open_table
from rapport_cli.importing.sorter import Sorter

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
    """For each rule, whether a row is the last of its group."""
    doubled: frozenset[int]
    """Hashes of rows that occur more than once (or seem to)."""


@dataclass(slots=True)
class _Members:
    """The rows of one rule's groups: hashes of the groups, and numbers of the rows."""

    hashes: "array[int]" = field(default_factory=lambda: array("q"))
    numbers: "array[int]" = field(default_factory=lambda: array("q"))

    def ends(self, rows: int) -> bytearray:
        """Mark the last row of each hash. Of two groups with one hash only the later one's end is marked."""
        marks = bytearray(rows)
        seen: set[int] = set()
        for value, number in zip(reversed(self.hashes), reversed(self.numbers), strict=True):
            if value not in seen:
                seen.add(value)
                marks[number] = 1
        return marks


class _Notes:
    """What is remembered of each row: some numbers, never its cells."""

    def __init__(self, sorter: Sorter) -> None:
        self._sorter = sorter
        self._members = [_Members() for _ in sorter.facts]
        self._names = array("q") if any(fact.needs_row_name for fact in sorter.facts) else None

    def take(self, number: int, row: Row) -> None:
        try:
            use = self._sorter.use_of(row)
        except RowRefused:
            return
        for fact in use.grouped:
            if fact.group is not None:
                members = self._members[fact.index]
                members.hashes.append(hash(fact.group(row)))
                members.numbers.append(number)
        if self._names is not None and use.skipped is None:
            self._names.append(hash(row_text(row)))

    def ends(self, rows: int) -> tuple[bytearray, ...]:
        return tuple(members.ends(rows) for members in self._members)

    def doubled(self) -> frozenset[int]:
        names = sorted(self._names) if self._names is not None else []
        return frozenset(a for a, b in pairwise(names) if a == b)


def survey(path: Path, mapping: Mapping, pulse: Pulse) -> Survey:
    """
    Read the file once: count its rows, find where each group ends and which rows occur more than once.

    Raises:
        FileRefused: The file is no table, or damaged.
        MappingRefused: It lacks columns.
    """
    with open_table(path, mapping.delimiter) as table:
        notes = _Notes(Sorter(mapping, table.header))
        count = whole = 0
        for row in table.rows():
            if count % PULSE_ROWS == 0:
                pulse(count, table.offset())
            if not isinstance(row, Broken):
                whole += 1
                if row:
                    notes.take(count, row)
            count += 1
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
            ends=notes.ends(count),
            doubled=notes.doubled(),
        )
