"""One consumer for all the views of a service: each poll goes to every view, and those that stand still are helped."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import KafkaError
from prometheus_client import Counter, Gauge

from rapport_events.database import Pool
from rapport_events.envelope import topic_of
from rapport_events.eras import Heads, newest, read_eras
from rapport_events.faults import failure_of, is_away, leaves
from rapport_events.ledger import LedgerState
from rapport_events.lifelines import leave_in_order, refuse_ended
from rapport_events.pace import Pace
from rapport_events.reader import ViewReader, write_down
from rapport_events.scanner import Consumed, Record
from rapport_events.subscribing import REAL, ConsumingSettings, Ways
from rapport_events.view import Arrived, Key

log = structlog.get_logger()

LAG = Gauge("rapport_reader_lag", "Head of the ledger minus checkpoint, events.", ["reader", "source", "partition"])
STRAYS = Counter(
    "rapport_reader_strays", "Records without a readable number; the owner is asked to send again.", ["topic"]
)
SCANS = Counter("rapport_reader_scans", "Topics read again from the first record.", ["source"])
AHEAD = Counter("rapport_reader_ahead", "Views that have more than the ledger: it was set back.", ["source"])
RESENDS = Counter("rapport_reader_resends", "Requests to an owner to send again what is missing.", ["source"])

Scan = Callable[[str, int], AsyncIterator[Sequence[Consumed]]]
"""Reads a topic's partition from its first record to its end, with a consumer of no group."""
Resend = Callable[[str, int, int], Awaitable[None]]
"""Asks the owner of a source to send a partition again, from after a position."""

CatchUp = Callable[[Mapping[Key, int]], Awaitable[object]]
"""Brings a view at least to these positions."""

PACE_SECONDS = 0.25


