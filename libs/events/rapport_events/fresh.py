"""Remember answers for a short time, and only so many of them."""

from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Mapping
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Fresh(Generic[K, V]):
    """Answers by key, each with the moment at which it was asked for; every use drops those that are too old."""

    def __init__(self, *, seconds: float, entries_max: int, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._entries_max = entries_max
        self._clock = clock
        # A plain dict finds its first entry slowly after many were taken from the front (24 ms for each look).
        self._entries: OrderedDict[K, tuple[float, V]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def known(self, keys: Collection[K]) -> dict[K, V]:
        """Return the answers that are fresh, for those keys that have one."""
        oldest = self._sweep()
        entries = self._entries
        # An answer that came late stands behind younger ones, where the sweep does not look.
        return {key: entries[key][1] for key in keys if key in entries and entries[key][0] > oldest}

    def put(self, answers: Mapping[K, V], *, asked_at: float) -> None:
        """
        Remember answers, and drop the oldest ones beyond the limit.

        Args:
            asked_at: Time of the clock before the question was sent: the answer is as old as that.
        """
        self._sweep()
        for key, answer in answers.items():
            earlier = self._entries.pop(key, None)
            # Of two answers the one that was asked for later holds, whichever came later.
            self._entries[key] = earlier if earlier and earlier[0] > asked_at else (asked_at, answer)
        while len(self._entries) > self._entries_max:
            self._entries.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()

    def _sweep(self) -> float:
        oldest = self._clock() - self._seconds
        while self._entries:
            key = next(iter(self._entries))
            if self._entries[key][0] > oldest:
                break
            self._entries.popitem(last=False)
        return oldest
