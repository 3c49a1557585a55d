"""A service's consumer: whatever stands in the topic, every view takes each number once and gets over holes."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, cast

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from rapport_events.consuming import Consuming
from rapport_events.database import Pool
from rapport_events.kafka import apply_topics
from rapport_events.ledger import LedgerState
from rapport_events.lifelines import ConsumerEnded
from rapport_events.reader import ViewReader
from rapport_events.scanner import read_partition
from rapport_events.subscribing import REAL, ConsumingSettings, Ways, declare
from rapport_events.testing import ANN, BOB
from tests.databases import ServiceDatabase
from tests.events.publishing import publish, publish_raw
from tests.events.sums import TABLES, Purchases, Sums
from tests.waiting import ended, until


@dataclass
class Owner:
    """Stands for the owner of the topic: it names its heads, and notes what it is asked to send again."""

    heads: list[int] = field(default_factory=lambda: [0] * 32)
    reach: list[int] | None = None
    """What the mirror says that it has sent; all that there is where nothing is given."""
    asked: list[tuple[str, int, int]] = field(default_factory=list[tuple[str, int, int]])
    resend: Callable[[int, int], Awaitable[None]] | None = None

    async def state(self, source: str) -> LedgerState | None:
        reach = self.heads if self.reach is None else self.reach
        return LedgerState(era=1, is_open=True, heads=tuple(self.heads), reach=tuple(reach))

    async def send_again(self, source: str, partition: int, after: int) -> None:
        self.asked.append((source, partition, after))
        if self.resend is not None:
            await self.resend(partition, after)


@pytest.fixture
async def pool(service: ServiceDatabase) -> AsyncIterator[Pool]:
    owner = await asyncpg.connect(service.admin)
    await owner.execute("SET ROLE rapport_events_owner")
    await owner.execute(TABLES)
    await owner.close()
    async with asyncpg.create_pool(service.keeper, min_size=1, max_size=6) as pool:
        yield pool


@pytest.fixture
async def topic(kafka: str, topic_prefix: str) -> str:
    await apply_topics(kafka, [f"{topic_prefix}.interactions"])
    return f"{topic_prefix}.interactions"


def made(
    pool: Pool, kafka: str, topic: str, owner: Owner, ways: Ways = REAL, group: str | None = None
) -> tuple[ViewReader, Consuming]:
    """Make a reader, and what feeds it."""
    prefix = topic.partition(".")[0]
    settings = ConsumingSettings(bootstrap=kafka, group=None, prefix=prefix, look_every_seconds=0.1, still_seconds=0.5)
    settings = replace(settings, look_back_every_seconds=0.2, group=group, member=group, session_seconds=10)
    reader = ViewReader(Sums(), pool)

    scan = partial(read_partition, kafka)
    return reader, Consuming([reader], pool, settings, heads=owner.state, scan=scan, resend=owner.send_again, ways=ways)


@asynccontextmanager
async def consuming(pool: Pool, kafka: str, topic: str, owner: Owner) -> AsyncGenerator[tuple[ViewReader, Consuming]]:
    reader, work = made(pool, kafka, topic, owner)
    task = asyncio.create_task(work.run())
    try:
        yield reader, work
    finally:
        await ended(task)


async def counted(pool: Pool, count: int) -> None:
    async def is_there() -> bool:
        return bool(await pool.fetchval("SELECT coalesce(sum(count), 0) FROM sums_v1_r1") == count)

    await until(is_there, seconds=20, what=f"{count} purchases are folded")


async def seen_by(pool: Pool, customer: object) -> list[int]:
    return list(await pool.fetchval("SELECT seen FROM sums_v1_r1 WHERE customer = $1", customer))


async def test_a_repaired_hole_2_1_2_is_read_to_its_end(pool: Pool, kafka: str, topic: str) -> None:
    purchases = Purchases()
    one, two = purchases.next(ANN), purchases.next(ANN)
    await publish(kafka, topic, [two, one, two])

    async with consuming(pool, kafka, topic, Owner()):
        await counted(pool, 2)

    assert await seen_by(pool, ANN) == [1, 2]


async def test_a_broker_is_found_though_the_first_of_its_addresses_is_dead(pool: Pool, kafka: str, topic: str) -> None:
    await publish(kafka, topic, [Purchases().next(ANN)])

    async with consuming(pool, f"127.0.0.1:1,{kafka}", topic, Owner()):
        await counted(pool, 1)


@pytest.mark.parametrize(("part", "name"), [("_fetcher", "_fetch_task"), ("_client", "_sync_task")])
async def test_a_client_that_has_ended_by_itself_is_noticed(
    pool: Pool, kafka: str, topic: str, part: str, name: str
) -> None:
    declared: list[tuple[Any, Any]] = []

    def noted(*said: Any) -> tuple[Any, Any]:  # noqa: ANN401  # as `declare` takes it
        declared.append(declare(*said))
        return declared[-1]

    await publish(kafka, topic, [Purchases().next(ANN)])
    task = asyncio.create_task(made(pool, kafka, topic, Owner(), Ways(declare=noted))[1].run())
    await counted(pool, 1)

    ((_, subscriber),) = declared
    client: object = vars(cast("object", subscriber.consumer))[part]
    task_of_it: asyncio.Task[None] = vars(client)[name]
    task_of_it.cancel()

    with pytest.raises(ExceptionGroup) as raised:
        async with asyncio.timeout(20):
            await task
    assert raised.group_contains(ConsumerEnded)


# The embedded one knows no names of members, and joining a group that somebody left takes it half a minute.
@pytest.mark.apache_kafka
async def test_a_member_with_a_name_comes_back_to_read_another_topic(
    pool: Pool, kafka: str, topic: str, topic_prefix: str
) -> None:
    purchases, later = Purchases(), f"{topic_prefix}later.interactions"
    await apply_topics(kafka, [later])
    for each in (topic, later):
        await publish(kafka, each, [purchases.next(ANN)])

    for count, each in enumerate((topic, later), 1):
        task = asyncio.create_task(made(pool, kafka, each, Owner(), group=topic)[1].run())
        try:
            await counted(pool, count)
        finally:
            await ended(task)


async def test_a_view_whose_checkpoint_lies_behind_its_offset_reads_the_topic_again(
    pool: Pool, kafka: str, topic: str
) -> None:
    purchases, owner = Purchases(), Owner()
    events = [purchases.next(ANN) for _ in range(5)]
    owner.heads[events[0].partition] = 5
    await publish(kafka, topic, events)

    async with consuming(pool, kafka, topic, owner) as (reader, _):
        await counted(pool, 5)
        # As after a restore of this service's database: the model is empty, the consumer is at the end.
        await pool.execute("UPDATE checkpoints SET position = 0")
        await pool.execute("DELETE FROM sums_v1_r1")
        await reader.reload()
        await counted(pool, 5)

    assert owner.asked == []


async def test_a_view_whose_database_was_set_back_under_it_notices_and_reads_the_topic_again(
    pool: Pool, kafka: str, topic: str
) -> None:
    purchases, owner = Purchases(), Owner()
    events = [purchases.next(ANN) for _ in range(5)]
    owner.heads[events[0].partition] = 5
    await publish(kafka, topic, events)

    async with consuming(pool, kafka, topic, owner):
        await counted(pool, 5)
        # Nothing new comes, so no compare-and-set fails that could tell.
        await pool.execute("UPDATE checkpoints SET position = least(position, 2)")
        await pool.execute("UPDATE sums_v1_r1 SET count = 2, seen = '{1,2}'")
        await counted(pool, 5)

    assert await seen_by(pool, ANN) == [1, 2, 3, 4, 5]


async def test_a_topic_that_was_emptied_is_read_from_its_first_record(pool: Pool, kafka: str, topic: str) -> None:
    purchases = Purchases()
    await publish(kafka, topic, [purchases.next(ANN) for _ in range(5)])

    async with consuming(pool, kafka, topic, Owner()):
        await counted(pool, 5)
        await lose(kafka, topic)
        await publish(kafka, topic, [purchases.next(ANN)])
        # The topic is shorter now than what was read of it, and nobody has to miss anything before it is noticed.
        await counted(pool, 6)

    assert await seen_by(pool, ANN) == [1, 2, 3, 4, 5, 6]


async def lose(kafka: str, topic: str) -> None:
    """Make a topic anew, with nothing in it."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.delete_topics([topic])
    finally:
        await admin.close()
    await apply_topics(kafka, [topic])


