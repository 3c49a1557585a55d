"""Topics are made by us, with 32 partitions, and by nobody who merely asks for them."""

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from rapport_events.ids import PARTITIONS
from rapport_events.kafka import WrongPartitions, apply_topics
from rapport_events.producer import Outgoing, producing
from rapport_events.scanner import Record, scanning
from tests.events.publishing import publish_raw


def whole(_partition: int, record: Record) -> Record:
    return record


async def partitions_of(bootstrap: str, topic: str) -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        return {found["topic"]: len(found["partitions"]) for found in await admin.describe_topics()}.get(topic, 0)
    finally:
        await admin.close()


async def make_topic(bootstrap: str, topic: str, partitions: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, partitions, 1)])
    finally:
        await admin.close()


async def test_topics_have_32_partitions_and_making_them_again_changes_nothing(kafka: str, topic_prefix: str) -> None:
    topics = [f"{topic_prefix}.contacts", f"{topic_prefix}.workflow"]
    await apply_topics(kafka, topics)
    await apply_topics(kafka, topics)
    assert [await partitions_of(kafka, topic) for topic in topics] == [PARTITIONS, PARTITIONS]


async def test_a_topic_with_records_and_other_partitions_is_refused(kafka: str, topic_prefix: str) -> None:
    topic = f"{topic_prefix}.contacts"
    await make_topic(kafka, topic, 4)
    await publish_raw(kafka, topic, 1, b"x", [])
    with pytest.raises(WrongPartitions, match="has 4 partitions, and 32 are needed"):
        await apply_topics(kafka, [topic])
    assert await partitions_of(kafka, topic) == 4


async def test_an_empty_topic_with_other_partitions_is_replaced(kafka: str, topic_prefix: str) -> None:
    topic = f"{topic_prefix}.contacts"
    await make_topic(kafka, topic, 4)
    await apply_topics(kafka, [topic])
    assert await partitions_of(kafka, topic) == PARTITIONS


async def test_a_client_that_asks_for_a_topic_does_not_make_it(kafka: str, topic_prefix: str) -> None:
    topic = f"{topic_prefix}.contacts"
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka)
    starting = asyncio.ensure_future(consumer.start())
    await asyncio.wait([starting], timeout=1)
    try:
        assert await partitions_of(kafka, topic) == 0
    finally:
        starting.cancel()
        await asyncio.wait([starting])
        await consumer.stop()


async def test_batches_are_read_back_from_any_offset_within_them(kafka: str, topic_prefix: str) -> None:
    topic = f"{topic_prefix}.contacts"
    await apply_topics(kafka, [topic])
    async with producing(kafka, topic) as producer, scanning(kafka, topic) as scanner:
        records = [Outgoing(b"k", b"%d" % n, [("n", b"%d" % n)], 1_000 + n) for n in range(10)]
        assert await producer.send(topic, 5, producer.pack(records)) == 0
        assert await producer.send(topic, 5, producer.pack(records)) == 10
        [page] = (await scanner.fetch({5: 7}, whole)).values()
        assert [record.offset for record in page.records] == list(range(7, 20))
        assert (page.next_offset, page.end) == (20, 20)
        assert [(r.key, r.value, r.timestamp, list(r.headers)) for r in page.records[:1]] == [
            (b"k", b"7", 1_007, [("n", b"7")])
        ]
        found = await scanner.at({5: 13, 6: 0}, whole)
        assert {partition: record.value for partition, record in found.items()} == {5: b"3"}


async def test_an_offset_behind_the_end_is_told_apart_from_an_empty_page(kafka: str, topic_prefix: str) -> None:
    topic = f"{topic_prefix}.contacts"
    await apply_topics(kafka, [topic])
    async with producing(kafka, topic) as producer, scanning(kafka, topic) as scanner:
        await producer.send(topic, 5, producer.pack([Outgoing(b"k", b"v", [], 1)]))
        pages = await scanner.fetch({5: 4, 6: 0}, whole)
        assert {partition: page.end for partition, page in pages.items()} == {5: -1, 6: 0}


async def test_a_batch_takes_only_what_fits(kafka: str, topic_prefix: str) -> None:
    topic = f"{topic_prefix}.contacts"
    await apply_topics(kafka, [topic])
    async with producing(kafka, topic) as producer:
        assert producer.pack(Outgoing(b"k", b"v" * 200_000, [], 1) for _ in range(9)).count == 2
        assert producer.pack(Outgoing(b"k", b"v" * 700_000, [], 1) for _ in range(9)).count == 1
