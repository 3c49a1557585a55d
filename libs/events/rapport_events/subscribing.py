"""Declare the one subscriber of a service: its topics, with or without a group, and nothing that acknowledges."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, TopicPartition
from faststream.kafka.message import FAKE_CONSUMER, KafkaMessage

from rapport_events.ids import PARTITIONS
from rapport_events.kafka import apply_topics
from rapport_events.lifelines import known_as
from rapport_events.scanner import Consumed

_METADATA_MILLISECONDS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumingSettings:
    """How a service consumes."""

    bootstrap: str
    group: str | None
    """Consumer group that replicas share; None takes all partitions without one, because joining a group takes the
    embedded broker half the session's timeout, and twice as long again after a member has left."""
    prefix: str = "crm"
    batch_size: int = 2_000
    """Records of one poll at most."""
    poll_milliseconds: int = 10
    fetch_wait_milliseconds: int = 20
    look_every_seconds: float = 1.0
    """How often heads are asked for, and views that stand still are looked for."""
    still_seconds: float = 4.0
    """How long a view at the end of its topic may stay below what the mirror has sent before the topic is read again:
    longer than the client takes to learn where a topic ends."""
    look_back_every_seconds: float = 5.0
    """How often views are asked whether their database was set back under them."""
    commit_every_seconds: float = 5.0
    session_seconds: float = 45.0
    """How long a silent member keeps its partitions; on the embedded broker every join waits for half of it."""
    member: str | None = None
    """Name in the group by which a member that was killed is known again; without one, its session must end first."""


def declare(
    settings: ConsumingSettings,
    topics: Collection[str],
    handle: Callable[[Sequence[Consumed]], Awaitable[None]],
    listener: ConsumerRebalanceListener,
) -> tuple[KafkaBroker, Any]:
    """
    Declare the one subscriber.

    Our parser takes records as they are, because FastStream's decodes every header of a whole batch, and one that
    is not UTF-8 would lose the batch. Nothing is acknowledged: checkpoints decide, offsets are a hint.
    """
    broker = KafkaBroker(  # pyright: ignore[reportUnknownArgumentType]  # a default of FastStream's has no type
        settings.bootstrap.split(","),
        client_id=settings.group or "rapport",
        apply_types=False,
        logger=None,
        allow_auto_create_topics=False,
        # A group learns from it alone that a topic has come back that was deleted.
        metadata_max_age_ms=_METADATA_MILLISECONDS,
    )
    subscriber = broker.subscriber(
        *(topics if settings.group else ()),
        partitions=() if settings.group else [TopicPartition(t, p) for t in topics for p in range(PARTITIONS)],
        group_id=settings.group,
        group_instance_id=known_as(settings.member, topics) if settings.group else None,
        batch=True,
        max_records=settings.batch_size,
        batch_timeout_ms=settings.poll_milliseconds,
        fetch_max_wait_ms=settings.fetch_wait_milliseconds,
        fetch_max_bytes=16 * 1024 * 1024,
        max_partition_fetch_bytes=2 * 1024 * 1024,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.MANUAL,
        session_timeout_ms=int(settings.session_seconds * 1_000),
        heartbeat_interval_ms=int(min(3.0, settings.session_seconds / 3) * 1_000),
        rebalance_timeout_ms=60_000,
        max_poll_interval_ms=600_000,
        partition_assignment_strategy=(RangePartitionAssignor,),
        listener=listener,
        parser=_as_it_is,
        decoder=_records,
    )
    subscriber(handle)
    return broker, subscriber


async def _as_it_is(message: tuple[Consumed, ...]) -> KafkaMessage:
    return KafkaMessage(message, b"", consumer=FAKE_CONSUMER)


async def _records(message: KafkaMessage) -> Sequence[Consumed]:
    raw = message.raw_message
    return raw if isinstance(raw, tuple) else (raw,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """What a consumer's host calls to reach the broker: the real one; a simulation has others."""

    declare: Callable[..., tuple[KafkaBroker, Any]] = declare
    apply_topics: Callable[[str, Collection[str]], Awaitable[None]] = apply_topics


REAL = Ways()
