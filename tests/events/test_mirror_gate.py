"""A ledger whose numbers may have been used twice takes no appends before it was compared with its topic."""

from dataclasses import replace

from rapport_events.mirror import Mirror
from tests.events.mirroring import Place, line, quicker, running, until_audited, until_reached, until_stopped
from tests.waiting import until

P = 7
RESTARTED = "UPDATE ledger SET compared_start = compared_start - interval '1 hour'"
PROMOTED = RESTARTED + ", timeline = timeline - 1"


async def mirror_once(place: Place, *rows: int) -> None:
    """Mirror the ledger as it is, then stop."""
    mirror = Mirror(place.settings)
    async with running(mirror):
        await until_reached(mirror, P, max(rows, default=0))
        await until(place.is_open, seconds=10, what="the ledger is open")


def away(place: Place, **changes: float) -> Mirror:
    """Return a mirror whose broker does not answer."""
    return Mirror(replace(quicker(place.settings, **changes), bootstrap="127.0.0.1:1"))


async def test_a_new_ledger_opens_when_its_topic_holds_nothing(place: Place) -> None:
    assert not await place.is_open()
    await mirror_once(place)


async def test_a_ledger_opens_after_a_restart_that_lost_nothing(place: Place) -> None:
    await place.put(P, 1, 5)
    await mirror_once(place, 5)
    await place.tell(RESTARTED)
    assert not await place.is_open()
    await mirror_once(place, 5)


async def test_a_ledger_that_lacks_records_of_its_topic_stays_shut(place: Place) -> None:
    await place.put(P, 1, 5)
    await mirror_once(place, 5)
    await place.take_away(P, 3)
    await place.tell(RESTARTED)
    mirror = Mirror(place.settings)
    async with running(mirror):
        await until_stopped(mirror, "RecordNotHeld")
        assert not await place.is_open()
    assert await place.records(P) == line(P, 1, 5)


async def test_a_lost_database_stays_shut_while_its_topic_is_there_and_opens_when_it_is_gone(place: Place) -> None:
    await place.publish(P, line(P, 1, 3))
    mirror = Mirror(quicker(place.settings, stopped_seconds=0.1))
    async with running(mirror):
        await until_stopped(mirror, "RecordNotHeld")
        assert not await place.is_open()
        await place.lose_topic()
        await until(place.is_open, seconds=10, what="the ledger is open")


async def test_a_number_that_was_used_twice_stops_the_mirror_and_shuts_the_ledger(place: Place) -> None:
    await place.put(P, 1, 5)
    mirror = Mirror(quicker(place.settings, audit_seconds=0.1))
    async with running(mirror):
        await until_reached(mirror, P, 5)
        await until_audited(mirror)
        await place.publish(P, [*line(P, 6, 6, "before the restore")])
        await place.put(P, 6, 7)
        await until_stopped(mirror, "RecordNotHeld")
        assert not await place.is_open()
        await place.put(P, 8, 9)
    assert [position for position in await place.positions(P) if position > 7] == []


async def test_a_record_that_the_ledger_does_not_hold_stops_the_mirror(place: Place) -> None:
    await place.put(P, 1, 2)
    await place.publish(P, [*line(P, 1, 1, "before the restore")])
    mirror = Mirror(place.settings)
    async with running(mirror):
        await until_stopped(mirror, "RecordNotHeld")
    assert await place.records(P) == line(P, 1, 1, "before the restore")


async def test_a_number_that_no_ledger_can_hold_stops_the_mirror(place: Place) -> None:
    await place.put(P, 1, 2)
    await place.publish(P, [(2**70, "x")])
    mirror = Mirror(place.settings)
    async with running(mirror):
        await until_stopped(mirror, "RecordNotHeld")


async def test_a_ledger_opens_after_five_seconds_without_a_broker(place: Place) -> None:
    await place.put(P, 1, 5)
    mirror = away(place, away_seconds=0.5)
    async with running(mirror):
        await until(place.is_open, seconds=10, what="the ledger is open")


async def test_a_ledger_waits_for_the_broker_for_a_while(place: Place) -> None:
    mirror = away(place, away_seconds=3_600)
    async with running(mirror):
        await until(lambda: mirror.state.topic != "", seconds=10, what="the mirror looks for the broker")
        assert not await place.is_open()


async def test_a_ledger_that_was_opened_too_early_is_shut_when_the_broker_comes_back(place: Place) -> None:
    await place.put(P, 1, 5)
    await mirror_once(place, 5)
    await place.take_away(P, 3)
    await place.tell(RESTARTED)
    early = away(place, away_seconds=0)
    async with running(early):
        await until(place.is_open, seconds=10, what="the ledger is open")
    late = Mirror(place.settings)
    async with running(late):
        await until_stopped(late, "RecordNotHeld")
        assert not await place.is_open()


async def test_a_promoted_server_without_synchronous_replication_stays_shut(place: Place) -> None:
    await place.put(P, 1, 5)
    await mirror_once(place, 5)
    await place.tell(PROMOTED)
    mirror = Mirror(place.settings)
    async with running(mirror):
        await until_stopped(mirror, "StaysShut")
        assert not await place.is_open()


async def test_a_restarted_server_that_acknowledges_before_the_disk_has_it_stays_shut(place: Place) -> None:
    await place.put(P, 1, 5)
    await mirror_once(place, 5)
    await place.tell(RESTARTED)
    await place.tell("ALTER ROLE rapport_events_keeper SET synchronous_commit = off")
    try:
        mirror = Mirror(place.settings)
        async with running(mirror):
            await until_stopped(mirror, "StaysShut")
            assert not await place.is_open()
    finally:
        await place.tell("ALTER ROLE rapport_events_keeper RESET synchronous_commit")


async def test_a_ledger_that_was_shut_by_hand_is_not_opened_by_a_restart(place: Place) -> None:
    await mirror_once(place)
    await place.tell("UPDATE ledger SET is_open = false")
    await place.tell(RESTARTED)
    mirror = Mirror(place.settings)
    async with running(mirror):
        await until_stopped(mirror, "StaysShut")


async def test_a_new_era_is_copied_to_a_topic_of_its_own_from_the_first_event(place: Place) -> None:
    await place.put(P, 1, 3)
    mirror = Mirror(quicker(place.settings, glance_seconds=0.05))
    async with running(mirror):
        await until_reached(mirror, P, 3)
        await place.take_away(P, 2)
        await place.tell("UPDATE ledger SET era = 2")
        await place.put(P, 3, 4, history="era 2")
        topic = f"{place.topic}.e2"
        await until(lambda: mirror.state.topic == topic, seconds=10, what="the mirror carries era 2")
        await until_reached(mirror, P, 4)
    assert await place.records(P, topic) == [*line(P, 1, 2), *line(P, 3, 4, "era 2")]
    assert await place.records(P) == line(P, 1, 3)
