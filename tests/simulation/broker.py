"""An in-memory broker: what it confirms can be late, confirmed twice, confirmed and never heard of, or lost later."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar, cast

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError, UnknownTopicOrPartitionError

from rapport_events.envelope import era_of_topic
from rapport_events.ids import PARTITIONS
from rapport_events.producer import Batch, Outgoing, Producer
from rapport_events.scanner import Page, Read, Record, Scanner
from tests.simulation.nature import Nature, Process

T = TypeVar("T")

SEND_SECONDS = 2.0


@dataclass(slots=True)
class Held:
    """A record as the broker holds it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]

    @property
    def position(self) -> int:
        """The number that it says it has."""
        return int(dict(self.headers)["ce_position"] or b"")


@dataclass(eq=False)
class Broker:
    """Topics of 32 partitions; `lands` hears of every record that arrives."""

    nature: Nature
    is_embedded: bool = False
    """Whether one that asks for an offset behind the end gets nothing, as from the embedded broker."""
    topics: dict[str, list[list[Held]]] = field(default_factory=dict[str, list[list[Held]]])
    committed: dict[tuple[str, str, int], int] = field(default_factory=dict[tuple[str, str, int], int])
    is_up: bool = True
    delay_seconds: float = 0.0
    """How much longer requests are on their way now."""
    forgets_answers: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)
    lands: list[Callable[[str, int, Held], None]] = field(default_factory=list[Callable[[str, int, Held], None]])

    def tell(self) -> None:
        """Wake who waits for records."""
        self.news.set()
        self.news = asyncio.Event()

    def check(self) -> None:
        """
        Fail where the broker is down.

        Raises:
            KafkaConnectionError: It is.
        """
        if not self.is_up:
            raise KafkaConnectionError("the broker is away")

    def partitions(self, topic: str) -> list[list[Held]]:
        """
        Return what a topic holds.

        Raises:
            UnknownTopicOrPartitionError: There is no such topic.
        """
        if topic not in self.topics:
            raise UnknownTopicOrPartitionError(topic)
        return self.topics[topic]

    def land(self, topic: str, partition: int, records: Iterable[Outgoing]) -> int | None:
        """Append records; None where broker or topic is away."""
        if not self.is_up or topic not in self.topics:
            return None
        log = self.topics[topic][partition]
        first = len(log)
        for record in records:
            held = Held(len(log), record.timestamp, record.key, record.value, [*record.headers])
            log.append(held)
            for hear in self.lands:
                hear(topic, partition, held)
        self.nature.note("broker", "holds", f"{topic}[{partition}]", [held.position for held in log[first:]])
        self.tell()
        return first

    def lose_tail(self, topic: str, partition: int, count: int) -> None:
        """Lose the last records of a partition, which were confirmed."""
        log = self.topics[topic][partition]
        del log[max(0, len(log) - count) :]
        self.nature.note("broker", "lost", f"{topic}[{partition}]", count)
        self.tell()

    def lose_everything(self) -> None:
        """Lose every topic, as the embedded broker does when it is started again."""
        self.topics.clear()
        self.committed.clear()
        self.nature.note("broker", "lost everything")
        self.tell()


class SimulatedProducer(Producer):
    """Packs and sends as `Producer` does."""

    def __init__(self, broker: Broker, process: Process) -> None:
        self._broker = broker
        self._process = process

    def pack(self, records: Iterable[Outgoing]) -> Batch:
        """Fill a batch with the first one to four records."""
        taken = list(islice(records, self._broker.nature.random.randint(1, 4)))
        return Batch(cast("Any", taken), len(taken))

    async def send(self, topic: str, partition: int, batch: Batch) -> int:
        """Send a request, which lands or not whatever becomes of its sender."""
        broker, loop = self._broker, asyncio.get_running_loop()
        broker.check()
        if topic not in broker.topics:
            raise KafkaError(f"the broker has no topic {topic}")
        answer: asyncio.Future[int] = loop.create_future()
        records = cast("list[Outgoing]", batch.builder)
        delay = broker.nature.latency() + broker.delay_seconds * broker.nature.random.random()
        loop.call_later(delay, self._land, answer, topic, partition, records)
        try:
            async with asyncio.timeout(SEND_SECONDS):
                offset = await answer
        except TimeoutError:
            raise KafkaTimeoutError("not confirmed") from None
        await self._process.takes()
        return offset

    def _land(self, answer: asyncio.Future[int], topic: str, partition: int, records: list[Outgoing]) -> None:
        offset = self._broker.land(topic, partition, records)
        if answer.done():
            return
        if offset is None or self._broker.forgets_answers:
            answer.set_exception(KafkaConnectionError("the connection was lost"))
        else:
            answer.set_result(offset)


class _Client:
    async def force_metadata_update(self) -> None:
        """Nothing changes."""


class SimulatedScanner(Scanner):
    """The real scanner above requests that this broker answers."""

    def __init__(self, broker: Broker, process: Process, topic: str) -> None:
        super().__init__(cast("AIOKafkaClient", _Client()), topic)
        self._broker = broker
        self._process = process

    async def _begin(self, partitions: Collection[int]) -> dict[int, int]:
        await self._ask()
        return dict.fromkeys(partitions, 0)

    async def _fetch(self, offsets: Mapping[int, int], read: Read[T], *, first_batch: bool) -> dict[int, Page[T]]:
        logs = await self._ask()
        pages: dict[int, Page[T]] = {}
        for partition, offset in offsets.items():
            log = logs[partition]
            if offset > len(log) and not self._broker.is_embedded:
                pages[partition] = Page([], offset, -1)
                continue
            most = 1 if first_batch else self._broker.nature.random.randint(1, 20)
            records = log[offset : offset + most]
            pages[partition] = Page(
                [read(partition, cast("Record", record)) for record in records], offset + len(records), len(log)
            )
        return pages

    async def _ask(self) -> list[list[Held]]:
        await self._process.takes()
        self._broker.check()
        return self._broker.partitions(self.topic)


@dataclass(frozen=True, slots=True)
class Client:
    """The ways of one process to the broker."""

    broker: Broker
    process: Process

    async def apply_topics(self, _bootstrap: str, topics: Collection[str]) -> None:
        """Make the topics that are missing."""
        await self.process.takes()
        self.broker.check()
        for topic in topics:
            self.broker.topics.setdefault(topic, [[] for _ in range(PARTITIONS)])

    async def find_eras(self, _bootstrap: str, service: str, prefix: str) -> list[int]:
        """Return the eras of a ledger of which there is a topic."""
        await self.process.takes()
        self.broker.check()
        found = [era_of_topic(topic, service, prefix) for topic in self.broker.topics]
        return sorted(era for era in found if era is not None)

    @asynccontextmanager
    async def producing(self, _bootstrap: str, _topic: str) -> AsyncGenerator[Producer]:
        """Connect a producer."""
        await self.process.takes()
        self.broker.check()
        yield SimulatedProducer(self.broker, self.process)

    @asynccontextmanager
    async def scanning(self, _bootstrap: str, topic: str) -> AsyncGenerator[Scanner]:
        """Connect a scanner."""
        await self.process.takes()
        self.broker.check()
        yield SimulatedScanner(self.broker, self.process, topic)
