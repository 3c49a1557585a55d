"""The broker of the simulation answers as a real one does: each call is made to both."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import KafkaError

from rapport_events import subscribing, ways
from rapport_events.producer import Outgoing
from rapport_events.scanner import Consumed
from rapport_events.subscribing import ConsumingSettings
from tests.simulation.broker import Broker, Client
from tests.simulation.callers import PARTITIONS_USED
from tests.simulation.consumer import declaring
from tests.simulation.desks import Hurried
from tests.simulation.nature import Process
from tests.waiting import until

PLACE = PARTITIONS_USED[0]


@dataclass(frozen=True)
class Reached:
    """A broker, and the ways to it."""

    ways: ways.Ways | Client
    consumers: subscribing.Ways
    address: str
    prefix: str

    @property
    def topic(self) -> str:
        """The topic of a ledger's first era."""
        return f"{self.prefix}.interactions"


@pytest.fixture(params=["real", "simulated"])
def reached(request: pytest.FixtureRequest, kafka: str, topic_prefix: str) -> Reached:
    if request.param == "real":
        return Reached(ways.REAL, subscribing.REAL, kafka, topic_prefix)
    process = Process(Hurried(0), "test")
    client = Client(Broker(process.nature), process)
    consumers = subscribing.Ways(declare=declaring(client.broker, process), apply_topics=client.apply_topics)
    return Reached(client, consumers, "", topic_prefix)


def record(position: int) -> Outgoing:
    return Outgoing(b"key", b"value", [("ce_position", b"%d" % position)], 1)


def position_of(_partition: int, record: Any) -> int:  # noqa: ANN401  # a record of either client
    return int(dict(record.headers)["ce_position"])


async def send(reached: Reached, *positions: int) -> list[int]:
    """Send records, and return the offset of each batch."""
    await reached.ways.apply_topics(reached.address, [reached.topic])
    offsets: list[int] = []
    left = [record(position) for position in positions]
    async with reached.ways.producing(reached.address, reached.topic) as producer:
        while left:
            batch = producer.pack(left)
            left = left[batch.count :]
            offsets.append(await producer.send(reached.topic, PLACE, batch))
    return offsets


async def test_topics_tell_the_eras_of_a_ledger(reached: Reached) -> None:
    assert await reached.ways.find_eras(reached.address, "interactions", reached.prefix) == []
    for _ in range(2):
        await reached.ways.apply_topics(reached.address, [reached.topic, f"{reached.topic}.e2"])

    assert await reached.ways.find_eras(reached.address, "interactions", reached.prefix) == [1, 2]


async def test_batches_lie_one_behind_the_other_in_the_order_of_their_confirmations(reached: Reached) -> None:
    first = await send(reached, *range(1, 8))
    second = await send(reached, 8)

    assert first[0] == 0
    assert second == [7]


async def test_a_scanner_reads_from_an_offset_to_the_end(reached: Reached) -> None:
    await send(reached, *range(1, 31))
    found: list[int] = []
    async with reached.ways.scanning(reached.address, reached.topic) as scanner:
        assert await scanner.begin([PLACE]) == {PLACE: 0}
        async for pages in scanner.scan({PLACE: 4}, position_of):
            found += pages[PLACE].records
        at = await scanner.at({PLACE: 9}, position_of)
        behind = await scanner.at({PLACE: 99}, position_of)
        page = (await scanner.fetch({PLACE: 30}, position_of))[PLACE]

    assert found == list(range(5, 31))
    assert (at, behind) == ({PLACE: 10}, {})
    assert (page.records, page.next_offset, page.end) == ([], 30, 30)


async def test_an_offset_behind_the_end_lies_outside(reached: Reached) -> None:
    await send(reached, 1)
    async with reached.ways.scanning(reached.address, reached.topic) as scanner:
        page = (await scanner.fetch({PLACE: 5}, position_of))[PLACE]

    assert (page.records, page.end) == ([], -1)


async def test_a_topic_that_is_not_there_cannot_be_read(reached: Reached) -> None:
    with pytest.raises((KafkaError, TimeoutError)):
        async with asyncio.timeout(1), reached.ways.scanning(reached.address, reached.topic) as scanner:
            await scanner.begin([PLACE])


class Listener(ConsumerRebalanceListener):
    """Hears of nothing."""

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        """Do nothing."""

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        """Do nothing."""


async def test_a_consumer_without_a_group_gets_everything_in_order_and_again_after_it_has_sought(
    reached: Reached,
) -> None:
    await send(reached, *range(1, 12))
    found: list[int] = []

    async def handle(records: Sequence[Consumed]) -> None:
        found.extend(position_of(PLACE, record) for record in records)

    settings = ConsumingSettings(bootstrap=reached.address, group=None, prefix=reached.prefix)
    broker, subscriber = reached.consumers.declare(settings, [reached.topic], handle, Listener())
    place = TopicPartition(reached.topic, PLACE)
    await broker.start()
    try:
        await until(lambda: len(found) == 11, seconds=10, what="all came")
        consumer = subscriber.consumer
        assert place in consumer.assignment()
        assert (await consumer.position(place), consumer.highwater(place)) == (11, 11)
        consumer.seek(place, 9)
        await until(lambda: len(found) == 13, seconds=10, what="some came again")
    finally:
        await broker.stop()

    assert found == [*range(1, 12), 10, 11]
