"""How far a topic can be read from its first record on, taking exactly the next number each time."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

MARKS_KEPT = 8
"""Marks of each partition that are kept and looked at: memory of what the topic held."""
MARK_EVERY = 10_000
"""Records from one mark to the next at most, while a partition is read."""


class Found(NamedTuple):
    """A record of a partition: where it lies, and what it says of itself."""

    offset: int
    position: int
    event_id: str


Mark = Found
"""A record that was taken: up to its offset the partition could be read up to its position. A hint, never trusted."""


@dataclass(slots=True)
class Reach:
    """
    What a reader would get that takes position `position + 1` next and passes over everything else.

    It is not the last number of a topic: after `[1a]` was lost and 2 landed, the topic `[2b]` has the reach 0.
    """

    position: int = 0
    next_offset: int = 0
    marks: deque[Mark] = field(default_factory=lambda: deque(maxlen=MARKS_KEPT))
    _last: Mark | None = None
    _since_mark: int = 0

    @classmethod
    def after(cls, marks: Iterable[Mark]) -> "Reach":
        """Go on behind the newest of the marks that were kept."""
        kept = deque(sorted(marks), maxlen=MARKS_KEPT)
        if not kept:
            return cls()
        return cls(position=kept[-1].position, next_offset=kept[-1].offset + 1, marks=kept)

    def take(self, records: Iterable[Found], next_offset: int) -> None:
        """Read further records, in the topic's order; `next_offset` is where the next ones begin."""
        for record in records:
            self._since_mark += 1
            if record.position == self.position + 1:
                self.position = record.position
                self._last = record
                if self._since_mark >= MARK_EVERY:
                    self.mark()
        self.next_offset = next_offset

    def mark(self) -> bool:
        """Keep a mark at the record that was taken last; False where there is none since the last mark."""
        if self._last is None:
            return False
        self.marks.append(self._last)
        self._last = None
        self._since_mark = 0
        return True
