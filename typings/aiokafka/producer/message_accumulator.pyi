from asyncio import Future
from collections import deque
from collections.abc import Sequence

from aiokafka.structs import TopicPartition

class BatchBuilder:
    def append(
        self,
        *,
        timestamp: int | None,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = ...,
    ) -> object | None: ...
    def close(self) -> None: ...
    def size(self) -> int: ...
    def record_count(self) -> int: ...

class MessageBatch:
    _drain_waiter: Future[None]

class MessageAccumulator:
    _batches: dict[TopicPartition, deque[MessageBatch]]
    def fail_all(self, exception: BaseException) -> None: ...
