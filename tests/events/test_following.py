"""A ledger gets a new era: read models are made anew from its topic beside the live ones, and no ghost stays."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

import asyncpg
import pytest

from rapport_events.consuming import Consuming
from rapport_events.contracts.interactions import CustomerPurchased
from rapport_events.contracts.workflow import TaskCancelled
from rapport_events.database import Pool
from rapport_events.envelope import Recorded, topic_of
from rapport_events.eras import read_eras
from rapport_events.filling import Filler
from rapport_events.following import Following
from rapport_events.fork import find_fork
from rapport_events.gate import reopen
from rapport_events.ids import EventId, new_id
from rapport_events.kafka import apply_topics
from rapport_events.keeping import Keeping, Tools
from rapport_events.ledger import LedgerState
from rapport_events.reactions import Known, Reaction, Reactions, Reply, thing_id
from rapport_events.rebuild import begin_rebuild, read_rebuilds
from rapport_events.scanner import read_partition, read_partitions
from rapport_events.subscribing import ConsumingSettings
from rapport_events.testing import ANN, BOB, CLEO
from rapport_events.view import Fact, View
from tests.databases import ServiceDatabase
from tests.events.publishing import publish
from tests.events.sums import TABLES, Purchased, Purchases, Sums
from tests.waiting import ended, until

SECONDS = 20


@dataclass
class Owner:
    """Stands for the owner of the ledger that is read."""

    era: int = 1
    heads: list[int] = field(default_factory=lambda: [0] * 32)
    is_away: bool = False

    async def state(self, _source: str) -> LedgerState | None:
        heads = tuple(self.heads)
        return None if self.is_away else LedgerState(era=self.era, is_open=True, heads=heads, reach=heads)

    async def send_again(self, _source: str, _partition: int, _after: int) -> None:
        """Hear what nobody should say here."""


class Thank(Reaction):
    """Something follows from each purchase; notes which it was asked about."""

    name = "thank"
    reads: ClassVar = {CustomerPurchased: Purchased}
    asked: ClassVar[list[str]] = []

    def reply(self, fact: Fact, known: Known) -> Sequence[Reply]:
        self.asked.append(fact.event_id)
        task_id = thing_id(fact, self.name)
        return [Reply(f"task-{task_id}", (TaskCancelled(task_id=task_id, reason="thanked"),))]


class Thanks(Reactions):
    reactions = (Thank(),)


@dataclass(frozen=True)
class House:
    """A service that reads the topics of one ledger."""

    pool: Pool
    kafka: str
    prefix: str
    owner: Owner

    def topic(self, era: int = 1) -> str:
        return topic_of("interactions", era, self.prefix)

    async def publish(self, era: int, *events: Recorded) -> None:
        """Put events on the topic of an era, and have the owner name them."""
        await apply_topics(self.kafka, [self.topic(era)])
        await publish(self.kafka, self.topic(era), events)
        self.owner.era = era
        self.owner.heads = [max((e.position for e in events if e.partition == p), default=0) for p in range(32)]

    @asynccontextmanager
    async def reading(self, *views: View[Any, Any]) -> AsyncGenerator[Consuming]:
        """Read, keep and follow as the role `readers` does."""
        filler = Filler(
            service="events",
            pool=self.pool,
            keyring=None,
            scan=partial(read_partitions, self.kafka),
            prefix=self.prefix,
        )
        tools = Tools(pool=self.pool, keyring=None, filler=filler, heads=self.owner.state)  # type: ignore[arg-type]  # nothing is sealed
        keeping = Keeping(views, tools)
        following = Following(
            views=views, pool=self.pool, heads=self.owner.state, bootstrap=self.kafka, prefix=self.prefix
        )
        consuming = Consuming(
            await keeping.readers(),
            self.pool,
            ConsumingSettings(bootstrap=self.kafka, group=None, prefix=self.prefix, look_every_seconds=0.1),
            heads=self.owner.state,
            scan=partial(read_partition, self.kafka),
            resend=self.owner.send_again,
        )
        work = (consuming.run(), keeping.run(consuming), following.run(consuming, look_seconds=0.1))
        tasks = [asyncio.ensure_future(each) for each in work]
        try:
            yield consuming
        finally:
            results = await ended(*tasks)
        assert all(isinstance(each, asyncio.CancelledError) for each in results), results

    async def counts(self) -> dict[UUID, int]:
        """Say how many purchases code sees of each customer."""
        return {row["customer"]: row["count"] for row in await self.pool.fetch("SELECT customer, count FROM sums_v1")}

    async def until_counts(self, **counts: int) -> None:
        """Wait until code sees so many purchases."""
        wanted = {{"ann": ANN, "bob": BOB, "cleo": CLEO}[name]: count for name, count in counts.items()}

        async def are_there() -> bool:
            return await self.counts() == wanted

        await until(are_there, seconds=SECONDS, what=f"{counts} are folded")

    async def states(self) -> list[tuple[int, str]]:
        """Say how each rebuild is."""
        return [(each.rebuild, each.state) for each in await read_rebuilds(self.pool, ["sums_v1"])]


@pytest.fixture
async def house(service: ServiceDatabase, kafka: str, topic_prefix: str) -> AsyncIterator[House]:
    owner = await asyncpg.connect(service.admin)
    await owner.execute("SET ROLE rapport_events_owner")
    await owner.execute(TABLES)
    await owner.close()
    async with asyncpg.create_pool(service.keeper, min_size=1, max_size=8) as pool:
        async with pool.acquire() as connection:
            await reopen(connection)
        yield House(pool, kafka, topic_prefix, Owner())


def histories() -> tuple[list[Recorded], list[Recorded]]:
    """
    Return what was recorded in two eras: Ann's second purchase and Bob's are ghosts, Cleo's is new.

    Bob and Cleo lie in one partition, so she has his number.
    """
    kept, lost = Purchases(), Purchases()
    first = kept.next(ANN)
    again = replace(lost.next(ANN), event_id=first.event_id)
    return [again, lost.next(ANN), lost.next(BOB)], [first, kept.next(ANN), kept.next(ANN), kept.next(CLEO)]


async def test_a_new_era_is_folded_beside_the_live_model_and_leaves_no_ghost(house: House) -> None:
    before, after = histories()
    await house.publish(1, *before)
    async with house.reading(Sums()):
        await house.until_counts(ann=2, bob=1)
        await house.publish(2, *after)
        await house.until_counts(ann=3, cleo=1)
        await until(lambda: _is(house, [(2, "live")]), seconds=SECONDS, what="the old rebuild is dropped")
        cleo = after[-1]
        await house.publish(2, *after, replace(cleo, position=2, event_id=EventId(new_id())))
        await house.until_counts(ann=3, cleo=2)


async def test_a_rebuild_that_was_begun_in_the_era_before_is_begun_anew(house: House) -> None:
    before, after = histories()
    await house.publish(1, *before)
    async with house.reading(Sums()):
        await house.until_counts(ann=2, bob=1)
    assert await begin_rebuild(house.pool, "sums_v1") == 2
    await house.pool.execute(
        """INSERT INTO checkpoints (reader, source, era, partition, position)
           SELECT 'sums_v1_r2', 'interactions', 1, p, 0 FROM generate_series(0, 31) AS p"""
    )
    await house.publish(2, *after)
    async with house.reading(Sums()):
        await house.until_counts(ann=3, cleo=1)
        await until(lambda: _is(house, [(3, "live")]), seconds=SECONDS, what="the third rebuild is live")


async def _is(house: House, states: list[tuple[int, str]]) -> bool:
    return await house.states() == states


async def test_reactions_go_on_where_the_new_topic_leaves_what_they_have_seen(house: House) -> None:
    Thank.asked.clear()
    before, after = histories()
    await house.publish(1, *before)
    async with house.reading(Thanks()):
        await until(lambda: len(Thank.asked) == 3, seconds=SECONDS, what="three purchases are reacted to")
        await house.publish(2, *after)
        await until(lambda: len(Thank.asked) == 6, seconds=SECONDS, what="what is new is reacted to")
    events = [str(event.event_id) for event in (*before, *after[1:])]
    assert sorted(Thank.asked) == sorted(events)
    assert await house.pool.fetchval("SELECT count(*) FROM events") == 6


async def test_while_its_owner_is_away_a_ledger_is_in_the_era_that_was_read_last(house: House) -> None:
    assert await _eras(house) == {"interactions": 1}
    _, after = histories()
    await house.publish(2, *after)
    async with house.reading(Sums()):
        await house.until_counts(ann=3, cleo=1)
    house.owner.is_away = True
    assert await _eras(house) == {"interactions": 2}
    async with house.reading(Sums()) as consuming:
        await until(lambda: house.topic(2) in consuming.topics, seconds=SECONDS, what="the topic of era 2 is read")
    house.owner.is_away, house.owner.era = False, 1
    assert await _eras(house) == {"interactions": 2}, "nobody goes back to an era that is over"


async def _eras(house: House) -> dict[str, int]:
    return await read_eras(house.pool, house.owner.state, ["interactions"])


async def test_two_topics_fork_where_their_events_differ(house: House) -> None:
    before, after = histories()
    await house.publish(1, *before)
    await house.publish(2, *after)
    ann, bob = before[0].partition, before[2].partition
    topics = (house.topic(1), house.topic(2))
    assert await find_fork(house.kafka, topics, {ann: 2, bob: 1}) == {ann: 1, bob: 0}
    assert await find_fork(house.kafka, (topics[0], topics[0]), {ann: 2, bob: 1}) == {ann: 2, bob: 1}
    assert await find_fork(house.kafka, (topics[0], topics[0]), {ann: 1, bob: 0}) == {ann: 1, bob: 0}
