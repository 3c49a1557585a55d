"""Kafka numbers the batches of an idempotent producer; one that got lost would have it refuse all that follow."""

from typing import Any, cast
from unittest.mock import patch

from aiokafka import AIOKafkaProducer, TopicPartition

from rapport_events.mirror import Mirror
from rapport_events.producer import Batch, Producer
from tests.events.mirroring import Place, line, quicker, reached, running, until_reached, until_readable

P = 7


async def test_a_batch_that_never_arrived_costs_its_producer_and_nothing_else(place: Place) -> None:
    """On a broker that grants no producer ids there are no sequences, and nothing to lose."""
    sent: list[int] = []
    send = Producer.send

    async def lose_one(self: Producer, topic: str, partition: int, batch: Batch) -> int:
        sent.append(batch.count)
        if len(sent) == 2:
            _skip(self, topic, partition, batch.count)
        return await send(self, topic, partition, batch)

    mirror = Mirror(quicker(place.settings, lead_seconds=0.05))
    with patch.object(Producer, "send", lose_one):
        async with running(mirror):
            for last in (3, 6, 9):
                await place.put(P, last - 2, last)
                await until_readable(place, P, last)
            await until_reached(mirror, P, 9)

    assert reached(await place.records(P)) == line(P, 1, 9)
    assert len(sent) >= 3


def _skip(producer: Producer, topic: str, partition: int, count: int) -> None:
    """Take the numbers of a batch that is then lost on its way, as where it waits for a leader for too long."""
    client = cast("Any", producer)._client  # noqa: SLF001  # there is no public way to lose a batch
    assert isinstance(client, AIOKafkaProducer)
    numbers = cast("Any", client)._txn_manager  # noqa: SLF001  # likewise
    if numbers is not None:
        numbers.increment_sequence_number(TopicPartition(topic, partition), count)