async def test_a_missing_number_is_asked_for_from_its_owner(pool: Pool, kafka: str, topic: str) -> None:
    purchases, owner = Purchases(), Owner()
    one, two, three = (purchases.next(ANN) for _ in range(3))
    owner.heads[one.partition] = 3
    await publish(kafka, topic, [one, three])

    async def resend(_partition: int, _after: int) -> None:
        await publish(kafka, topic, [two, three])

    owner.resend = resend
    async with consuming(pool, kafka, topic, owner):
        await counted(pool, 3)

    assert owner.asked[0] == ("interactions", one.partition, 1)


async def test_what_the_mirror_has_not_sent_yet_is_not_missing(pool: Pool, kafka: str, topic: str) -> None:
    purchases, owner = Purchases(), Owner(reach=[0] * 32)
    ann, bob = purchases.next(ANN), purchases.next(BOB)
    owner.heads[ann.partition], owner.heads[bob.partition] = 2, 2
    await publish(kafka, topic, [ann, bob])

    async with consuming(pool, kafka, topic, owner):
        await counted(pool, 2)
        assert owner.reach is not None
        owner.reach[bob.partition] = 2
        await until(lambda: bool(owner.asked), seconds=10, what="the owner is asked")

    assert {partition for _, partition, _ in owner.asked} == {bob.partition}


