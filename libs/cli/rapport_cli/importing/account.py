"""Account for every row of a file: used, skipped for a reason, or rejected and kept in the error file."""

import csv
import os
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from rapport_cli.importing.rows import Row

UNSEEN, USED, SKIPPED, REJECTED = range(4)
SHOWN_MAX: Final = 20
KEPT_SECONDS: Final = 24 * 3600
"""How long an error file may lie about: it can hold personal data."""
HEADER_ROWS: Final = 1

NumberedRow = tuple[int, Row]


@dataclass(frozen=True, slots=True)
class RowError:
    """Where a row failed, without its contents: number of the row (the header is row 1), reason, column or field."""

    row: int
    reason: str
    place: str


@dataclass(slots=True)
class Account:
    """What became of each row, and how many facts there are of each type."""

    rows: int
    error_file: "ErrorFile | None" = None
    skipped: Counter[str] = field(default_factory=Counter[str])
    rejected: Counter[str] = field(default_factory=Counter[str])
    facts: Counter[str] = field(default_factory=Counter[str])
    errors: list[RowError] = field(default_factory=list[RowError])
    _fates: bytearray = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._fates = bytearray(self.rows)

    @property
    def used(self) -> int:
        """Rows that became part of at least one fact, and of none that was refused."""
        return self._fates.count(USED)

    @property
    def unseen(self) -> int:
        """Rows that nobody has accounted for yet; 0 at the end."""
        return self._fates.count(UNSEEN)

    def is_rejected(self, number: int) -> bool:
        """Say whether a row was rejected."""
        return self._fates[number] == REJECTED

    def use(self, number: int) -> None:
        """Count a row as used, if it was not rejected."""
        if self._fates[number] == UNSEEN:
            self._fates[number] = USED

    def skip(self, number: int, reason: str) -> None:
        """Count a row as left out."""
        if self._fates[number] == UNSEEN:
            self._fates[number] = SKIPPED
            self.skipped[reason] += 1

    def reject(self, rows: Iterable[NumberedRow], reason: str, place: str) -> None:
        """Count rows as unusable, each once, and keep them in the error file (any thread)."""
        with self._lock:
            for number, row in rows:
                if self._fates[number] == REJECTED:
                    continue
                self._fates[number] = REJECTED
                self.rejected[reason] += 1
                shown = number + HEADER_ROWS + 1
                if len(self.errors) < SHOWN_MAX:
                    self.errors.append(RowError(shown, reason, place))
                if self.error_file is not None:
                    self.error_file.write(shown, reason, place, row)

    def count(self, fact: str, change: int = 1) -> None:
        """Count a fact of a type; -1 takes back one that was refused (any thread)."""
        with self._lock:
            self.facts[fact] += change


class ErrorFile:
    """The rows that could not be used, as they stand in the file; made with the first of them, for its owner alone."""

    def __init__(self, folder: Path, name: str, header: tuple[str, ...]) -> None:
        self.path = folder / f"{name}.csv"
        self._header = header
        self._file: IO[str] | None = None

    @property
    def is_there(self) -> bool:
        """Whether a row was rejected."""
        return self._file is not None

    def write(self, number: int, reason: str, place: str, row: Row) -> None:
        """Add a row."""
        if self._file is None:
            self._file = self._open()
            self._writer.writerow(["row", "reason", "place", *self._header])
        self._writer.writerow([number, reason, place, *row])

    def close(self) -> None:
        """Write what is still in memory."""
        if self._file is not None:
            self._file.close()

    def _open(self) -> IO[str]:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # An earlier run's file of the same import is replaced: this run finds the same rows again.
        self.path.unlink(missing_ok=True)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        file = os.fdopen(descriptor, "w", encoding="utf-8", newline="")
        self._writer = csv.writer(file)
        return file


def remove_old(folder: Path, now: float | None = None) -> int:
    """Remove error files that are older than a day; return how many there were."""
    limit = (time.time() if now is None else now) - KEPT_SECONDS
    removed = 0
    for path in folder.glob("*.csv"):
        if path.is_file() and path.stat().st_mtime < limit:
            path.unlink(missing_ok=True)
            removed += 1
    return removed
