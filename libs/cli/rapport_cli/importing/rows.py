"""Read the rows of a CSV file, plain or gzip, as a stream with strict limits on what one line, cell and row may be."""

import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CELL_CHARACTERS_MAX = 65_536
ROW_CHARACTERS_MAX = 1_048_576
COLUMNS_MAX = 1_000
UNPACKED_BYTES_FREE = 67_108_864
UNPACKED_RATIO_MAX = 200
"""A file that unpacks to more than the first figure, and to more than so many times its size, is made to do harm."""
_READ_BYTES = 262_144
_GZIP = b"\x1f\x8b"

Row = list[str]


class FileRefused(Exception):
    """The file cannot be read as a table; the message says why."""


class Broken:
    """A row that is none: why, and the text as it stands in the file."""

    __slots__ = ("cells", "reason")

    def __init__(self, reason: str, cells: Row) -> None:
        self.reason = reason
        self.cells = cells


class Readable(Protocol):
    """Gives bytes."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes; none at the end."""
        ...


class _Counted(io.RawIOBase):
    """Passes a file on, and knows the digest of what was read and how much of the file that was."""

    def __init__(self, content: "Readable", file: IO[bytes]) -> None:
        self._content = content
        self._file = file
        self._size = 0
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        try:
            chunk = self._content.read(len(memoryview(buffer)))
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            msg = f"the file is damaged: {error}"
            raise FileRefused(msg) from error
        except OSError as error:
            msg = f"the file cannot be read: {error.strerror or error}"
            raise FileRefused(msg) from error
        self._size += len(chunk)
        if self._size > UNPACKED_BYTES_FREE and self._size > UNPACKED_RATIO_MAX * self.offset():
            msg = f"the file unpacks to more than {UNPACKED_RATIO_MAX} times its size"
            raise FileRefused(msg)
        self.digest.update(chunk)
        memoryview(buffer)[: len(chunk)] = chunk
        return len(chunk)

    def offset(self) -> int:
        return self._file.tell()


class Table:
    """One pass over a file: the header, then its rows in order."""

    def __init__(self, raw: _Counted, delimiter: str) -> None:
        self._raw = raw
        text = io.TextIOWrapper(
            io.BufferedReader(raw, _READ_BYTES), encoding="utf-8-sig", errors="surrogateescape", newline=""
        )
        self._lines_of_row: list[str] = []
        self._size = 0
        self._is_new = True
        self._flaw = ""
        self._reader = csv.reader(self._lines(text), delimiter=delimiter, strict=True)
        self.header = self._read_header()

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the plain contents; of all of them once every row was read."""
        return self._raw.digest.hexdigest()

    def offset(self) -> int:
        """Return how many bytes of the file were read, for a progress bar."""
        return self._raw.offset()

    def rows(self) -> Iterator[Row | Broken]:
        """Yield every row after the header, in order; an empty line is an empty row."""
        width = len(self.header)
        while True:
            try:
                for row in self._reader:
                    # One look per row; each line was looked at when it came in.
                    if self._flaw or (len(row) != width and row):
                        yield Broken(self._flaw or "wrong_number_of_cells", _printable(row))
                        self._flaw = ""
                    else:
                        yield row
                    self._is_new = True
                return
            except csv.Error as error:
                reason = "cell_too_large" if "field larger" in str(error) else "malformed"
                yield Broken(reason, _printable(["".join(self._lines_of_row)]))
                self._flaw = ""
                self._is_new = True

    def _lines(self, text: io.TextIOWrapper) -> Iterator[str]:
        """Yield line by line, never more than a row may be: a line without end, or a quote that never closes, stops."""
        for line in iter(partial(text.readline, ROW_CHARACTERS_MAX), ""):
            if self._is_new:
                self._is_new = False
                self._lines_of_row = [line]
                self._size = len(line)
            else:
                self._lines_of_row.append(line)
                self._size += len(line)
            if self._size >= ROW_CHARACTERS_MAX:
                msg = f"a row is longer than {ROW_CHARACTERS_MAX:,} characters; is this a table?"
                raise FileRefused(msg)
            if "\0" in line:
                self._flaw = "nul_character"
            if not line.isascii():
                try:
                    line.encode()
                except UnicodeEncodeError:
                    self._flaw = "not_utf8"
            yield line

    def _read_header(self) -> tuple[str, ...]:
        try:
            names = [name.strip() for name in next(self._reader, Row())]
        except csv.Error as error:
            msg = f"the first line is no header: {error}"
            raise FileRefused(msg) from error
        if not names or len(names) > COLUMNS_MAX or self._flaw:
            msg = f"the first line is no header: it must name 1 to {COLUMNS_MAX:,} columns, in UTF-8"
            raise FileRefused(msg)
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            msg = f"the header names a column twice: {', '.join(map(repr, doubled))}"
            raise FileRefused(msg)
        self._is_new = True
        return tuple(names)


@contextmanager
def open_table(path: Path, delimiter: str = ",") -> Generator[Table]:
    """
    Open a file for one pass.

    Raises:
        FileRefused: It is missing, damaged, or no table.
    """
    csv.field_size_limit(CELL_CHARACTERS_MAX)
    try:
        file = path.open("rb")
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror or error}"
        raise FileRefused(msg) from error
    with file:
        is_gzip = file.read(2) == _GZIP
        file.seek(0)
        yield Table(_Counted(gzip.GzipFile(fileobj=file) if is_gzip else file, file), delimiter)


def _printable(row: Row) -> Row:
    """Show bytes that are no UTF-8 as escapes, so that the row can be written into another file."""
    return [cell.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace") for cell in row]
