import abc
from collections.abc import Awaitable, Sequence

from aiokafka.structs import TopicPartition

class ConsumerRebalanceListener(abc.ABC):
    @abc.abstractmethod
    def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> Awaitable[None] | None: ...
    @abc.abstractmethod
    def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> Awaitable[None] | None: ...
