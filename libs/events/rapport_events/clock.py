"""The clock by which timers are due; tests set it, while the time of record is always that of the database."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

Clock = Callable[[], datetime]


def wall_clock() -> datetime:
    """Return the moment (UTC)."""
    return datetime.now(UTC)


def clock_ahead_by(path: Path) -> Clock:
    """Make a clock that is ahead by the seconds that a file holds, read at each look: for tests of whole suites."""

    def look() -> datetime:
        try:
            ahead = float(path.read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            ahead = 0.0
        return wall_clock() + timedelta(seconds=ahead)

    return look
