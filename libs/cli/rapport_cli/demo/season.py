"""A year in which more is bought in some months and at some hours than at others."""

from bisect import bisect_right
from calendar import monthrange
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from random import Random
from typing import Final

_HOURS: Final = tuple(range(8, 22))
_HOUR_SHARES: Final = tuple(accumulate([2, 4, 6, 7, 6, 5, 5, 6, 7, 8, 8, 9, 8, 5]))


class Year:
    """One calendar year; all times are UTC."""

    def __init__(self, year: int, months: Sequence[float]) -> None:
        """
        Make a year.

        Args:
            months: How much happens on a day of each month, January first; only the proportions count.
        """
        self.begin = datetime(year, 1, 1, tzinfo=UTC)
        self.end = datetime(year + 1, 1, 1, tzinfo=UTC)
        days = [weight for month, weight in enumerate(months, 1) for _ in range(monthrange(year, month)[1])]
        self._until = [0.0, *accumulate(days)]

    def moment(self, random: Random, after: datetime) -> datetime:
        """Return a moment of the year on the day of another one or later, more likely in a busy month."""
        first = self._until[min((after - self.begin).days, len(self._until) - 2)]
        day = bisect_right(self._until, random.uniform(first, self._until[-1])) - 1
        hour = random.choices(_HOURS, cum_weights=_HOUR_SHARES)[0]
        moment = self.begin + timedelta(
            days=min(day, len(self._until) - 2), hours=hour, minutes=random.randrange(60), seconds=random.randrange(60)
        )
        return max(moment, after + timedelta(minutes=random.randrange(3, 90)))

    def day(self, random: Random) -> datetime:
        """Return any moment of the year, each as likely as another."""
        return self.begin + timedelta(seconds=random.randrange(int((self.end - self.begin).total_seconds())))
