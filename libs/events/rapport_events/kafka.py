"""What we ask of a broker once: our topics, and whether it knows idempotent producers."""

import asyncio
from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    IncompatibleBrokerVersion,
    KafkaError,
    KafkaTimeoutError,
    TopicAlreadyExistsError,
    UnknownError,
    UnknownTopicOrPartitionError,
    for_code,
)
from aiokafka.protocol.transaction import InitProducerIdRequest

from rapport_events.envelope import era_of_topic
from rapport_events.ids import PARTITIONS
from rapport_events.scanner import scanning

TOPIC_CONFIGS: Final[Mapping[str, str]] = {"cleanup.policy": "delete", "retention.ms": "-1"}
"""What holds for every topic: nothing in it is ever compacted or forgotten."""
REPLICAS_MAX: Final = 3
_PAUSE_SECONDS = 0.1
_PRODUCER_ID_TRIES = 20
_NO_TIMEOUT_MS = 2**31 - 1


class WrongPartitions(Exception):
    """A topic that holds records has another number of partitions than ours."""


@dataclass(frozen=True, slots=True)
class TopicState:
    """What a broker says of one topic."""

    partitions: int
    leaderless: int
    """Partitions that nobody can write to or read from now."""
    replicas: int
    """Of the partition that has the fewest."""
    behind: int
    """Partitions of which a replica is missing or behind."""
    configs: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class BrokerState:
    """What a broker says of itself and of all its topics."""

    brokers: int
    topics: Mapping[str, TopicState]


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


async def look_at_broker(bootstrap: str, topics: Collection[str]) -> BrokerState:
    """
    Ask a broker how some topics are; those that it does not have are left out.

    Raises:
        KafkaError: It is away.
    """
    async with _admin(bootstrap) as admin:
        brokers = len((await admin.describe_cluster())["brokers"])
        found = {topic["topic"]: topic["partitions"] for topic in await admin.describe_topics()}
        wanted = [topic for topic in topics if found.get(topic)]
        resources = [ConfigResource(ConfigResourceType.TOPIC, topic) for topic in wanted]
        answers = await admin.describe_configs(resources) if resources else []
    configs = {
        name: {entry[0]: entry[1] for entry in entries}
        for answer in answers
        for _, _, _, name, entries in answer.resources
    }
    states = {
        topic: TopicState(
            partitions=len(found[topic]),
            leaderless=sum(each["leader"] < 0 for each in found[topic]),
            replicas=min(len(each["replicas"]) for each in found[topic]),
            behind=sum(len(each["isr"]) < len(each["replicas"]) for each in found[topic]),
            configs=configs.get(topic, {}),
        )
        for topic in wanted
    }
    return BrokerState(brokers, states)


async def find_eras(bootstrap: str, service: str, prefix: str) -> list[int]:
    """
    Return the eras of a ledger of which the broker has a topic, ascending.

    Raises:
        KafkaError: The broker is away or refused.
    """
    async with _admin(bootstrap) as admin:
        found = [era_of_topic(topic["topic"], service, prefix) for topic in await admin.describe_topics()]
    return sorted(era for era in found if era is not None)


async def grants_producer_ids(bootstrap: str) -> bool:
    """Ask the broker for a producer id; the embedded one refuses, and so do brokers that forbid it to this user."""
    async with _admin(bootstrap) as admin:
        return await _producer_id_refused(admin) is None


async def drop_broken_topic(bootstrap: str, topic: str) -> bool:
    """
    Delete a topic that takes or gives no records any more, on the embedded broker and on no other.

    That one keeps a batch for a topic that it does not have. When the topic is made, its numbers begin at 0, and the
    batch still lies there: the next one is refused, and numbers without records are left behind. Deleting clears it.

    Returns:
        Whether the topic is gone; False where the broker is another one.

    Raises:
        KafkaError: The broker is away or refused.
    """
    async with _admin(bootstrap) as admin:
        # It does not know what is asked; another one that gives no producer ids says that it forbids them.
        if await _producer_id_refused(admin) is not UnknownError:
            return False
        for _, code in (await admin.delete_topics([topic])).topic_error_codes:
            error = for_code(code)
            if code and error is not UnknownTopicOrPartitionError:
                msg = f"topic {topic} could not be deleted: {error.__name__}"
                raise error(msg)
        return True


async def _producer_id_refused(admin: AIOKafkaAdminClient) -> type[KafkaError] | None:
    """Return with which error the broker refuses a producer id; None where it grants one."""
    client = admin._client  # noqa: SLF001  # aiokafka has no public way to send this request
    request = InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=_NO_TIMEOUT_MS)
    for _ in range(_PRODUCER_ID_TRIES):
        try:
            answer = await client.send(client.get_random_node(), request)
        except IncompatibleBrokerVersion:
            return IncompatibleBrokerVersion
        except (KafkaError, KeyError):
            # A node that is going down, or a connection that the client has just dropped: ask another one.
            await asyncio.sleep(_PAUSE_SECONDS)
            continue
        if not answer.error_code:
            return None
        error: type[KafkaError] = for_code(answer.error_code)
        if not error.retriable:
            return error
        await asyncio.sleep(_PAUSE_SECONDS)
    msg = "no node of the broker says whether it grants producer ids"
    raise KafkaTimeoutError(msg)


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
    async with scanning(bootstrap, topic) as scanner:
        pages = await scanner.fetch(dict.fromkeys(range(count), 0), lambda _, record: record.offset)
    return any(page.end != 0 for page in pages.values())


async def _create(admin: AIOKafkaAdminClient, topics: Collection[str]) -> None:
    brokers = len((await admin.describe_cluster())["brokers"])
    replicas = min(REPLICAS_MAX, brokers)
    answer = await admin.create_topics(
        [NewTopic(topic, PARTITIONS, replicas, topic_configs=TOPIC_CONFIGS) for topic in topics]
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
