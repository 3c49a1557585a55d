"""The second pass over a file: make the facts, each when its last row was read, and account for every row."""

from collections import Counter
from collections.abc import Iterator
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
from rapport_cli.importing.survey import PULSE_ROWS, Pulse, Sorter, Survey

OPEN_ROWS_MAX: Final = 200_000
"""Rows of unfinished groups in memory; groups that do not fit are left to a further pass over the file."""

_CHANGED: Final = "the file was changed while it was read"

GroupKey = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Unit:
    """What must stand in one batch, in order: the lines that some rows mean for one service."""

    service: Service
    lines: tuple[tuple[str, bytes], ...]
    """Type of event and line, each."""
    rows: tuple[NumberedRow, ...]


@dataclass(slots=True)
class _Groups:
    """Groups whose last row has not come yet."""

    open_rows_max: int
    only: frozenset[GroupKey] | None = None
    """In a further pass, the groups that were left to it."""
    found: dict[GroupKey, list[NumberedRow]] = field(default_factory=dict[GroupKey, list[NumberedRow]])
    left: set[GroupKey] = field(default_factory=set[GroupKey])
    too_large: set[GroupKey] = field(default_factory=set[GroupKey])
    open_rows: int = 0

    def add(self, key: GroupKey, row: NumberedRow) -> None:
        """Keep a row; one whose group has its turn in another pass is passed over."""
        if self.only is not None and key not in self.only:
            return
        rows = self.found.get(key)
        if rows is not None:
            rows.append(row)
        elif key in self.left:
            return
        elif self.open_rows >= self.open_rows_max:
            self.left.add(key)
            return
        else:
            self.found[key] = [row]
        self.open_rows += 1
        # The group that began last is farthest from its end: it is the one to read again later.
        while self.open_rows > self.open_rows_max and len(self.found) > 1:
            last, dropped = self.found.popitem()
            self.open_rows -= len(dropped)
            self.left.add(last)

    def take(self, key: GroupKey) -> list[NumberedRow]:
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
        self._subjects: dict[int, set[str]] = {}
        self._equal: Counter[str] = Counter()

    def units(self, pulse: Pulse) -> Iterator[Unit]:
        """
        Yield every fact of the file, in the same order at each run.

        Raises:
            FileRefused: The file is not what it was in the first pass.
        """
        groups = _Groups(self._open_rows_max)
        yield from self._pass(groups, pulse)
        while groups.left:
            groups = _Groups(self._open_rows_max, only=frozenset(groups.left))
            yield from self._pass(groups, pulse)

    def _pass(self, groups: _Groups, pulse: Pulse) -> Iterator[Unit]:
        with open_table(self._path, self._mapping.delimiter) as table:
            if table.header != self._survey.header:
                raise FileRefused(_CHANGED)
            sorter = Sorter(self._mapping, table)
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
            for key in list(groups.found):
                yield from self._group(sorter.facts[key[0]], groups.take(key))

    def _row(self, number: int, row: Row | Broken, sorter: Sorter, groups: _Groups) -> Iterator[Unit]:
        account = self._account
        if isinstance(row, Broken):
            account.reject([(number, row.cells)], row.reason, "")
            return
        if not row:
            account.skip(number, "blank_line")
            return
        try:
            if (reason := sorter.skip_reason(row)) is not None:
                account.skip(number, reason)
                return
            facts = [fact for fact in sorter.facts if fact.when is None or fact.when(row)]
        except RowRefused as cause:
            account.reject([(number, row)], cause.reason, cause.place)
            return
        if not facts:
            account.skip(number, "no_event_fits")
            return
        if groups.only is None:
            yield from self._singles(number, row, [fact for fact in facts if fact.group is None])
        is_grouped = False
        for fact in facts:
            if fact.group is not None:
                is_grouped = True
                yield from self._member(number, row, fact, groups)
        if not is_grouped:
            account.use(number)

    def _singles(self, number: int, row: Row, facts: list[Fact]) -> Iterator[Unit]:
        """Yield what the row means by itself: one unit for each service, so that its lines stay in order."""
        made: dict[Service, list[tuple[str, bytes]]] = {}
        new: list[tuple[int, str]] = []
        name = ""
        try:
            for fact in facts:
                if fact.kind.once_per_subject:
                    subject = fact.subject(row) if fact.subject is not None else None
                    if subject is not None and subject in self._subjects.setdefault(fact.index, set()):
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
            yield Unit(service, tuple(lines), ((number, row),))

    def _member(self, number: int, row: Row, fact: Fact, groups: _Groups) -> Iterator[Unit]:
        key = (fact.index, fact.group(row) if fact.group is not None else "")
        groups.add(key, (number, row))
        if len(groups.found.get(key, ())) > GROUP_ROWS_MAX:
            groups.too_large.add(key)
        if key in groups.too_large:
            self._account.reject(groups.take(key), "group_too_large", "group_by")
            return
        if self._survey.ends[fact.index][number]:
            yield from self._group(fact, groups.take(key))

    def _group(self, fact: Fact, rows: list[NumberedRow]) -> Iterator[Unit]:
        account = self._account
        if not rows:
            return
        if account.rejected and any(account.is_rejected(number) for number, _ in rows):
            account.reject(rows, "with_rejected_row", "group_by")
            return
        try:
            line = fact.line([row for _, row in rows], "")
        except BadRow as bad:
            account.reject([rows[bad.index]], bad.cause.reason, bad.cause.place)
            account.reject(rows, "with_rejected_row", "group_by")
            return
        for number, _ in rows:
            account.use(number)
        account.count(fact.kind.type)
        yield Unit(fact.kind.service, ((fact.kind.type, line),), tuple(rows))

    def _name(self, row: Row) -> str:
        """Name a row by its contents; only rows that occur more than once are counted."""
        if hash(row_text(row)) not in self._survey.doubled:
            return row_name(row, 0)
        name = row_name(row, 0).removesuffix("-0")
        number = self._equal[name]
        self._equal[name] += 1
        return f"{name}-{number}"
