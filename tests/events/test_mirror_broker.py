"""The embedded broker forgets everything when it ends; the mirror fills it again."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer

from rapport_cli.embedded.broker import Broker
from rapport_events.mirror import Mirror
from tests.events.mirroring import Place, quicker, running, until_reached, until_readable
from tests.waiting import until

P = 7


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    broker = Broker(tmp_path)
    await broker.start()
    yield broker
    await broker.kill()


@pytest.fixture
def fragile(place: Place, broker: Broker) -> Place:
    """A place whose broker can be killed."""
    return replace(place, settings=replace(place.settings, bootstrap=broker.address))


async def test_a_broker_that_was_killed_is_filled_again(fragile: Place, broker: Broker) -> None:
    await fragile.put(P, 1, 5)
    mirror = Mirror(quicker(fragile.settings, audit_seconds=0.3))
    async with running(mirror):
        await until_reached(mirror, P, 5)
        await broker.kill()
        await broker.start()
        await until_readable(fragile, P, 5)


async def test_all_events_arrive_though_the_broker_is_killed_under_load(fragile: Place, broker: Broker) -> None:
    rounds, size = 12, 400
    mirror = Mirror(quicker(fragile.settings, audit_seconds=0.3))
    async with running(mirror):
        for done in range(0, rounds * size, size):
            for partition in (P, P + 1):
                await fragile.put(partition, done + 1, done + size)
            if done % (4 * size) == 2 * size:
                await broker.kill()
                await broker.start()
        for partition in (P, P + 1):
            await until_readable(fragile, partition, rounds * size)


async def test_a_consumer_that_stayed_connected_does_not_spoil_the_new_topic(fragile: Place, broker: Broker) -> None:
    await fragile.put(P, 1, 5)
    mirror = Mirror(quicker(fragile.settings, audit_seconds=0.3))
    async with running(mirror):
        await until_reached(mirror, P, 5)
        consumer = AIOKafkaConsumer(
            fragile.topic, bootstrap_servers=broker.address, auto_offset_reset="earliest", metadata_max_age_ms=100
        )
        await consumer.start()
        try:
            await broker.kill()
            await broker.start()
            await until_readable(fragile, P, 5)
        finally:
            await consumer.stop()


async def test_a_mirror_waits_for_a_broker_that_is_away(fragile: Place, broker: Broker) -> None:
    await broker.kill()
    await fragile.put(P, 1, 5)
    mirror = Mirror(fragile.settings)
    async with running(mirror):
        await until(lambda: mirror.state.phase == "comparing", seconds=10, what="the mirror looks for the broker")
        await asyncio.wait_for(broker.start(), timeout=20)
        await until_reached(mirror, P, 5)