class Consuming(ConsumerRebalanceListener):
    """Feeds a service's views from the topics that they read."""

    def __init__(
        self,
        readers: Sequence[ViewReader],
        pool: Pool,
        settings: ConsumingSettings,
        *,
        heads: Heads,
        scan: Scan,
        resend: Resend,
        ways: Ways = REAL,
    ) -> None:
        self.readers = tuple(readers)
        self._gate = asyncio.Lock()
        """Held while a poll is handed out; between polls all views stand level, and views come and go."""
        self._pool = pool
        self._settings = settings
        self._heads = heads
        self._scan = scan
        self._resend = resend
        self._ways = ways
        self._topics: dict[str, tuple[str, int]] = {}
        self._still: dict[tuple[str, Key], tuple[int, float]] = {}
        self._emptied: set[TopicPartition] = set()
        self._at_work: Sequence[Consumed] = ()
        """The poll that is being handed out."""
        self._looked_back_at = time.monotonic()
        self._consumer: AIOKafkaConsumer | None = None
        self.pace: Pace | None = None
        self.is_assigned = asyncio.Event()

    @property
    def sources(self) -> tuple[str, ...]:
        """The services whose topics are read."""
        return tuple(sorted({source for reader in self.readers for source in reader.view.sources}))

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that are read."""
        return tuple(self._topics)

    async def run(self) -> None:
        """Consume until cancelled; a lost broker is waited for by the client."""
        eras = await read_eras(self._pool, self._heads, self.sources)
        for reader in self.readers:
            await reader.begin(eras)
        while True:
            while not (wanted := self._wanted()):
                # All views are still filled for the first time; whoever has filled one brings it.
                self.is_assigned.set()
                await asyncio.sleep(self._settings.look_every_seconds)
            self._topics = wanted
            # A consumer that subscribes to a topic before it exists waits long until it looks again.
            await self._ways.apply_topics(self._settings.bootstrap, self._topics)
            await self._consume()

    def _wanted(self) -> dict[str, tuple[str, int]]:
        """Name the topics to be read: of each view those of the eras that it has come to."""
        lines = {line for reader in self.readers for line in newest(reader.positions).items()}
        return {topic_of(source, era, self._settings.prefix): (source, era) for source, era in sorted(lines)}

    async def _consume(self) -> None:
        """
        Consume until other topics are to be read; without a group each begins at its first record again.

        Raises:
            ExceptionGroup: The client has ended by itself (ConsumerEnded).
        """
        broker, subscriber = self._ways.declare(self._settings, tuple(self._topics), self._handle, self)
        try:
            await broker.start()
            consumer = self._consumer = subscriber.consumer
            self.pace = Pace(
                subscriber,
                fetch_wait_milliseconds=self._settings.fetch_wait_milliseconds,
                poll_milliseconds=self._settings.poll_milliseconds,
            )
            if self._settings.group is None:
                self.is_assigned.set()
            async with asyncio.TaskGroup() as group:
                beside = [
                    group.create_task(self._remember_offsets()),
                    group.create_task(self._look_at_client(consumer, self.pace)),
                ]
                await self._look_after()
                for task in beside:
                    task.cancel()
        finally:
            self.is_assigned.clear()
            if self._consumer is not None:
                leave_in_order(self._consumer)
            self._consumer = None
            await broker.stop()

    async def take(self, arrived: Sequence[Arrived]) -> None:
        """Hand one poll to every view; each has checkpoints and a transaction of its own."""
        if not arrived:
            return
        async with self._gate:
            async with asyncio.TaskGroup() as group:
                for reader in self.readers:
                    group.create_task(reader.take(arrived))
            await self._write_down()

    @asynccontextmanager
    async def pause(self) -> AsyncGenerator[None]:
        """Hand no poll out meanwhile; keep it short."""
        async with self._gate:
            yield

    async def adopt(self, reader: ViewReader, catch_up: CatchUp) -> None:
        """Feed one more view from the next poll on; what it lacks until then is brought to it while polls wait."""
        await catch_up(self.reached)
        async with self._gate:
            await catch_up(self.reached)
            await reader.reload()
            self.readers = (*self.readers, reader)

    async def leave(self, name: str) -> None:
        """Feed a view no longer."""
        async with self._gate:
            self.readers = tuple(reader for reader in self.readers if reader.view.reader != name)

    @property
    def reached(self) -> dict[Key, int]:
        """How far the views have come: for each line the one that is farthest."""
        found: dict[Key, int] = {}
        for reader in self.readers:
            for line, position in reader.positions.items():
                found[line] = max(position, found.get(line, 0))
        return found

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        """Read the checkpoints again: another owner may have moved them."""
        for reader in self.readers:
            await reader.reload()
        self.is_assigned.set()

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        """Do nothing: what is still under way is fenced off by the compare-and-set."""

    async def _handle(self, records: Sequence[Consumed]) -> None:
        """Never let a poll go: FastStream would read on past a handler that raised."""
        if self.pace is not None:
            self.pace.hear()
        found = (self.arrive(record) for record in records)
        arrived = [record for record in found if record is not None]
        pause = 0.1
        self._at_work = records
        try:
            while (error := await failure_of(self.take(arrived))) is not None:
                # No traceback: it could quote what a person wrote.
                kinds = sorted({type(one).__name__ for one in leaves(error)})
                log.error("poll_failed", group=self._settings.group, errors=kinds)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)
        finally:
            self._at_work = ()

    def arrive(self, record: Consumed) -> Arrived | None:
        """Read what places a record of one of the topics."""
        return read_arrived(record.topic, *self._topics[record.topic], record.partition, record)

    async def _look_after(self) -> None:
        """Help what stands still, until other topics are to be read."""
        while self._wanted() in ({}, self._topics):
            await asyncio.sleep(self._settings.look_every_seconds)
            for source in self.sources:
                state = await self._heads(source)
                if state is not None:
                    await self._compare(source, state)
            await self._begin_again_where_emptied()
            await self._look_back()

    async def _compare(self, source: str, state: LedgerState) -> None:
        missing: dict[int, int] = {}
        for partition, head in enumerate(state.heads):
            for reader in self.readers:
                line = (source, state.era, partition)
                position = reader.positions.get(line)
                if position is None:
                    continue
                LAG.labels(reader.view.reader, source, partition).set(max(0, head - position))
                # Heads are a moment old; one that stays below what was read is that of a ledger that was set back.
                if position > head and self._stands_still(reader, line, ~head):
                    AHEAD.labels(source).inc()
                    log.error("ledger_behind_reader", source=source, partition=partition, head=head, position=position)
                # What the mirror has not sent yet is late, not missing: reading the topic again would not find it.
                if min(head, state.reach[partition]) > position and self._stands_still(reader, line, position):
                    missing[partition] = head
        topic = topic_of(source, state.era, self._settings.prefix)
        for partition, head in missing.items():
            if await self._is_at_end(topic, partition):
                await self._scan_again(topic, (source, state.era, partition), head)

    def _stands_still(self, reader: ViewReader, line: Key, figure: int) -> bool:
        """Say whether a figure has not moved for too long: a view's below the head, or the head's below a view."""
        name = (reader.view.reader, line)
        now = time.monotonic()
        before = self._still.get(name)
        if before is None or before[0] != figure:
            self._still[name] = (figure, now)
            return False
        if now - before[1] < self._settings.still_seconds:
            return False
        del self._still[name]
        return True

    async def _is_at_end(self, topic: str, partition: int) -> bool:
        """Say whether the views were handed all that the topic's partition holds, as far as the consumer knows."""
        consumer, place = self._consumer, TopicPartition(topic, partition)
        if consumer is None or place not in consumer.assignment():
            return False
        if any((record.topic, record.partition) == place for record in self._at_work):
            return False
        at, mark = await self._offset(place), consumer.highwater(place)
        return at is None or mark is None or at >= mark

    async def _look_back(self) -> None:
        """Notice a database that was set back under its views; what they lack then is found by who stands still."""
        if time.monotonic() - self._looked_back_at < self._settings.look_back_every_seconds:
            return
        self._looked_back_at = time.monotonic()
        try:
            for reader in self.readers:
                await reader.look_back()
        except Exception as error:
            if not is_away(error):
                raise

    async def _begin_again_where_emptied(self) -> None:
        """
        Read partitions from their first record that are shorter than what was read of them, at two looks in a row.

        Kafka refuses an offset behind the end, and the client begins again by itself. The embedded broker answers with
        nothing, until the partition has become long enough: whatever comes before that would be missed.
        """
        consumer, emptied, again = self._consumer, set[TopicPartition](), dict[str, int]()
        if consumer is None:
            return
        for place in consumer.assignment():
            mark = consumer.highwater(place)
            at = await self._offset(place) if mark is not None else None
            if at is None or mark is None or at <= mark:
                continue
            emptied.add(place)
            if place in self._emptied:
                again[place.topic] = again.get(place.topic, 0) + 1
                consumer.seek(place, 0)
        self._emptied = emptied
        for topic, partitions in again.items():
            log.warning("topic_begun_again", topic=topic, partitions=partitions)

    async def _offset(self, place: TopicPartition) -> int | None:
        """Return which offset is read next; None while that is unknown."""
        consumer = self._consumer
        if consumer is None or place not in consumer.assignment():
            return None
        try:
            async with asyncio.timeout(1):
                return await consumer.position(place)
        except (KafkaError, TimeoutError):
            return None

    async def _scan_again(self, topic: str, line: Key, head: int) -> None:
        source, _, partition = line
        SCANS.labels(source).inc()
        log.warning("topic_scanned_again", source=source, partition=partition, head=head)
        async for records in self._scan(topic, partition):
            found = (self.arrive(record) for record in records)
            await self.take([record for record in found if record is not None])
        reached = min(reader.positions.get(line, head) for reader in self.readers)
        if reached < head:
            RESENDS.labels(source).inc()
            log.error("records_missing", source=source, partition=partition, after=reached, head=head)
            await self._resend(source, partition, reached)

    async def _write_down(self) -> None:
        """Write down how far the views have come; while the database is away that can wait for the next poll."""
        try:
            await write_down(self._pool, self.readers)
        except Exception as error:
            if not is_away(error):
                raise

    async def _look_at_client(self, consumer: AIOKafkaConsumer, pace: Pace) -> None:
        while True:
            await asyncio.sleep(PACE_SECONDS)
            refuse_ended(consumer)
            pace.look()

    async def _remember_offsets(self) -> None:
        """Write down the offsets now and then: only a hint where to start."""
        while True:
            await asyncio.sleep(self._settings.commit_every_seconds)
            if self._consumer is not None and self._settings.group and self.is_assigned.is_set():
                try:
                    async with asyncio.timeout(10):
                        await self._consumer.commit()
                except (KafkaError, TimeoutError) as error:
                    log.info("offsets_not_written", error=type(error).__name__)


def read_arrived(topic: str, source: str, era: int, partition: int, record: Record) -> Arrived | None:
    """Read what places a record; one without a number leaves a hole, which the owner fills by sending again."""
    headers = {name: value or b"" for name, value in record.headers}
    try:
        position, type_name = int(headers["ce_position"]), headers["ce_type"].decode()
    except (KeyError, ValueError):
        STRAYS.labels(topic).inc()
        log.warning("record_without_number", topic=topic, partition=partition, offset=record.offset)
        return None
    return Arrived(source, era, partition, position, type_name, headers, record.value or b"")
