"""Our small port to aiokafka: make topics, and send explicit batches to one partition at a time."""

import asyncio
import functools
from collections.abc import AsyncGenerator, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple

import aiokafka.client
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import IncompatibleBrokerVersion, KafkaError, KafkaTimeoutError, TopicAlreadyExistsError, for_code
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.transaction import InitProducerIdRequest

from rapport_events.envelope import Headers
from rapport_events.ids import PARTITIONS

# Every aiokafka client asks for metadata in a way that lets the broker make an unknown topic, with as many partitions
# as the broker likes. One that lost its topics while clients were connected would come back with wrong ones.
aiokafka.client.MetadataRequest = functools.partial(MetadataRequest, allow_auto_topic_creation=False)

BATCH_BYTES = 512 * 1024
_PAUSE_SECONDS = 0.1
_PRODUCER_ID_TRIES = 20
_NO_TIMEOUT_MS = 2**31 - 1


class WrongPartitions(Exception):
    """A topic that holds records has another number of partitions than ours."""


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
        enable_idempotence=await _grants_producer_ids(bootstrap),
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
        # Stopping waits for all that is still to be sent, which may be for ever; the next producer sends it anyway.
        client._message_accumulator.fail_all(KafkaError("the producer was stopped"))  # noqa: SLF001  # no public way
        await client.stop()


async def _grants_producer_ids(bootstrap: str) -> bool:
    """Ask the broker for a producer id; the embedded one refuses, and so do brokers that forbid it to this user."""
    async with _admin(bootstrap) as admin:
        client = admin._client  # noqa: SLF001  # aiokafka has no public way to send this request
        request = InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=_NO_TIMEOUT_MS)
        for _ in range(_PRODUCER_ID_TRIES):
            try:
                answer = await client.send(client.get_random_node(), request)
            except IncompatibleBrokerVersion:
                return False
            if not answer.error_code:
                return True
            if not for_code(answer.error_code).retriable:
                return False
            await asyncio.sleep(_PAUSE_SECONDS)
    return False


async def apply_topics(bootstrap: str, topics: Collection[str], *, seconds: float = 30) -> None:
    """
    Make the topics that are missing: 32 partitions, kept for ever, three replicas where there are three brokers.

    A topic without a record and with another number of partitions was made by a client that asked for it too early; it
    is replaced.

    Raises:
        WrongPartitions: A topic with records has another number of partitions.
        KafkaError: The broker is away, refused, or had not made them in time.
    """
    try:
        async with asyncio.timeout(seconds), _admin(bootstrap) as admin:
            while missing := await _not_ready(admin, bootstrap, topics):
                await _create(admin, missing)
                await asyncio.sleep(_PAUSE_SECONDS)
    except TimeoutError:
        msg = f"the topics {', '.join(sorted(topics))} were not ready within {seconds} s"
        raise KafkaTimeoutError(msg) from None


async def _not_ready(admin: AIOKafkaAdminClient, bootstrap: str, topics: Collection[str]) -> list[str]:
    found = {topic["topic"]: topic["partitions"] for topic in await admin.describe_topics()}
    for topic in topics:
        count = len(found.get(topic, ()))
        if count in {0, PARTITIONS}:
            continue
        if await _holds_records(bootstrap, topic, count):
            msg = f"topic {topic} has {count} partitions, and {PARTITIONS} are needed, for ever: choose another prefix"
            raise WrongPartitions(msg)
        await admin.delete_topics([topic])
        del found[topic]
    return [topic for topic in topics if not found.get(topic) or any(p["leader"] < 0 for p in found[topic])]


async def _holds_records(bootstrap: str, topic: str, count: int) -> bool:
    from rapport_events.scanner import scanning

    async with scanning(bootstrap, topic) as scanner:
        pages = await scanner.fetch(dict.fromkeys(range(count), 0))
    return any(page.end != 0 for page in pages.values())


async def _create(admin: AIOKafkaAdminClient, topics: Collection[str]) -> None:
    brokers = len((await admin.describe_cluster())["brokers"])
    configs = {"cleanup.policy": "delete", "retention.ms": "-1"}
    answer = await admin.create_topics(
        [NewTopic(topic, PARTITIONS, min(3, brokers), topic_configs=configs) for topic in topics]
    )
    for topic, code, *reason in answer.topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError and not error.retriable:
            msg = f"topic {topic} could not be made: {reason[0] if reason else error.__name__}"
            raise error(msg)


@asynccontextmanager
async def _admin(bootstrap: str) -> AsyncGenerator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=10_000, retry_backoff_ms=50)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()
