from collections.abc import Sequence

from aiokafka.protocol import Request

class _Answer:
    # Topics with their partitions: partition, error code, what the version adds, offset.
    topics: list[tuple[str, list[tuple[int, int, *tuple[object, ...], int]]]]

class OffsetRequest(Request[_Answer]):
    def __init__(
        self, replica_id: int, isolation_level: int, topics: Sequence[tuple[str, Sequence[tuple[int, int]]]]
    ) -> None: ...
