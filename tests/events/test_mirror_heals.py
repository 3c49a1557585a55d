"""The topic is a copy that heals itself: whatever it lost, a reader that starts today gets everything."""

from prometheus_client import REGISTRY

from rapport_events.kafka import apply_topics
from rapport_events.mirror import Mirror, ask_resend
from tests.events.mirroring import Place, line, quicker, running, until_audited, until_reached, until_readable
from tests.events.publishing import publish_raw
from tests.waiting import until

P = 7


async def test_an_empty_topic_is_filled_from_the_first_event(place: Place) -> None:
    await place.put(P, 1, 5)
    first = Mirror(place.settings)
    async with running(first):
        await until_reached(first, P, 5)
    await place.lose_topic()
    second = Mirror(place.settings)
    async with running(second):
        await until_reached(second, P, 5)
    assert await place.records(P) == line(P, 1, 5)


async def test_a_lost_tail_is_sent_again_at_the_next_start(place: Place) -> None:
    await place.put(P, 1, 5)
    await place.publish(P, line(P, 1, 2))
    mirror = Mirror(place.settings)
    async with running(mirror):
        await until_reached(mirror, P, 5)
    assert await place.positions(P) == [1, 2, 3, 4, 5]


async def test_a_hole_is_healed_behind_what_landed_after_it(place: Place) -> None:
    await place.put(P, 1, 2)
    await place.publish(P, line(P, 2, 2))
    mirror = Mirror(place.settings)
    async with running(mirror):
        await until_readable(place, P, 2)
    assert await place.positions(P) == [2, 1, 2]


async def test_an_idle_mirror_notices_that_the_topic_was_emptied(place: Place) -> None:
    await place.put(P, 1, 5)
    mirror = Mirror(quicker(place.settings, audit_seconds=0.2))
    async with running(mirror):
        await until_reached(mirror, P, 5)
        await until_audited(mirror)
        await place.lose_topic()
        await until_readable(place, P, 5)


async def test_an_idle_mirror_notices_a_tail_that_was_lost_and_filled_to_the_same_length(place: Place) -> None:
    await place.put(P, 1, 5)
    mirror = Mirror(quicker(place.settings, audit_seconds=0.2))
    async with running(mirror):
        await until_reached(mirror, P, 5)
        await until_audited(mirror)
        heals = mirror.state.heals
        await place.lose_topic()
        await place.publish(P, [*line(P, 1, 2), *line(P, 1, 2), *line(P, 1, 1)])
        await until_readable(place, P, 5)
        assert mirror.state.heals > heals


async def test_a_confirmation_at_an_unexpected_offset_brings_the_audit_forward(place: Place) -> None:
    await place.put(P, 1, 3)
    mirror = Mirror(quicker(place.settings, audit_seconds=3_600))
    async with running(mirror):
        await until_reached(mirror, P, 3)
        await place.publish(P, line(P, 2, 3))
        await place.put(P, 4, 4)
        mirror.wake()
        await until(lambda: mirror.state.audits > 0, seconds=10, what="the topic is audited")
    assert await place.positions(P) == [1, 2, 3, 2, 3, 4]


async def test_marks_that_no_longer_fit_are_given_up(place: Place) -> None:
    await place.put(P, 1, 6)
    mirror = Mirror(quicker(place.settings, audit_seconds=0.1))
    async with running(mirror):
        await until_reached(mirror, P, 6)
        await until_audited(mirror)
    assert [row["position"] for row in await place.tell("SELECT position FROM mirror_marks")] == [6]
    await place.lose_topic()
    await place.publish(P, [*line(P, 3, 6), *line(P, 1, 3)])
    again = Mirror(place.settings)
    async with running(again):
        await until_reached(again, P, 6)
    assert await place.positions(P) == [3, 4, 5, 6, 1, 2, 3, 4, 5, 6]


