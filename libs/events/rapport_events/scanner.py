"""Read partitions of a topic from an offset to their end, with no group: what the topic really holds."""

import asyncio
import functools
import random
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import aiokafka.client
import structlog
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import (
    CorruptRecordException,
    KafkaError,
    KafkaTimeoutError,
    LeaderNotAvailableError,
    NodeNotReadyError,
    OffsetOutOfRangeError,
    UnknownTopicOrPartitionError,
    for_code,
)
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.offset import OffsetRequest
from aiokafka.record.memory_records import MemoryRecords

if TYPE_CHECKING:
    from aiokafka.protocol import Request

# Every aiokafka client asks for metadata in a way that lets the broker make an unknown topic, with as many partitions
# as the broker likes. One that lost its topics while clients were connected would come back with wrong ones.
aiokafka.client.MetadataRequest = functools.partial(MetadataRequest, allow_auto_topic_creation=False)

log = structlog.get_logger()

T = TypeVar("T")

Consumed = ConsumerRecord[bytes | None, bytes | None]
"""A record as aiokafka's consumer gives it."""

_PARTITION_BYTES = 256 * 1024
_BATCH_BYTES = 128 * 1024
_BATCHES = 10_000
_FETCH_BYTES = 2 * 1024 * 1024
_FETCH_WAIT_MS = 10
_TRIES = 20
_BEHIND_SECONDS = 1.0
_PAUSE_SECONDS = 0.1
_STALL_SECONDS = 10.0
_EARLIEST = -2
_UNCOMMITTED = 0


class TopicSilent(KafkaTimeoutError):
    """A topic that says to hold more does not give it."""


class Record(Protocol):
    """A record as the client read it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None

    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]:
        """In their order."""
        raise NotImplementedError


Read = Callable[[int, Record], T]
"""What to keep of a record, by its partition and itself; whole ones in large numbers would keep the processor busy."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """What one request brought of one partition."""

    records: list[T]
    next_offset: int
    """Where to go on."""
    end: int
    """The partition's end (its high watermark); -1 where the offset asked for lies outside of the partition."""


