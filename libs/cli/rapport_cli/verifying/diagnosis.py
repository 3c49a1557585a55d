"""Tell from three sums what became of the events that a reader has taken."""

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from rapport_cli.verifying.checker import Kind
from rapport_events.tally import PRIME, Tally, tally_marks


class Symptom(NamedTuple):
    """One thing that is wrong in one line of numbers."""

    kind: Kind
    events: int
    """At least so many events."""
    where: str


def diagnose(marks: Sequence[int], after: int, found: Tally) -> Iterator[Symptom]:
    """
    Compare the tally of a reader with that of its ledger's events.

    Args:
        marks: Of the ledger's events behind `after`, up to the reader's checkpoint.
        after: The position behind which the reader's tally begins.
        found: That tally.
    """
    right = tally_marks(marks, after)
    if found == right:
        return
    more = found.count - right.count
    total = (found.total - right.total) % PRIME
    weighted = (found.weighted - right.weighted) % PRIME
    if more > 0:
        yield Symptom("repeated", more, _stretch(marks, after, more, total))
    elif more < 0:
        yield Symptom("lost", -more, _stretch(marks, after, -more, -total % PRIME))
    elif total == 0:
        yield Symptom("reordered", 1, _swapped(marks, after, weighted))
    else:
        yield from _replaced(marks, after, total, weighted)


def _stretch(marks: Sequence[int], after: int, length: int, total: int) -> str:
    """Look for the events behind one another whose marks make up the difference."""
    sums = [0, *accumulate(marks)]
    ends = range(length, len(sums))
    fitting = [end for end in ends if (sums[end] - sums[end - length] - total) % PRIME == 0]
    if len(fitting) != 1:
        return f"at positions up to {after + len(marks)}"
    first, last = after + fitting[0] - length + 1, after + fitting[0]
    return f"position {first}" if first == last else f"positions {first} to {last}"


def _swapped(marks: Sequence[int], after: int, weighted: int) -> str:
    """Look for two neighbours that have changed places."""
    for at, (one, other) in enumerate(pairwise(marks), after + 1):
        if (one - other - weighted) % PRIME == 0:
            return f"positions {at} and {at + 1}"
    return f"at positions up to {after + len(marks)}"


def _replaced(marks: Sequence[int], after: int, total: int, weighted: int) -> Iterator[Symptom]:
    """Place the one event that another one stands for, as an error is placed from its syndromes."""
    place = weighted * pow(total, -1, PRIME) % PRIME
    if not after < place <= after + len(marks):
        where = f"at positions up to {after + len(marks)}"
        yield Symptom("lost", 1, where)
        yield Symptom("phantom", 1, where)
        return
    instead = (marks[place - after - 1] + total) % PRIME
    yield Symptom("lost", 1, f"position {place}")
    if instead in marks:
        yield Symptom("repeated", 1, f"position {after + 1 + marks.index(instead)}, at position {place}")
    else:
        yield Symptom("phantom", 1, f"position {place}")
