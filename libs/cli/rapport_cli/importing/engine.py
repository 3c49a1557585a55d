"""The second pass over a file: make the facts, each when its last row was read, and account for every row."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rapport_cli.importing.account import Account, NumberedRow
from rapport_cli.importing.cells import RowRefused
from rapport_cli.importing.facts import GROUP_ROWS_MAX, Fact, row_name, row_text
from rapport_cli.importing.kinds import Service
from rapport_cli.importing.mapping import Mapping
from rapport_cli.importing.parts import BadRow
from rapport_cli.importing.rows import Broken, FileRefused, Row, open_table
from rapport_cli.importing.sorter import Sorter
from rapport_cli.importing.survey import PULSE_ROWS, Pulse, Survey

OPEN_ROWS_MAX: Final = 100_000
"""Rows of unfinished groups of a rule in memory; groups that do not fit are left to a further pass over the file."""

_CHANGED: Final = "the file was changed while it was read"


@dataclass(frozen=True, slots=True)
class Unit:
    """What must stand in one batch, in order: the lines that some rows mean for one service."""

    service: Service
    lines: tuple[tuple[str, bytes], ...]
    """Type of event and line, each."""
    rows: tuple[NumberedRow, ...]


@dataclass(slots=True)
class _Groups:
    """One rule's groups whose last row has not come yet."""

    open_rows_max: int
    only: frozenset[str] | None = None
    """In a further pass, the groups that were left to it."""
    found: dict[str, list[NumberedRow]] = field(default_factory=dict[str, list[NumberedRow]])
    left: set[str] = field(default_factory=set[str])
    too_large: set[str] = field(default_factory=set[str])
    open_rows: int = 0

    def add(self, key: str, row: NumberedRow) -> int:
        """Keep a row, and return how many its group has; 0 where the group has its turn in another pass."""
        rows = self.found.get(key)
        if rows is None:
            if key in self.left or (self.only is not None and key not in self.only):
                return 0
            rows = self.found[key] = []
        rows.append(row)
        self.open_rows += 1
        # The group that began last is farthest from its end: it is the one to read again later.
        while self.open_rows > self.open_rows_max and len(self.found) > 1:
            last, dropped = self.found.popitem()
            self.open_rows -= len(dropped)
            self.left.add(last)
        return len(rows)

    def take(self, key: str) -> list[NumberedRow]:
        """Take a group out; no rows where it is not being read."""
        rows = self.found.pop(key, [])
        self.open_rows -= len(rows)
        return rows


