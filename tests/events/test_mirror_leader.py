"""One process leads; when the leader changes, nothing is lost and some of it is repeated."""

import asyncio

from rapport_events.mirror import Mirror
from tests.events.mirroring import Place, line, quicker, running, until_reached, until_readable
from tests.waiting import until

P = 7


async def test_one_of_two_processes_leads(place: Place) -> None:
    await place.put(P, 1, 3)
    one, other = Mirror(place.settings), Mirror(place.settings)
    async with running(one, other):
        await until(
            lambda: "copying" in {one.state.phase, other.state.phase}, seconds=10, what="one of the processes leads"
        )
        leader, waiting = (one, other) if one.state.phase == "copying" else (other, one)
        await until_reached(leader, P, 3)
        assert waiting.state.phase == "waiting"
    assert await place.positions(P) == [1, 2, 3]


async def test_the_next_process_leads_when_the_leader_stops(place: Place) -> None:
    await place.put(P, 1, 3)
    settings = quicker(place.settings, lead_seconds=0.05)
    first, second = Mirror(settings), Mirror(settings)
    async with running(first):
        await until_reached(first, P, 3)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(second.run())
            await place.put(P, 4, 5)
            await until_reached(first, P, 5)
            task.cancel()
    async with running(second):
        await until_reached(second, P, 5)
        await place.put(P, 6, 6)
        await until_reached(second, P, 6)
    assert await place.positions(P) == [1, 2, 3, 4, 5, 6]


async def test_a_leader_that_loses_its_connection_loses_the_lead_and_events_only_repeat(place: Place) -> None:
    settings = quicker(place.settings, lead_seconds=0.05)
    one, other = Mirror(settings), Mirror(settings)
    async with running(one, other):
        for round_ in range(4):
            await place.put(P, round_ * 500 + 1, round_ * 500 + 500)
            await place.tell(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = 'events.mirror'"
            )

        await until_readable(place, P, 2_000)
    assert set(await place.records(P)) == set(line(P, 1, 2_000))


async def test_rows_are_noticed_without_a_notification(place: Place) -> None:
    mirror = Mirror(place.settings)
    async with running(mirror):
        await until(lambda: mirror.state.phase == "copying", seconds=10, what="the mirror leads")
        await place.put(P, 1, 1)
        await until_reached(mirror, P, 1)


async def test_a_notification_wakes_the_mirror(place: Place) -> None:
    mirror = Mirror(quicker(place.settings, poll_seconds=3_600))
    async with running(mirror):
        await until(lambda: mirror.state.phase == "copying", seconds=10, what="the mirror leads")
        await place.put(P, 1, 1)
        await place.tell("SELECT pg_notify('rapport_ledger', '')")
        await until_reached(mirror, P, 1)
