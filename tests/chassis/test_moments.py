"""A question about the past names its moment: with a zone, and not in the future."""

from datetime import UTC, datetime, timedelta

import pytest

from rapport_chassis.moments import NOW, MomentAhead, MomentUnreadable, MomentWithoutZone, read_moment
from rapport_chassis.standing import Freshness
from rapport_events.errors import Malformed
from rapport_events.testing import NOON

HOUR = timedelta(hours=1)


def test_a_question_without_a_moment_is_about_the_present() -> None:
    moment = read_moment(None, None, NOON)

    assert moment == NOW
    assert moment.is_now
    assert moment.shown(Freshness(lag_seconds=0, as_of=NOON)) is None


@pytest.mark.parametrize("text", ["2026-03-02T11:00:00Z", "2026-03-02T12:00:00+01:00", "2026-03-02T11:00Z"])
def test_a_moment_is_read_in_any_zone(text: str) -> None:
    moment = read_moment(text, None, NOON)

    assert (moment.as_of, moment.known_at) == (NOON - HOUR, None)
    assert moment.limits[1] == datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("yesterday", MomentUnreadable),
        ("", MomentUnreadable),
        ("2026-03-02T12:00:00 01:00", MomentUnreadable),
        ("0001-01-01T00:00:00+02:00", MomentUnreadable),
        ("2026-03-02", MomentWithoutZone),
        ("2026-03-02T11:00:00", MomentWithoutZone),
        ("2026-03-02T12:00:05Z", MomentAhead),
        ("9999-12-31T23:59:59Z", MomentAhead),
    ],
)
def test_what_is_no_moment_of_the_past_is_refused(text: str, refusal: type[Malformed]) -> None:
    with pytest.raises(refusal) as refused:
        read_moment(NOON.isoformat(), text, NOON)

    assert refused.value.facts["parameter"] == "known_at"


@pytest.mark.parametrize(
    ("known_at", "lag_seconds", "is_settled"),
    [
        (NOON - HOUR, 0.0, True),
        (NOON - timedelta(seconds=9), 0.0, False),
        (NOON - HOUR, None, False),
        (None, 0.0, False),
    ],
)
def test_an_answer_says_whether_it_is_the_last_word(
    known_at: datetime | None, lag_seconds: float | None, is_settled: bool
) -> None:
    moment = read_moment((NOON - 2 * HOUR).isoformat(), known_at.isoformat() if known_at else None, NOON)

    shown = moment.shown(Freshness(lag_seconds=lag_seconds, as_of=NOON))

    assert shown is not None
    assert shown.is_settled is is_settled
