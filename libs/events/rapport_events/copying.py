"""Carry events from the ledger's rows to the topic: partitions side by side, each in order, one batch at a time."""

import asyncio
from collections import defaultdict
from itertools import islice

import asyncpg

from rapport_events.database import Pool
from rapport_events.envelope import Meta, Recorded, key_of, to_headers
from rapport_events.ids import PARTITIONS, EventId, TenantId
from rapport_events.lane import Lane, Sent
from rapport_events.mirror_metrics import RECORDS
from rapport_events.producer import Batch, Outgoing, Producer
from rapport_events.statements import load
from rapport_events.tracing import Facts, traced_batch

ROWS = 8_000
"""Events that are read at a time, of all partitions together; what one statement brings stays in memory twice."""
BYTES = 16 * 1024 * 1024
"""Data of those, as far as no single event is larger than its partition's share."""
_ROWS_AT_ONCE = 500


class Copying:
    """Copies one ledger in one era; knows nothing of leaders, audits and retries."""

    def __init__(self, pool: Pool, producer: Producer, *, service: str, era: int, topic: str) -> None:
        """Name the ends; each lane begins at the ledger's first event unless its `reach` is set."""
        self._pool = pool
        self._producer = producer
        self._service = service
        self._era = era
        self._topic = topic
        self.lanes = tuple(Lane(partition) for partition in range(PARTITIONS))
        self.news = asyncio.Event()
        """Set when there may be something to do."""
        self.suspects = asyncio.Event()
        """Set when a batch did not land right behind the one before."""
        self._wakes = 0

    def wake(self) -> None:
        """Look for new rows now."""
        self._wakes += 1
        for lane in self.lanes:
            lane.is_drained = False
        self.news.set()

    async def run(self, *, poll_seconds: float) -> None:
        """Copy until cancelled, or until something fails."""
        async with asyncio.TaskGroup() as group:
            while True:
                self.news.clear()
                await self._read_ahead()
                await self._send_ready(group)
                if any(lane.is_low or lane.is_ready for lane in self.lanes):
                    await asyncio.sleep(0)
                    continue
                try:
                    async with asyncio.timeout(poll_seconds):
                        await self.news.wait()
                except TimeoutError:
                    self.wake()

    async def once(self) -> int:
        """
        Copy the next batch of each partition, and wait until all are confirmed.

        Returns:
            Events that were copied; 0 means that the topic holds the whole ledger.

        Raises:
            KafkaError: The broker is away or refused.
            LedgerGap: The ledger's numbers do not follow one another.
        """
        self.wake()
        await self._read_ahead()
        async with asyncio.TaskGroup() as group:
            return await self._send_ready(group)

    async def _read_ahead(self) -> None:
        """Read the next rows of all partitions that have few left, in one statement."""
        asked = [(lane, lane.read_to, lane.turn) for lane in self.lanes if lane.is_low]
        if not asked:
            return
        wakes = self._wakes
        partitions, positions = [lane.partition for lane, _, _ in asked], [after for _, after, _ in asked]
        share, size = ROWS // len(asked), BYTES // len(asked)
        statement = load("rapport_events", "mirror/rows")
        rows = await self._pool.fetch(statement, partitions, positions, share, size, self._era)
        found: dict[int, list[Recorded]] = defaultdict(list)
        for first in range(0, len(rows), _ROWS_AT_ONCE):
            for row in rows[first : first + _ROWS_AT_ONCE]:
                found[row["partition"]].append(self._recorded(row))
            # Others in this process must not wait for all of it.
            await asyncio.sleep(0)
        for lane, _, turn in asked:
            events = sorted(found[lane.partition], key=lambda event: event.position)
            # What was appended while the rows were read may not be among them.
            is_full = len(events) == share or sum(len(event.data) for event in events) >= size
            is_end = not is_full and wakes == self._wakes
            lane.put(events, turn, is_end=is_end)

    async def _send_ready(self, group: asyncio.TaskGroup) -> int:
        count = 0
        for lane in self.lanes:
            if not lane.is_ready:
                continue
            batch = self._producer.pack(_outgoing(event) for event in lane.ahead)
            count += batch.count
            group.create_task(self._send(lane, lane.send(batch.count), batch))
            # Packing keeps the processor busy: let others in between.
            await asyncio.sleep(0)
        return count

    async def _send(self, lane: Lane, sent: Sent, batch: Batch) -> None:
        traces = (event.meta.traceparent for event in islice(lane.ahead, sent.count))
        facts: Facts = {
            "messaging.system": "kafka",
            "messaging.destination.name": self._topic,
            "messaging.destination.partition.id": str(lane.partition),
            "messaging.batch.message_count": sent.count,
        }
        with traced_batch("producer", f"send {self._topic}", traces, facts=facts):
            offset = await self._producer.send(self._topic, lane.partition, batch)
        RECORDS.labels(self._service).inc(sent.count)
        if not lane.confirm(sent, offset):
            self.suspects.set()
        self.news.set()

    def _recorded(self, row: asyncpg.Record) -> Recorded:
        return Recorded(
            source=self._service,
            era=self._era,
            partition=row["partition"],
            position=row["position"],
            tenant=TenantId(row["tenant_id"]),
            stream=row["stream"],
            version=row["version"],
            event_id=EventId(row["event_id"]),
            type=row["type"],
            schema=row["schema"],
            subject=row["subject"],
            data=row["data"],
            meta=Meta.from_json(row["meta"]),
            occurred_at=row["occurred_at"],
            recorded_at=row["recorded_at"],
        )


def _outgoing(event: Recorded) -> Outgoing:
    return Outgoing(key_of(event), event.data, to_headers(event), int(event.recorded_at.timestamp() * 1000))
