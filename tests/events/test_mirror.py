"""The mirror copies a ledger to its topic, in order."""

from prometheus_client import REGISTRY

from rapport_events.copying import Copying
from rapport_events.envelope import Meta, from_headers, key_of, to_headers
from rapport_events.kafka import apply_topics
from rapport_events.mirror import Mirror
from rapport_events.postgres_ledger import PostgresLedger
from rapport_events.producer import producing
from rapport_events.scanner import read_partition
from tests.events.mirroring import SECONDS, Place, line, quicker, running, until_reached
from tests.waiting import until


async def test_a_ledger_is_copied_to_the_partitions_of_the_same_number(place: Place) -> None:
    await place.put(0, 1, 3)
    await place.put(31, 1, 2500)
    mirror = Mirror(place.settings)
    async with running(mirror):
        await until_reached(mirror, 31, 2500)
        await until_reached(mirror, 0, 3)
        await place.put(5, 1, 1)
        await until_reached(mirror, 5, 1)
    assert await place.records(0) == line(0, 1, 3)
    assert await place.records(31) == line(31, 1, 2500)
    assert await place.records(5) == line(5, 1, 1)


async def test_a_record_holds_all_that_its_row_holds(place: Place) -> None:
    await place.put(9, 1, 2)
    meta = Meta("ann", "flow", "cause", "00-trace", ("fact:0a",), "0b.0c")
    await place.tell("UPDATE events SET meta = $1, data = $2", meta.to_json(), '{ "n":1,  "pii": {"name": "s1.é"}}')
    mirror = Mirror(place.settings)
    async with running(mirror):
        await until_reached(mirror, 9, 2)
    async with place.keeper_pool() as pool:
        rows = await PostgresLedger(service="events", keeper=pool).read_partition(9, after=0, limit=10)
    records = [record async for page in read_partition(place.settings.bootstrap, place.topic, 9) for record in page]
    headers = [[(name, value or b"") for name, value in record.headers] for record in records]
    assert [
        from_headers(found, partition=record.partition, value=record.value or b"")
        for found, record in zip(headers, records, strict=True)
    ] == rows
    assert [sorted(found) for found in headers] == [sorted(to_headers(row)) for row in rows]
    assert [record.key for record in records] == [key_of(row) for row in rows]
    assert [record.timestamp for record in records] == [int(row.recorded_at.timestamp() * 1000) for row in rows]


async def test_large_events_are_copied_within_the_limits_of_a_batch(place: Place) -> None:
    await place.put(9, 1, 12)
    await place.tell("""UPDATE events SET data = json_build_object('text', repeat('ä', 120000))""")
    mirror = Mirror(place.settings)
    async with running(mirror):
        await until_reached(mirror, 9, 12)
    assert await place.records(9) == line(9, 1, 12)


async def test_one_step_copies_the_next_batch_of_each_partition(place: Place) -> None:
    await place.put(3, 1, 2)
    await place.put(4, 1, 5)
    await place.open()
    await apply_topics(place.settings.bootstrap, [place.topic])
    async with place.keeper_pool() as pool, producing(place.settings.bootstrap, place.topic) as producer:
        copying = Copying(pool, producer, service="events", era=1, topic=place.topic)
        assert [await copying.once(), await copying.once()] == [7, 0]
        await place.put(4, 6, 6)
        assert await copying.once() == 1
    assert await place.positions(4) == [1, 2, 3, 4, 5, 6]


async def test_no_row_of_a_server_that_was_not_compared_is_copied(place: Place) -> None:
    await place.put(3, 1, 2)
    await apply_topics(place.settings.bootstrap, [place.topic])
    async with place.keeper_pool() as pool, producing(place.settings.bootstrap, place.topic) as producer:
        copying = Copying(pool, producer, service="events", era=1, topic=place.topic)
        assert await copying.once() == 0
        await place.open()
        assert await copying.once() == 2


async def test_a_mirror_says_how_far_it_is_behind(place: Place) -> None:
    await place.put(9, 1, 2)
    mirror = Mirror(quicker(place.settings, glance_seconds=0.01))
    async with running(mirror):
        await until_reached(mirror, 9, 2)
        await until(lambda: lag_of(9) == 0.0, seconds=10, what="there is no lag")


def lag_of(partition: int) -> float | None:
    return REGISTRY.get_sample_value("rapport_mirror_lag", {"service": "events", "partition": str(partition)})


async def test_the_ledger_tells_how_far_its_mirror_has_got(place: Place) -> None:
    await place.put(9, 1, 3)
    async with place.keeper_pool() as pool:
        ledger = PostgresLedger(service="events", keeper=pool)

        async def is_told() -> bool:
            state = await ledger.state()
            return state.reach == state.heads and state.reach[9] == 3

        async with running(Mirror(quicker(place.settings, glance_seconds=0.05))):
            await until(is_told, seconds=SECONDS, what="the reach is told")
