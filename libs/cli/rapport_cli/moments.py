"""Moments as people type them: `1h`, `2d`, `now`, or in full."""

import re
from datetime import UTC, datetime, timedelta

_AGO = re.compile(r"(\d{1,6})(s|m|h|d|w)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment_of(text: str, now: datetime | None = None) -> str:
    """
    Return a moment in UTC, as ISO 8601 has it.

    Args:
        text: So long ago (`90s`, `5m`, `1h`, `2d`, `1w`), `now`, or a date or time; without a zone it is UTC.

    Raises:
        ValueError: It is nothing of that.
    """
    now = now or datetime.now(UTC)
    if text == "now":
        return now.isoformat()
    if found := _AGO.fullmatch(text):
        return (now - timedelta(**{_UNITS[found[2]]: int(found[1])})).isoformat()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no moment: say 90s, 5m, 1h, 2d, now, or 2026-03-02T12:00:00Z") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()
