"""What callers did and were told: one line when an operation begins, one when its outcome is known."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Literal, TextIO

import msgspec

Outcome = Literal["ok", "failed", "unknown"]
OUTCOMES: Final[tuple[Outcome, ...]] = ("ok", "failed", "unknown")


class UnreadableHistory(Exception):
    """A line of a history is not what `History` writes."""


@dataclass(slots=True)
class Operation:
    """One command of one caller; `unknown` until an answer came."""

    id: str
    """Also the correlation id of its events."""
    outcome: Outcome = "unknown"
    event_ids: tuple[str, ...] = ()
    """What an `ok` named."""


class Look(msgspec.Struct, frozen=True, array_like=True):
    """One reading of one client: how many facts about a customer it saw in a read model."""

    client: str
    place: str
    customer: str
    seen: int


@dataclass(slots=True)
class Told:
    """A whole history."""

    operations: dict[str, Operation] = field(default_factory=dict[str, Operation])
    looks: list[Look] = field(default_factory=list[Look])
    """In the order in which each client's answers came."""


class _Line(msgspec.Struct, omit_defaults=True):
    """One line of the file."""

    invoke: str | None = None
    end: str | None = None
    outcome: Outcome | None = None
    events: tuple[str, ...] = ()
    look: Look | None = None


_LINES: Final = msgspec.json.Decoder(_Line)


class History:
    """Writes a history as it happens: a line is on its way before the request is."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def invoke(self, operation: str) -> None:
        """Note that a command is about to be sent."""
        self._write(_Line(invoke=operation))

    def end(self, operation: str, outcome: Outcome, event_ids: Iterable[str] = ()) -> None:
        """Note what a caller was told; without such a line the outcome is unknown."""
        self._write(_Line(end=operation, outcome=outcome, events=tuple(event_ids)))

    def look(self, look: Look) -> None:
        """Note what a reader saw."""
        self._write(_Line(look=look))

    def _write(self, line: _Line) -> None:
        self._file.write(msgspec.json.encode(line).decode() + "\n")


def read_history(lines: Iterable[str]) -> Told:
    """
    Read a history; the last line may have been cut off by a crash.

    Raises:
        UnreadableHistory: A line before the last is not what `History` writes; the message names it.
    """
    told = Told()
    for number, line, is_last in _numbered(lines):
        try:
            _take(told, _LINES.decode(line))
        except (ValueError, KeyError) as error:
            if is_last:
                break
            msg = f"line {number} of the history is not one that was written as such"
            raise UnreadableHistory(msg) from error
    return told


def _take(told: Told, line: _Line) -> None:
    if line.invoke is not None:
        told.operations[line.invoke] = Operation(line.invoke)
    elif line.end is not None and line.outcome is not None:
        operation = told.operations[line.end]
        operation.outcome, operation.event_ids = line.outcome, line.events
    elif line.look is not None:
        told.looks.append(line.look)
    else:
        msg = "neither invoke, end nor look"
        raise ValueError(msg)


def _numbered(lines: Iterable[str]) -> Iterator[tuple[int, str, bool]]:
    """Yield lines with their numbers, and whether each is the last."""
    number, before = 0, ""
    for number, line in enumerate(lines, 1):
        if number > 1:
            yield number - 1, before, False
        before = line
    if number:
        yield number, before, True
