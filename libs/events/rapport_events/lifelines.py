"""Whether a consumer still fetches: tasks of aiokafka that have ended say nothing, and no record ever comes again."""

import asyncio
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
