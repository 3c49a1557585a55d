"""Puts recorded events on a topic by hand, in whatever order a test wants."""

from collections.abc import Sequence

from aiokafka import AIOKafkaProducer

from rapport_events.envelope import Recorded, key_of, to_headers


async def publish(bootstrap: str, topic: str, events: Sequence[Recorded]) -> None:
    """Send events one by one, each to the partition that it says."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    try:
        for event in events:
            await producer.send_and_wait(
                topic, event.data, key=key_of(event), partition=event.partition, headers=to_headers(event)
            )
    finally:
        await producer.stop()


async def publish_raw(
    bootstrap: str, topic: str, partition: int, value: bytes | None, headers: Sequence[tuple[str, bytes]]
) -> None:
    """Send something that no mirror would send."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    try:
        await producer.send_and_wait(topic, value, key=b"stray", partition=partition, headers=list(headers))
    finally:
        await producer.stop()