async def test_a_header_that_is_not_utf8_costs_no_other_record(pool: Pool, kafka: str, topic: str) -> None:
    purchases = Purchases()
    first, last = purchases.next(ANN), purchases.next(BOB)
    await publish(kafka, topic, [first])
    await publish_raw(kafka, topic, first.partition, b"5", [("x", b"\xff\xfe")])
    await publish_raw(kafka, topic, last.partition, None, [("ce_position", b"\xff"), ("ce_type", b"\xff")])
    await publish(kafka, topic, [last])

    async with consuming(pool, kafka, topic, Owner()):
        await counted(pool, 2)


async def test_poison_delays_other_customers_by_less_than_a_second(pool: Pool, kafka: str, topic: str) -> None:
    purchases = Purchases()
    await publish(kafka, topic, [purchases.next(ANN)])

    async with consuming(pool, kafka, topic, Owner()):
        await counted(pool, 1)
        loop = asyncio.get_running_loop()
        began = loop.time()
        await publish(kafka, topic, [purchases.next(ANN, "13.13"), purchases.next(BOB)])
        await counted(pool, 2)

    assert loop.time() - began < 1.0


async def test_a_quiet_topic_is_asked_seldom_and_still_heard(pool: Pool, kafka: str, topic: str) -> None:
    purchases = Purchases()
    await publish(kafka, topic, [purchases.next(ANN)])

    async with consuming(pool, kafka, topic, Owner()) as (_, work):
        await counted(pool, 1)
        pace = work.pace
        assert pace is not None
        await until(lambda: pace.is_quiet, seconds=10, what="the consumer has slowed down")
        await publish(kafka, topic, [purchases.next(ANN)])
        await counted(pool, 2)

        assert not pace.is_quiet


async def test_an_event_of_a_former_era_is_not_read_as_one_of_this(pool: Pool, kafka: str, topic: str) -> None:
    purchases = Purchases()
    event = purchases.next(ANN)
    await publish(kafka, topic, [replace(event, era=2), event])

    async with consuming(pool, kafka, topic, Owner()):
        await counted(pool, 1)