class Scanner:
    """
    Sends plain fetch requests.

    aiokafka's consumer fetches in the background and stays silent when that stops; its `end_offsets` are wrong on the
    embedded broker, where they point behind the first record of the last batch.
    """

    def __init__(self, client: AIOKafkaClient, topic: str) -> None:
        self._client = client
        self.topic = topic

    async def fetch(
        self, offsets: Mapping[int, int], read: Read[T], *, first_batch: bool = False
    ) -> dict[int, Page[T]]:
        """
        Ask once for the next records of partitions, each from an offset on.

        Args:
            offsets: By partition.
            first_batch: Take the records of one batch of each partition only.

        Returns:
            A page for each partition; without records where there are none yet, or where others filled the answer.

        Raises:
            KafkaError: The broker is away or refused.
        """
        until = time.monotonic() + _BEHIND_SECONDS
        nothing: list[T] = []
        while True:
            pages = await self._persist(lambda: self._fetch(offsets, read, first_batch=first_batch))
            behind = [partition for partition, page in pages.items() if 0 <= page.end < offsets[partition]]
            if not behind or time.monotonic() > until:
                return pages | {partition: Page(nothing, offsets[partition], -1) for partition in behind}
            # A new leader may not know yet that what it has is confirmed.
            await asyncio.sleep(_PAUSE_SECONDS)

    async def at(
        self, offsets: Mapping[int, int], read: Read[T], *, stall_seconds: float = _STALL_SECONDS
    ) -> dict[int, T]:
        """Return what is read of the records at exactly these offsets, by partition; nothing where there is none."""
        found: dict[int, T] = {}
        missing = dict(offsets)
        until = time.monotonic() + stall_seconds
        while missing:
            for partition, page in (
                await self.fetch(missing, lambda place, raw: (raw.offset, read(place, raw)), first_batch=True)
            ).items():
                if page.records and page.records[0][0] == offsets[partition]:
                    found[partition] = page.records[0][1]
                if page.records or page.next_offset > offsets[partition] or page.end <= offsets[partition]:
                    del missing[partition]
            self._give_up_after(until)
        return found

    async def scan(
        self, starts: Mapping[int, int], read: Read[T], *, stall_seconds: float = _STALL_SECONDS
    ) -> AsyncIterator[dict[int, Page[T]]]:
        """
        Yield pages of partitions, each from its offset to the end that it had at the first look.

        A partition whose offset lies outside of what the topic has gets one page with the end -1.

        Raises:
            KafkaError: The broker is away or refused.
            TopicSilent: Nothing came for `stall_seconds`, though there is more.
        """
        offsets = dict(starts)
        ends: dict[int, int] = {}
        until = time.monotonic() + stall_seconds
        while offsets:
            pages = await self.fetch(offsets, read)
            for partition, page in pages.items():
                end = ends.setdefault(partition, page.end)
                if page.next_offset > offsets[partition]:
                    until = time.monotonic() + stall_seconds
                offsets[partition] = page.next_offset
                if page.next_offset >= end or page.end < 0:
                    del offsets[partition]
            yield pages
            self._give_up_after(until)

    async def begin(self, partitions: Collection[int]) -> dict[int, int]:
        """Return the offset of the first record that each partition still has; 0 where it never had any."""
        return await self._persist(lambda: self._begin(partitions))

    def _give_up_after(self, until: float) -> None:
        if time.monotonic() > until:
            msg = f"no record of {self.topic} came for too long"
            raise TopicSilent(msg)

    async def _persist(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Try again while leaders move."""
        for _ in range(_TRIES):
            try:
                return await ask()
            except KafkaError as error:
                if not error.retriable:
                    raise
            await asyncio.sleep(_PAUSE_SECONDS)
            await asyncio.wait_for(self._client.force_metadata_update(), timeout=10)
        return await ask()

    async def _begin(self, partitions: Collection[int]) -> dict[int, int]:
        firsts: dict[int, int] = {}
        for node, places in self._by_leader(partitions).items():
            asked = [(self.topic, [(partition, _EARLIEST) for partition in places])]
            answer = await self._send(node, OffsetRequest(-1, _UNCOMMITTED, asked))
            for _, answers in answer.topics:
                for partition, code, *_, offset in answers:
                    if code:
                        raise for_code(code)
                    firsts[partition] = offset
        return firsts

    async def _fetch(self, offsets: Mapping[int, int], read: Read[T], *, first_batch: bool) -> dict[int, Page[T]]:
        pages: dict[int, Page[T]] = {}
        size = _BATCH_BYTES if first_batch else _PARTITION_BYTES
        for node, partitions in self._by_leader(offsets).items():
            # In another order each time: the answer is limited, and who comes last may get nothing.
            asked = random.sample(partitions, len(partitions))
            request = FetchRequest(
                _FETCH_WAIT_MS,
                1,
                _FETCH_BYTES,
                _UNCOMMITTED,
                [(self.topic, [(partition, offsets[partition], size) for partition in asked])],
            )
            answer = await self._send(node, request)
            for _, answers in answer.topics:
                for partition, code, end, *_, content in answers:
                    error = for_code(code)
                    if error is OffsetOutOfRangeError:
                        pages[partition] = Page([], offsets[partition], -1)
                    elif code:
                        raise error
                    else:
                        batches = MemoryRecords(content or b"")
                        most = 1 if first_batch else _BATCHES
                        found, next_offset = self._unpack(partition, offsets[partition], batches, read, most)
                        pages[partition] = Page(found, next_offset, end)
                        # Unpacking keeps the processor busy: let others in between.
                        await asyncio.sleep(0)
        return pages

    async def _send(self, node: int, request: "Request[T]") -> T:
        try:
            return await self._client.send(node, request)
        except KeyError:
            # The client looks up a connection that it has just dropped.
            raise NodeNotReadyError from None

    def _unpack(
        self, partition: int, offset: int, batches: MemoryRecords, read: Read[T], most: int
    ) -> tuple[list[T], int]:
        """Read the records of at most so many batches, from an offset on; returns also where they end."""
        found: list[T] = []
        for _ in range(most):
            if not batches.has_next():
                break
            batch = batches.next_batch()
            first, offset = offset, max(offset, batch.next_offset)
            try:
                if not batch.validate_crc():
                    raise CorruptRecordException
                if not batch.is_control_batch:
                    found += [read(partition, record) for record in batch if record.offset >= first]
            except (KafkaError, ValueError) as error:
                # Foreign bytes must not stop anybody: a number that is missing for it is sent again by its owner.
                reason = type(error).__name__
                log.warning("batch_passed_over", topic=self.topic, partition=partition, offset=first, error=reason)
        return found, offset

    def _by_leader(self, partitions: Iterable[int]) -> dict[int, list[int]]:
        leaders: dict[int, list[int]] = defaultdict(list)
        if not self._client.cluster.partitions_for_topic(self.topic):
            raise UnknownTopicOrPartitionError
        for partition in partitions:
            leader = self._client.cluster.leader_for_partition(TopicPartition(self.topic, partition))
            if leader is None or leader < 0:
                raise LeaderNotAvailableError
            leaders[leader].append(partition)
        return leaders


@asynccontextmanager
async def scanning(bootstrap: str, topic: str) -> AsyncGenerator[Scanner]:
    """
    Connect a scanner of one topic.

    Raises:
        KafkaError: The broker is away.
    """
    client = AIOKafkaClient(bootstrap_servers=bootstrap, request_timeout_ms=10_000, retry_backoff_ms=50)
    try:
        await client.bootstrap()
        await asyncio.wait_for(client.set_topics([topic]), timeout=10)
        yield Scanner(client, topic)
    finally:
        await client.close()


async def read_partition(bootstrap: str, topic: str, partition: int) -> AsyncIterator[list[Consumed]]:
    """Yield all records of a partition, from its first to the end that it had at the first look."""
    async for records in read_partitions(bootstrap, topic, [partition], {}, functools.partial(_as_consumed, topic)):
        yield records


async def read_partitions(
    bootstrap: str, topic: str, partitions: Collection[int], offsets: dict[int, int], read: Read[T]
) -> AsyncIterator[list[T]]:
    """
    Yield what is read of all records of partitions, each in order, from its first to the end at the first look.

    Args:
        offsets: Where to begin instead; what comes next is noted in it, so that a later call goes on from there.
    """
    async with scanning(bootstrap, topic) as scanner:
        firsts = await scanner.begin(partitions)
        starts = {partition: max(first, offsets.get(partition, first)) for partition, first in firsts.items()}
        async for pages in scanner.scan(starts, read):
            for partition, page in pages.items():
                if page.end >= 0:
                    yield page.records
                # A partition that was emptied, or that has become shorter, is read from its first record next time.
                offsets[partition] = page.next_offset if page.end >= 0 else 0


def _as_consumed(topic: str, partition: int, record: Record) -> Consumed:
    key, value = record.key, record.value
    return ConsumerRecord(
        topic,
        partition,
        record.offset,
        record.timestamp,
        0,
        key,
        value,
        None,
        len(key or b""),
        len(value or b""),
        tuple(record.headers),
    )
