from asyncio import Future
from collections.abc import Callable, Iterable
from typing import TypeVar

from aiokafka.cluster import ClusterMetadata
from aiokafka.protocol import Request

_Answer = TypeVar("_Answer")

# Looked up here by every client, so that its way to ask can be changed for all of them.
MetadataRequest: Callable[..., Request[object]]

class AIOKafkaClient:
    cluster: ClusterMetadata
    def __init__(
        self,
        *,
        bootstrap_servers: str | list[str] = ...,
        client_id: str = ...,
        metadata_max_age_ms: int = ...,
        request_timeout_ms: int = ...,
        retry_backoff_ms: int = ...,
    ) -> None: ...
    async def bootstrap(self) -> None: ...
    async def close(self) -> None: ...
    def get_random_node(self) -> int: ...
    def force_metadata_update(self) -> Future[bool]: ...
    async def fetch_all_metadata(self) -> ClusterMetadata: ...
    def set_topics(self, topics: Iterable[str]) -> Future[bool]: ...
    async def ready(self, node_id: int) -> bool: ...
    async def send(self, node_id: int, request: Request[_Answer]) -> _Answer: ...