async def test_an_older_mark_that_does_not_fit_is_noticed_at_the_start(place: Place) -> None:
    await place.put(P, 1, 4)
    await place.publish(P, [*line(P, 2, 2), *line(P, 2, 4)])
    for offset, position in ((0, 1), (3, 4)):
        await place.tell(
            "INSERT INTO mirror_marks (era, partition, record_offset, position, event_id) VALUES (1, $1, $2, $3, $4)",
            P,
            offset,
            position,
            line(P, position, position)[0][1],
        )
    mirror = Mirror(place.settings)
    async with running(mirror):
        await until_readable(place, P, 4)
    assert await place.positions(P) == [2, 2, 3, 4, 1, 2, 3, 4]


async def test_only_what_came_since_the_last_mark_is_read(place: Place) -> None:
    await place.put(P, 1, 4)
    # A hole before the mark: nobody looks there as long as the mark fits.
    await place.publish(P, [*line(P, 2, 2), *line(P, 3, 3)])
    await place.tell("INSERT INTO mirror_marks VALUES (1, $1, 1, 3, $2)", P, line(P, 3, 3)[0][1])
    mirror = Mirror(place.settings)
    async with running(mirror):
        await until_reached(mirror, P, 4)
    assert await place.positions(P) == [2, 3, 4]


async def test_a_partition_is_sent_again_when_a_reader_asks_for_it(place: Place) -> None:
    await place.put(P, 1, 4)
    mirror = Mirror(quicker(place.settings, resend_seconds=3_600))
    async with running(mirror):
        await until_reached(mirror, P, 4)
        assert mirror.resend(P, 2)
        await until_reached(mirror, P, 4)
        assert not mirror.resend(P, 1)
    assert await place.positions(P) == [1, 2, 3, 4, 3, 4]


async def test_a_process_that_does_not_lead_can_have_a_partition_sent_again(place: Place) -> None:
    await place.put(P, 1, 2)
    mirror = Mirror(place.settings)
    async with running(mirror):
        await until_reached(mirror, P, 2)
        async with place.keeper() as connection:
            await ask_resend(connection, P, 1)

        async def is_sent_again() -> bool:
            return await place.positions(P) == [1, 2, 2]

        await until(is_sent_again, seconds=10, what="position 2 is sent again")


async def test_an_audit_in_between_does_not_end_a_resend(place: Place) -> None:
    await place.put(P, 1, 3_000)
    mirror = Mirror(quicker(place.settings, audit_seconds=0.01))
    async with running(mirror):
        await until_reached(mirror, P, 3_000)
        await until_audited(mirror)
        assert mirror.resend(P, 0)
        await until_reached(mirror, P, 3_000)
    assert await place.positions(P) == [*range(1, 3_001), *range(1, 3_001)]


async def test_a_record_without_a_number_is_passed_over_with_an_alarm(place: Place) -> None:
    await place.put(P, 1, 2)
    await apply_topics(place.settings.bootstrap, [place.topic])
    await publish_raw(place.settings.bootstrap, place.topic, P, b"x", [("ce_position", b"many"), ("n\u00e9", b"\xff")])
    before = alarms("records_without_number")
    mirror = Mirror(quicker(place.settings, audit_seconds=0.1))
    async with running(mirror):
        await until_reached(mirror, P, 2)
        await until_audited(mirror)
        await publish_raw(place.settings.bootstrap, place.topic, P, None, [])
        await until(lambda: alarms("records_without_number") > before, seconds=10, what="there is an alarm")
        await place.put(P, 3, 3)
        await until_reached(mirror, P, 3)


async def test_a_long_reading_leaves_marks_on_its_way(place: Place) -> None:
    await place.put(P, 1, 20_500)
    mirror = Mirror(place.settings)
    async with running(mirror):
        await until_reached(mirror, P, 20_500)
    again = Mirror(place.settings)
    async with running(again):
        await until_reached(again, P, 20_500)
    rows = await place.tell("SELECT position FROM mirror_marks ORDER BY position")
    assert [row["position"] for row in rows] == [10_000, 20_000, 20_500]


def alarms(kind: str) -> float:
    return REGISTRY.get_sample_value("rapport_mirror_alarms_total", {"service": "events", "kind": kind}) or 0.0
