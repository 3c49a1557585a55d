"""A mirror's ways to its ledger and to its broker: the real ones; a simulation has others."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from rapport_events import database, kafka, leadership, producer, scanner
from rapport_events.database import Pool
from rapport_events.producer import Producer
from rapport_events.scanner import Scanner


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """What a mirror calls to reach the outside; each is documented where it is defined."""

    leading: Callable[..., AbstractAsyncContextManager[None]] = leadership.leading
    open_pool: Callable[..., Awaitable[Pool]] = database.open_pool
    find_eras: Callable[[str, str, str], Awaitable[list[int]]] = kafka.find_eras
    apply_topics: Callable[[str, list[str]], Awaitable[None]] = kafka.apply_topics
    drop_broken_topic: Callable[[str, str], Awaitable[bool]] = kafka.drop_broken_topic
    producing: Callable[[str, str], AbstractAsyncContextManager[Producer]] = producer.producing
    scanning: Callable[[str, str], AbstractAsyncContextManager[Scanner]] = scanner.scanning


REAL = Ways()
