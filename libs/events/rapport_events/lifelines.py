"""How a consumer lives and leaves: its tasks may end without a word, and a member with a name stays too long."""

import asyncio
import hashlib
from collections.abc import Collection
from typing import Any, Final

from aiokafka import AIOKafkaConsumer

_TASKS: Final = (("_client", "_sync_task"), ("_coordinator", "_coordination_task"), ("_fetcher", "_fetch_task"))
"""Of metadata, of the group, of records; the second is there where there is a group."""


class ConsumerEnded(Exception):
    """A task of the client has ended by itself: only a new client reads on."""


def refuse_ended(consumer: AIOKafkaConsumer) -> None:
    """
    See that every task that a consumer lives by is at work.

    An error that nobody expected ends one for ever. A connection that is reset is enough: writing to it raises a
    RuntimeError under uvloop, where aiokafka waits for an OSError.

    Raises:
        ConsumerEnded
    """
    for part, name in _TASKS:
        task: asyncio.Task[Any] | None = getattr(getattr(consumer, part, None), name, None)
        if task is not None and task.done():
            raise ConsumerEnded(name)


def known_as(member: str | None, topics: Collection[str]) -> str | None:
    """
    Return the name under which a member is known again: another one for other topics.

    Under a name that it knows, Kafka gives back the share of before, which is none of those that are read now.
    """
    if member is None:
        return None
    return f"{member}.{hashlib.sha256(' '.join(sorted(topics)).encode()).hexdigest()[:8]}"


def leave_in_order(consumer: AIOKafkaConsumer) -> None:
    """Let a member with a name leave when it is stopped: aiokafka lets it stay until its session has ended."""
    coordinator: Any = getattr(consumer, "_coordinator", None)
    if hasattr(coordinator, "_group_instance_id"):
        coordinator._group_instance_id = None  # noqa: SLF001  # there is no other way
