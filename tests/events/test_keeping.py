"""A running service follows its database: a new shape is filled before it is read, a rebuild is fed from then on."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from rapport_events.consuming import Consuming
from rapport_events.filling import Filler
from rapport_events.kafka import apply_topics
from rapport_events.keeping import Keeping, Tools
from rapport_events.ledger import LedgerState
from rapport_events.memory_keyring import MemoryKeyring
from rapport_events.rebuild import begin_rebuild, read_rebuilds, switch
from rapport_events.scanner import read_partition, read_partitions
from rapport_events.subscribing import ConsumingSettings
from rapport_events.testing import ANN, BOB
from rapport_events.view import View
from tests.events.postgres_desk import PostgresDesk
from tests.events.publishing import publish
from tests.events.sums import TABLES, Purchases, Sums
from tests.waiting import ended, until

SECONDS = 30


class NewSums(Sums):
    """The sums in another shape, as a new version of the service brings it."""

    version = 2


@dataclass
class Reading:
    """A service that only reads: contacts, say, of what interactions publish."""

    desk: PostgresDesk
    kafka: str
    prefix: str
    heads: list[int] = field(default_factory=lambda: [0] * 32)

    @property
    def topic(self) -> str:
        return f"{self.prefix}.interactions"

    async def state(self, _source: str) -> LedgerState:
        return LedgerState(era=1, is_open=True, heads=tuple(self.heads), reach=tuple(self.heads))

    async def resend(self, source: str, partition: int, after: int) -> None:
        raise AssertionError(f"nothing is missing in {source} {partition} after {after}")

    @asynccontextmanager
    async def running(self, *views: View[Any, Any]) -> AsyncGenerator[Consuming]:
        """Read as the role does."""
        pool, keyring = self.desk.keeper, MemoryKeyring()
        scan = partial(read_partitions, self.kafka)
        filler = Filler(service="contacts", pool=pool, keyring=keyring, scan=scan, prefix=self.prefix)
        keeping = Keeping(views, Tools(pool=pool, keyring=keyring, filler=filler, heads=self.state))
        settings = ConsumingSettings(bootstrap=self.kafka, group=None, prefix=self.prefix, look_every_seconds=0.1)
        readers = await keeping.readers()
        asking = partial(read_partition, self.kafka)
        work = Consuming(readers, pool, settings, heads=self.state, scan=asking, resend=self.resend)
        tasks = [asyncio.create_task(work.run()), asyncio.create_task(keeping.run(work))]
        try:
            yield work
        finally:
            await ended(*tasks)

    async def counted(self, table: str, count: int) -> None:
        statement = "SELECT coalesce(sum(count), 0) FROM sums".replace("sums", table)

        async def are_there() -> bool:
            return bool(await self.desk.keeper.fetchval(statement) == count)

        await until(are_there, seconds=SECONDS, what=f"{table} has {count} purchases")

    async def states(self, models: Sequence[str]) -> list[tuple[str, str]]:
        return [(each.reader, each.state) for each in await read_rebuilds(self.desk.keeper, models)]


@pytest.fixture
async def reading(desk: PostgresDesk, kafka: str, topic_prefix: str) -> Reading:
    async with desk.keeper.acquire() as connection:
        await connection.execute(TABLES)
    found = Reading(desk, kafka, topic_prefix)
    await apply_topics(kafka, [found.topic])
    return found


async def test_a_new_shape_is_filled_beside_the_old_one_before_it_is_live(reading: Reading) -> None:
    purchases = Purchases()
    await publish(reading.kafka, reading.topic, [purchases.next(who) for who in (ANN, BOB) for _ in range(5)])
    async with reading.running(Sums()):
        await reading.counted("sums_v1", 10)
    assert await reading.states(["sums_v1"]) == [("sums_v1_r1", "live")]

    async with reading.desk.keeper.acquire() as connection:
        await connection.execute(TABLES.replace("sums_v1", "sums_v2"))
    models = ["sums_v1", "sums_v2"]
    await Keeping([Sums(), NewSums()], _none(reading)).readers()
    assert await reading.states(models) == [("sums_v1_r1", "live"), ("sums_v2_r1", "filling")]

    async with reading.running(Sums(), NewSums()):
        await reading.counted("sums_v2", 10)
        await publish(reading.kafka, reading.topic, [purchases.next(ANN)])
        await reading.counted("sums_v1", 11)
        await reading.counted("sums_v2", 11)

        assert await reading.states(models) == [("sums_v1_r1", "live"), ("sums_v2_r1", "live")]
    rows = await reading.desk.keeper.fetch("SELECT * FROM sums_v1 EXCEPT SELECT * FROM sums_v2")
    assert rows == []


def _none(reading: Reading) -> Tools:
    """Give what is needed to look, and nothing to read with."""
    pool, keyring = reading.desk.keeper, MemoryKeyring()
    filler = Filler(service="contacts", pool=pool, keyring=keyring, scan=partial(read_partitions, reading.kafka))
    return Tools(pool=pool, keyring=keyring, filler=filler, heads=reading.state)


async def test_a_rebuild_gets_each_poll_that_the_live_one_gets(reading: Reading) -> None:
    purchases = Purchases()
    pool = reading.desk.keeper
    await publish(reading.kafka, reading.topic, [purchases.next(ANN) for _ in range(5)])
    async with reading.running(Sums()) as work:
        await reading.counted("sums_v1", 5)
        await begin_rebuild(pool, "sums_v1")
        await until(lambda: len(work.readers) == 2, seconds=SECONDS, what="the rebuild is fed")

        await publish(reading.kafka, reading.topic, [purchases.next(who) for who in (ANN, BOB) for _ in range(5)])
        await reading.counted("sums_v1_r2", 15)
        assert await switch(pool, "sums_v1", 2) == "switched"
        await publish(reading.kafka, reading.topic, [purchases.next(BOB)])
        await reading.counted("sums_v1", 16)

    assert await reading.states(["sums_v1"]) == [("sums_v1_r1", "beside"), ("sums_v1_r2", "live")]
