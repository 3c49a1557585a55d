"""Sums beside each checkpoint: what its reader has taken, so that it can be held against what the ledger holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from operator import mul
from typing import Final
from zlib import crc32

PRIME: Final = 2**61 - 1
"""Sums are kept modulo this, so that they fit into a `bigint`; the statement `reader/advance` knows it too."""


@dataclass(frozen=True, slots=True)
class Tally:
    """
    Three sums over the events of one line that were taken one after another.

    How many; the marks of their ids; and each mark times the place at which it was taken. An event that is missing,
    there twice, or another one changes the first or the second sum; two that changed places change the third.
    """

    count: int = 0
    total: int = 0
    weighted: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        """Return the sums over both, one behind the other."""
        total, weighted = (self.total + other.total) % PRIME, (self.weighted + other.weighted) % PRIME
        return Tally(self.count + other.count, total, weighted)


NOTHING: Final = Tally()


@dataclass(frozen=True, slots=True)
class End:
    """Where a move of a checkpoint ends, and what was taken on the way."""

    position: int
    taken: Tally


def tally_of(event_ids: Sequence[bytes], after: int) -> Tally:
    """
    Sum up events by their ids.

    Args:
        event_ids: As the records' header `ce_id` has them, in the order in which they were taken.
        after: The checkpoint before the first of them.
    """
    return tally_marks(list(map(crc32, event_ids)), after)


def tally_marks(marks: Sequence[int], after: int) -> Tally:
    """Sum up events by the marks of their ids, which are the CRC-32 of the text."""
    return Tally(len(marks), sum(marks) % PRIME, sum(map(mul, marks, count(after + 1))) % PRIME)
