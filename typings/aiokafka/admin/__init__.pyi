from collections.abc import Mapping
from typing import TypedDict

from aiokafka.admin.config_resource import ConfigResource
from aiokafka.client import AIOKafkaClient

class _Partition(TypedDict):
    error_code: int
    partition: int
    leader: int
    replicas: list[int]
    isr: list[int]

class _Topic(TypedDict):
    error_code: int
    topic: str
    is_internal: bool
    partitions: list[_Partition]

class _Broker(TypedDict):
    node_id: int
    host: str
    port: int
    rack: str | None

class _Cluster(TypedDict):
    brokers: list[_Broker]
    cluster_id: str
    controller_id: int

class _CreateTopicsAnswer:
    topic_errors: list[tuple[str, int] | tuple[str, int, str | None]]

class _DeleteTopicsAnswer:
    topic_error_codes: list[tuple[str, int]]

class _DescribeConfigsAnswer:
    resources: list[tuple[int, str | None, int, str, list[tuple[str, str | None, bool, int, bool]]]]

class _DescribeGroupsAnswer:
    groups: list[tuple[int, str, str, str, str, list[tuple[str, str, str, bytes, bytes]]]]

class NewTopic:
    def __init__(
        self,
        name: str,
        num_partitions: int,
        replication_factor: int,
        replica_assignments: Mapping[int, list[int]] | None = ...,
        topic_configs: Mapping[str, str] | None = ...,
    ) -> None: ...

class AIOKafkaAdminClient:
    _client: AIOKafkaClient
    def __init__(
        self,
        *,
        bootstrap_servers: str | list[str] = ...,
        client_id: str = ...,
        request_timeout_ms: int = ...,
        retry_backoff_ms: int = ...,
        metadata_max_age_ms: int = ...,
    ) -> None: ...
    async def start(self) -> None: ...
    async def close(self) -> None: ...
    async def create_topics(
        self, new_topics: list[NewTopic], timeout_ms: int | None = ..., validate_only: bool = ...
    ) -> _CreateTopicsAnswer: ...
    async def delete_topics(self, topics: list[str], timeout_ms: int | None = ...) -> _DeleteTopicsAnswer: ...
    async def list_topics(self) -> list[str]: ...
    async def describe_topics(self, topics: list[str] | None = ...) -> list[_Topic]: ...
    async def describe_cluster(self) -> _Cluster: ...
    async def describe_consumer_groups(self, group_ids: list[str]) -> list[_DescribeGroupsAnswer]: ...
    async def describe_configs(
        self, config_resources: list[ConfigResource], include_synonyms: bool = ...
    ) -> list[_DescribeConfigsAnswer]: ...
