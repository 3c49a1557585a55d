"""The moment that a question is about: what was true then, what was known then, or both."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from fastapi import Query
from pydantic import BaseModel, Field

from rapport_chassis.standing import Freshness
from rapport_events.errors import Malformed

NEVER: Final = datetime.max.replace(tzinfo=UTC)
SETTLES_AFTER: Final = timedelta(seconds=10)
"""How far the time of record may run ahead of a clock: younger moments can still get facts."""
_CLOCKS_DIFFER_BY: Final = timedelta(seconds=1)
_FORMAT: Final = {"format": "date-time", "examples": ["2026-03-02T12:00:00Z"]}

AsOf = Annotated[
    str | None,
    Query(
        description="What was true at this moment: only what had happened by then, in the order in which it happened.",
        json_schema_extra=_FORMAT,
    ),
]
KnownAt = Annotated[
    str | None,
    Query(description="What we believed at this moment: only what was recorded by then.", json_schema_extra=_FORMAT),
]
PARAMETERS: Final = ("as_of", "known_at")


class MomentUnreadable(Malformed):
    """This is no moment; write 2026-03-02T12:00:00Z, and in an address %2B for the + of a zone."""

    code = "moment_unreadable"


class MomentWithoutZone(Malformed):
    """A day begins at another time elsewhere, so a moment needs its zone; write 2026-03-02T12:00:00Z."""

    code = "moment_without_zone"


class MomentAhead(Malformed):
    """This moment lies in the future, of which nothing is known; leave it out to ask for now."""

    code = "moment_ahead"


class PastNotKept(Malformed):
    """This is only kept as it is now; ask without as_of and known_at."""

    code = "past_not_kept"


class MomentShown(BaseModel):
    """The moment that an answer is about."""

    as_of: datetime | None = Field(description="Only what had happened by then is in the answer; null: all that has.")
    known_at: datetime | None = Field(description="Only what was recorded by then is in the answer; null: all that is.")
    is_settled: bool = Field(
        description="Whether this question finds the same facts for ever: `known_at` is given and more than 10 s past, "
        "and all that was recorded by then is in the answer. Without it a late fact can still change what was true."
    )


@dataclass(frozen=True, slots=True)
class Moment:
    """What a question is limited to: when facts happened, when they were recorded; None: no limit."""

    as_of: datetime | None = None
    known_at: datetime | None = None

    @property
    def is_now(self) -> bool:
        """Whether there is no limit: the question is about the present."""
        return self.as_of is None and self.known_at is None

    @property
    def limits(self) -> tuple[datetime, datetime]:
        """The latest times of happening and of record that count."""
        return self.as_of or NEVER, self.known_at or NEVER

    def at(self, now: datetime) -> datetime:
        """Return the moment at which what runs out, such as a consent, is judged."""
        return self.as_of or self.known_at or now

    def shown(self, freshness: Freshness) -> MomentShown | None:
        """Say in an answer what it is about; None where that is the present."""
        if self.is_now:
            return None
        is_complete = freshness.lag_seconds is not None and self.limits[1] <= freshness.as_of - SETTLES_AFTER
        return MomentShown(as_of=self.as_of, known_at=self.known_at, is_settled=is_complete)


NOW: Final = Moment()


def read_moment(as_of: str | None, known_at: str | None, now: datetime) -> Moment:
    """
    Read what a caller has asked for.

    Raises:
        MomentUnreadable: One of them is no moment.
        MomentWithoutZone: One of them could be meant in any zone.
        MomentAhead: One of them lies after `now`.
    """
    return Moment(*(_read(*given, now) for given in zip(PARAMETERS, (as_of, known_at), strict=True)))


def _read(parameter: str, text: str | None, now: datetime) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        moment = found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise MomentUnreadable(parameter=parameter) from None
    if found.tzinfo is None:
        raise MomentWithoutZone(parameter=parameter)
    if moment > now + _CLOCKS_DIFFER_BY:
        raise MomentAhead(parameter=parameter, now=now)
    return moment
