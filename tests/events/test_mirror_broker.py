"""The embedded broker forgets everything when it ends; the mirror fills it again."""

import asyncio
from dataclasses import replace

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import UnknownError

from rapport_events.kafka import apply_topics
from rapport_events.mirror import Mirror
from rapport_events.producer import Outgoing, Producer, producing
from tests.brokers.any import AnyBroker
from tests.events.mirroring import Place, event_id, quicker, running, until_reached, until_readable
from tests.waiting import until

P = 7


@pytest.fixture
def fragile(place: Place, own_broker: AnyBroker) -> Place:
    """A place whose broker can be killed."""
    return replace(place, settings=replace(place.settings, bootstrap=own_broker.address))


async def test_a_broker_that_was_killed_is_filled_again(fragile: Place, own_broker: AnyBroker) -> None:
    await fragile.put(P, 1, 5)
    mirror = Mirror(quicker(fragile.settings, audit_seconds=0.3))
    async with running(mirror):
        await until_reached(mirror, P, 5)
        await own_broker.kill()
        await own_broker.start()
        await until_readable(fragile, P, 5)


async def test_all_events_arrive_though_the_broker_is_killed_under_load(fragile: Place, own_broker: AnyBroker) -> None:
    rounds, size = 12, 400
    mirror = Mirror(quicker(fragile.settings, audit_seconds=0.3))
    async with running(mirror):
        for done in range(0, rounds * size, size):
            for partition in (P, P + 1):
                await fragile.put(partition, done + 1, done + size)
            if done % (4 * size) == 2 * size:
                await own_broker.kill()
                await own_broker.start()
        for partition in (P, P + 1):
            await until_readable(fragile, partition, rounds * size)


async def test_a_consumer_that_stayed_connected_does_not_spoil_the_new_topic(
    fragile: Place, own_broker: AnyBroker
) -> None:
    await fragile.put(P, 1, 5)
    mirror = Mirror(quicker(fragile.settings, audit_seconds=0.3))
    async with running(mirror):
        await until_reached(mirror, P, 5)
        consumer = AIOKafkaConsumer(
            fragile.topic, bootstrap_servers=own_broker.address, auto_offset_reset="earliest", metadata_max_age_ms=100
        )
        await consumer.start()
        try:
            await own_broker.kill()
            await own_broker.start()
            await until_readable(fragile, P, 5)
        finally:
            await consumer.stop()


async def leave_a_batch_without_topic(place: Place, own_broker: AnyBroker, producer: Producer) -> None:
    """Send to a broker that was started again: it keeps the batch, and makes the topic as if it had none."""
    await own_broker.kill()
    await own_broker.start()
    await send(place, producer, 2)
    await apply_topics(own_broker.address, [place.topic])


async def send(place: Place, producer: Producer, count: int) -> None:
    """Send the first event so many times."""
    headers = [("ce_position", b"1"), ("ce_id", str(event_id(P, 1)).encode())]
    await producer.send(place.topic, P, producer.pack([Outgoing(b"k", b"{}", headers, 1)] * count))


@pytest.mark.embedded_broker
async def test_a_topic_that_takes_no_batch_is_made_anew(fragile: Place, own_broker: AnyBroker) -> None:
    await fragile.put(P, 1, 5)
    await apply_topics(own_broker.address, [fragile.topic])
    async with producing(own_broker.address, fragile.topic) as producer:
        await leave_a_batch_without_topic(fragile, own_broker, producer)

    async with running(Mirror(fragile.settings)):
        await until_readable(fragile, P, 5)


@pytest.mark.embedded_broker
async def test_a_topic_whose_end_has_no_records_is_made_anew(fragile: Place, own_broker: AnyBroker) -> None:
    await fragile.put(P, 1, 5)
    await apply_topics(own_broker.address, [fragile.topic])
    async with producing(own_broker.address, fragile.topic) as producer:
        await leave_a_batch_without_topic(fragile, own_broker, producer)
        with pytest.raises(UnknownError):
            await send(fragile, producer, 9)

    await fragile.open()
    async with running(Mirror(fragile.settings)):
        await until_readable(fragile, P, 5)


async def test_a_mirror_waits_for_a_broker_that_is_away(fragile: Place, own_broker: AnyBroker) -> None:
    await own_broker.kill()
    await fragile.put(P, 1, 5)
    mirror = Mirror(fragile.settings)
    async with running(mirror):
        await until(lambda: mirror.state.phase == "comparing", seconds=10, what="the mirror looks for the broker")
        await asyncio.wait_for(own_broker.start(), timeout=20)
        await until_reached(mirror, P, 5)
