"""A consumer of the in-memory broker, as FastStream declares one: polls go to a handler, one after another."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, TypeVar, cast

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from rapport_events.scanner import Consumed, Read, Record
from rapport_events.subscribing import ConsumingSettings
from tests.simulation.broker import Broker, Client
from tests.simulation.callers import PARTITIONS_USED
from tests.simulation.nature import Process

T = TypeVar("T")

POLL_RECORDS_MAX = 5
QUIET_SECONDS = 2.0


class SimulatedConsumer:
    """Reads all partitions of its topics from where its group committed, or from the first records."""

    def __init__(self, broker: Broker, process: Process, topics: Collection[str], group: str | None) -> None:
        self._broker = broker
        self._process = process
        self._group = group
        self._fetcher = SimpleNamespace(_fetch_max_wait_ms=0)
        self._ends: dict[TopicPartition, int] = {}
        self.offsets = {
            TopicPartition(topic, partition): broker.committed.get((group or "", topic, partition), 0)
            for topic in topics
            for partition in PARTITIONS_USED
        }

    def assignment(self) -> Collection[TopicPartition]:
        """Return the partitions that it reads."""
        return tuple(self.offsets)

    def highwater(self, place: TopicPartition) -> int | None:
        """Return the end of a partition as the last answer told it."""
        return self._ends.get(place)

    async def position(self, place: TopicPartition) -> int:
        """Return the offset that is read next."""
        return self.offsets[place]

    def seek(self, place: TopicPartition, offset: int) -> None:
        """Read on from an offset."""
        self.offsets[place] = offset
        self._broker.tell()

    async def commit(self) -> None:
        """Write the offsets down for the group."""
        await self._process.takes()
        if not self._broker.is_up:
            raise KafkaError("the broker is away")
        for (topic, partition), offset in self.offsets.items():
            self._broker.committed[self._group or "", topic, partition] = offset

    async def poll(self) -> list[Consumed]:
        """Wait for records, and return some of those that come next."""
        while True:
            news = self._broker.news
            await self._process.takes()
            if records := self._take():
                return records
            try:
                async with asyncio.timeout(QUIET_SECONDS):
                    await news.wait()
            except TimeoutError:
                # Nothing came; the clock decides when it looks again.
                pass

    def _take(self) -> list[Consumed]:
        if not self._broker.is_up:
            return []
        taken: list[Consumed] = []
        room = self._broker.nature.random.randint(1, POLL_RECORDS_MAX)
        for place, offset in self.offsets.items():
            if place.topic not in self._broker.topics:
                continue
            log = self._broker.topics[place.topic][place.partition]
            end = self._ends[place] = len(log)
            # Kafka refuses an offset behind the end, and the client begins again with the first record.
            at = offset if offset <= end or self._broker.is_embedded else 0
            records = log[at : at + room]
            self.offsets[place] = at + len(records)
            taken += [consumed(place.topic, place.partition, cast("Record", record)) for record in records]
        return taken


@dataclass(eq=False)
class Subscription:
    """What `declare` returns, as broker and as subscriber: it runs the polls."""

    broker: Broker
    process: Process
    settings: ConsumingSettings
    topics: tuple[str, ...]
    handle: Callable[[Sequence[Consumed]], Awaitable[None]]
    listener: Any
    batch_timeout_ms: float = 0
    consumer: SimulatedConsumer | None = None
    _task: asyncio.Task[None] | None = field(default=None, repr=False)

    async def start(self) -> None:
        """Connect, and begin to poll."""
        await self.process.takes()
        self.consumer = SimulatedConsumer(self.broker, self.process, self.topics, self.settings.group)
        self._task = asyncio.get_running_loop().create_task(self._poll(self.consumer))

    async def _poll(self, consumer: SimulatedConsumer) -> None:
        if self.settings.group is not None:
            await self.listener.on_partitions_assigned(consumer.assignment())
        while True:
            await self.handle(await consumer.poll())

    async def stop(self) -> None:
        """End the polls."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])


def declaring(broker: Broker, process: Process) -> Callable[..., tuple[Any, Any]]:
    """Return what declares consumers of one process."""

    def declare(
        settings: ConsumingSettings,
        topics: Collection[str],
        handle: Callable[[Sequence[Consumed]], Awaitable[None]],
        listener: object,
    ) -> tuple[Any, Any]:
        subscription = Subscription(broker, process, settings, tuple(topics), handle, listener)
        return subscription, subscription

    return declare


def consumed(topic: str, partition: int, record: Record) -> Consumed:
    """Return a record as a consumer gives it."""
    return ConsumerRecord(
        topic=topic,
        partition=partition,
        offset=record.offset,
        timestamp=record.timestamp,
        timestamp_type=0,
        key=record.key,
        value=record.value,
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=0,
        headers=tuple(record.headers),
    )


async def read_again(
    client: Client, topic: str, partitions: Collection[int], offsets: dict[int, int], read: Read[T]
) -> AsyncIterator[list[T]]:
    """Read partitions to their ends with the real scanner, as `read_partitions` does."""
    async with client.scanning("", topic) as scanner:
        firsts = await scanner.begin(partitions)
        starts = {partition: max(first, offsets.get(partition, first)) for partition, first in firsts.items()}
        async for pages in scanner.scan(starts, read):
            for each, page in pages.items():
                if page.end >= 0:
                    yield page.records
                offsets[each] = page.next_offset if page.end >= 0 else 0
