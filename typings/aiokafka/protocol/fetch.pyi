from collections.abc import Sequence

from aiokafka.protocol import Request

class _Answer:
    # Topics with their partitions: partition, error code, high watermark, what the version adds, record batches.
    topics: list[tuple[str, list[tuple[int, int, int, *tuple[object, ...], bytes | None]]]]

class FetchRequest(Request[_Answer]):
    def __init__(
        self,
        max_wait_time: int,
        min_bytes: int,
        max_bytes: int,
        isolation_level: int,
        topics: Sequence[tuple[str, Sequence[tuple[int, int, int]]]],
    ) -> None: ...
