from collections.abc import Iterator

class _Record:
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]

class _Batch(Iterator[_Record]):
    base_offset: int
    next_offset: int
    is_control_batch: bool
    def validate_crc(self) -> bool: ...
    def __next__(self) -> _Record: ...

class MemoryRecords:
    def __init__(self, bytes_data: bytes) -> None: ...
    def has_next(self) -> bool: ...
    def next_batch(self) -> _Batch: ...
