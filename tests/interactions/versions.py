"""What callers did to the versions of one thing, and whether one order explains it all (linearizability)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Called:
    """One call, and what its answer says of the version: the one it made, or the one it found."""

    began: float
    ended: float
    version: int
    made: bool


def contradictions(calls: Sequence[Called], *, first: int = 1) -> list[str]:
    """
    Say why no order explains the calls in which each took effect at one moment between its beginning and its end.

    Versions follow one another, so there is only one order of those that made them. Each takes effect as early as it
    may; who cannot be fitted in then can never be.

    Args:
        calls: On one thing, from its version `first` on.
    """
    found: list[str] = []
    makers: defaultdict[int, list[Called]] = defaultdict(list)
    finders: defaultdict[int, list[Called]] = defaultdict(list)
    for call in calls:
        (makers if call.made else finders)[call.version].append(call)
    last = max((call.version for call in calls), default=first)
    moment = float("-inf")
    for version in range(first, last + 1):
        if version > first:
            if len(makers[version]) != 1:
                found.append(f"version {version} was made {len(makers[version])} times")
            for call in makers[version]:
                moment = max(moment, call.began)
                if moment > call.ended:
                    found.append(f"version {version} was made before version {version - 1}")
        if any(moment > call.ended for call in finders[version]):
            found.append(f"version {version} was found before it was made")
        moment = max([moment, *(call.began for call in finders[version])])
    return found
