"""The day that the customer's page shows: the present, or the end of a day of the past in one of the two times."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from rapport_console.suite import Json

By = Literal["happened", "recorded"]
"""What is asked: what was true that day, or what we believed."""
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class When:
    """A day in UTC, and since when there is something to see."""

    today: date
    on: date | None
    by: By
    since: date | None

    @property
    def is_past(self) -> bool:
        """Whether the page shows another day than today."""
        return self.on is not None and self.on != self.today

    @property
    def question(self) -> dict[str, str]:
        """The parameters that services are asked with: the last moment of the day, or none for the present."""
        if self.on is None or not self.is_past:
            return {}
        end = datetime.combine(self.on, time.max, UTC)
        return {"as_of" if self.by == "happened" else "known_at": end.isoformat()}

    @property
    def query(self) -> dict[str, str]:
        """The parameters with which the page itself shows the same day."""
        if self.on is None or not self.is_past:
            return {}
        return {"on": self.on.isoformat(), "by": self.by}

    def slider(self, moments: Iterable[str | None]) -> "Slider":
        """Return the slider, which begins where the page began with it, else on the day of the earliest moment."""
        shown = self.on or self.today
        if self.since is not None:
            first = min(self.since, shown)
        else:
            days = [datetime.fromisoformat(moment).astimezone(UTC).date() for moment in moments if moment]
            first = min([*days, shown, self.today - timedelta(days=1)])
        return Slider(first, *((day - _EPOCH).days for day in (first, shown, self.today)))


@dataclass(frozen=True, slots=True)
class Slider:
    """Days as a slider counts them, from 1970."""

    first: date
    least: int
    value: int
    most: int


def read_when(on: str, by: By, since: str, today: date) -> When:
    """Read what the form sent; a day that is none is the present."""
    return When(today, _day(on), by, _day(since))


def moments_in(card: Json | None, totals: Json | None, timeline: Json | None) -> list[str | None]:
    """Return the earliest moments that answers tell of."""
    found = [card.get("known_at")] if card else []
    found += [total["first_purchase_at"] for total in totals["totals"]] if totals else []
    found += [entry["occurred_at"] for entry in timeline["entries"][-1:]] if timeline else []
    return found


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
