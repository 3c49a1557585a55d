"""Send explicit batches, each to one partition, and wait until they are confirmed."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, KafkaTimeoutError
from aiokafka.producer.message_accumulator import BatchBuilder

from rapport_events.envelope import Headers
from rapport_events.ids import PARTITIONS
from rapport_events.kafka import grants_producer_ids

BATCH_BYTES = 512 * 1024
_STOP_SECONDS = 5


class Outgoing(NamedTuple):
    """A record to be sent."""

    key: bytes
    value: bytes
    headers: Headers
    timestamp: int
    """Milliseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Records that go out together, all or none."""

    builder: BatchBuilder
    count: int


class Producer:
    """Sends batches, confirmed by all replicas; after an error make a new one, because its sequences may be off."""

    def __init__(self, client: AIOKafkaProducer, *, send_seconds: float) -> None:
        self._client = client
        self._send_seconds = send_seconds

    def pack(self, records: Iterable[Outgoing]) -> Batch:
        """Fill one batch with as many of the first records as fit into 512 KiB, at least one."""
        builder = self._client.create_batch()
        count = 0
        for record in records:
            added = builder.append(
                key=record.key, value=record.value, headers=record.headers, timestamp=record.timestamp
            )
            if added is None:
                break
            count += 1
        return Batch(builder, count)

    async def send(self, topic: str, partition: int, batch: Batch) -> int:
        """
        Send a batch and wait until it is confirmed.

        Returns:
            Offset of its first record; -1 where the broker had it already and does not say.

        Raises:
            KafkaError: Refused, or not confirmed in time; it may have arrived all the same.
        """
        # Where the topic was lost, the client would fail with an assertion or wait for it.
        if len(self._client.client.cluster.partitions_for_topic(topic) or ()) != PARTITIONS:
            msg = f"the broker has no topic {topic} with {PARTITIONS} partitions"
            raise KafkaError(msg)
        try:
            async with asyncio.timeout(self._send_seconds):
                confirmation = await self._client.send_batch(batch.builder, topic, partition=partition)
                return int((await confirmation).offset)
        except TimeoutError:
            msg = f"a batch for {topic} was not confirmed within {self._send_seconds} s"
            raise KafkaTimeoutError(msg) from None


@asynccontextmanager
async def producing(bootstrap: str, topic: str, *, send_seconds: float = 15) -> AsyncGenerator[Producer]:
    """
    Connect a producer for one topic; idempotent where the broker grants producer ids, never transactional.

    Raises:
        KafkaError: The broker is away.
    """
    client = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        acks="all",
        enable_idempotence=await grants_producer_ids(bootstrap),
        compression_type="zstd",
        max_batch_size=BATCH_BYTES,
        linger_ms=0,
        request_timeout_ms=int(send_seconds * 1000),
        retry_backoff_ms=50,
        metadata_max_age_ms=30_000,
    )
    try:
        try:
            async with asyncio.timeout(send_seconds):
                await client.start()
                await client.partitions_for(topic)
        except TimeoutError:
            msg = f"no broker answered within {send_seconds} s"
            raise KafkaTimeoutError(msg) from None
        yield Producer(client, send_seconds=send_seconds)
    finally:
        await _stop(client)


async def _stop(client: AIOKafkaProducer) -> None:
    """Stop without waiting for what is still to be sent, which may be for ever; the next producer sends it anyway."""
    accumulator = client._message_accumulator  # noqa: SLF001  # aiokafka has no public way to give up
    waiting = [batch for batches in accumulator._batches.values() for batch in batches]  # noqa: SLF001  # likewise
    accumulator.fail_all(KafkaError("the producer was stopped"))
    for batch in waiting:
        # Nobody waits for their turn any more, and asyncio would complain that nobody looked.
        batch._drain_waiter.exception()  # noqa: SLF001  # likewise
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await client.stop()
    except TimeoutError:
        await client.client.close()