class Engine:
    """Reads a file that was surveyed, and yields what to send."""

    def __init__(
        self, path: Path, mapping: Mapping, found: Survey, account: Account, *, open_rows_max: int = OPEN_ROWS_MAX
    ) -> None:
        self._path = path
        self._mapping = mapping
        self._survey = found
        self._account = account
        self._open_rows_max = open_rows_max
        self._subjects: defaultdict[int, set[str | None]] = defaultdict(set)
        self._equal: Counter[str] = Counter()
        self._is_further = False

    def units(self, pulse: Pulse) -> Iterator[Unit]:
        """
        Yield every fact of the file, in the same order at each run.

        Raises:
            FileRefused: The file is not what it was in the first pass.
        """
        self._is_further = False
        only: list[frozenset[str] | None] = [None for _ in self._mapping.event]
        while True:
            groups = [_Groups(self._open_rows_max, only=keys) for keys in only]
            yield from self._pass(groups, pulse)
            if not any(each.left for each in groups):
                return
            self._is_further = True
            only = [frozenset(each.left) for each in groups]

    def _pass(self, groups: list[_Groups], pulse: Pulse) -> Iterator[Unit]:
        with open_table(self._path, self._mapping.delimiter) as table:
            if table.header != self._survey.header:
                raise FileRefused(_CHANGED)
            sorter = Sorter(self._mapping, table.header)
            count = 0
            for number, row in enumerate(table.rows()):
                if number % PULSE_ROWS == 0:
                    pulse(number, table.offset())
                if number >= self._survey.rows:
                    raise FileRefused(_CHANGED)
                count += 1
                yield from self._row(number, row, sorter, groups)
            if count != self._survey.rows or table.digest != self._survey.digest:
                raise FileRefused(_CHANGED)
            # Only two groups with one hash come here: the row that ended the later one did not end this one.
            for fact, open_groups in zip(sorter.facts, groups, strict=True):
                for key in list(open_groups.found):
                    yield from self._group(fact, open_groups.take(key))

    def _row(self, number: int, row: Row | Broken, sorter: Sorter, groups: list[_Groups]) -> Sequence[Unit]:
        account = self._account
        if isinstance(row, Broken):
            account.reject([(number, row.cells)], row.reason, "")
            return ()
        if not row:
            account.skip(number, "blank_line")
            return ()
        try:
            use = sorter.use_of(row)
        except RowRefused as cause:
            account.reject([(number, row)], cause.reason, cause.place)
            return ()
        if use.skipped is not None:
            account.skip(number, use.skipped)
            return ()
        units: list[Unit] = []
        if use.singles and not self._is_further:
            self._singles(number, row, use.singles, units)
        for fact in use.grouped:
            units += self._member((number, row), fact, groups[fact.index])
        if not use.grouped:
            account.use(number)
        return units

    def _singles(self, number: int, row: Row, facts: Sequence[Fact], units: list[Unit]) -> None:
        """Add what the row means by itself: one unit for each service, so that its lines stay in order."""
        made: dict[Service, list[tuple[str, bytes]]] = {}
        new: list[tuple[int, str]] = []
        name = ""
        try:
            for fact in facts:
                if fact.kind.once_per_subject:
                    subject = fact.subject(row) if fact.subject is not None else None
                    if subject in self._subjects[fact.index]:
                        continue
                    new.append((fact.index, subject or ""))
                if fact.needs_row_name and not name:
                    name = self._name(row)
                made.setdefault(fact.kind.service, []).append((fact.kind.type, fact.line([row], name)))
        except BadRow as bad:
            self._account.reject([(number, row)], bad.cause.reason, bad.cause.place)
            return
        for index, subject in new:
            self._subjects[index].add(subject)
        for service, lines in made.items():
            for kind, _ in lines:
                self._account.count(kind)
            units.append(Unit(service, tuple(lines), ((number, row),)))

    def _member(self, row: NumberedRow, fact: Fact, groups: _Groups) -> Sequence[Unit]:
        key = fact.group(row[1]) if fact.group is not None else ""
        if groups.add(key, row) > GROUP_ROWS_MAX:
            groups.too_large.add(key)
        if groups.too_large and key in groups.too_large:
            self._account.reject(groups.take(key), "group_too_large", "group_by")
            return ()
        return self._group(fact, groups.take(key)) if self._survey.ends[fact.index][row[0]] else ()

    def _group(self, fact: Fact, rows: list[NumberedRow]) -> Sequence[Unit]:
        account = self._account
        if not rows:
            return ()
        if account.rejected and any(account.is_rejected(number) for number, _ in rows):
            account.reject(rows, "with_rejected_row", "group_by")
            return ()
        try:
            line = fact.line([row for _, row in rows], "")
        except BadRow as bad:
            account.reject([rows[bad.index]], bad.cause.reason, bad.cause.place)
            account.reject(rows, "with_rejected_row", "group_by")
            return ()
        for number, _ in rows:
            account.use(number)
        account.count(fact.kind.type)
        return (Unit(fact.kind.service, ((fact.kind.type, line),), tuple(rows)),)

    def _name(self, row: Row) -> str:
        """Name a row by its contents; only rows that occur more than once are counted."""
        if hash(row_text(row)) not in self._survey.doubled:
            return row_name(row, 0)
        name = row_name(row, 0).removesuffix("-0")
        number = self._equal[name]
        self._equal[name] += 1
        return f"{name}-{number}"
