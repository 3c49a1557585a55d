"""What callers are told while the database is slow, silent, full of others, locked or killed; and how it ends."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

import asyncpg
import httpx
import pytest

from tests.chassis.houses import House
from tests.chassis.test_run import START_SECONDS, takes_commands
from tests.proxy import Proxy
from tests.waiting import until

ANSWER_SECONDS: Final = 3.0
SLACK_SECONDS: Final = 5.0
"""On a quiet machine a tenth of it is enough; without a deadline no time was."""
RECOVERY_SECONDS: Final = 10
SENT_AWAY: Final = 503
CALLERS: Final = 24
CALLS: Final = 3
PURCHASE: Final = {"customer": {"system": "shop", "external_id": "17850"}, "total": "15.30"}


@dataclass
class Slow:
    """A service whose road to the database is ours."""

    house: House
    proxy: Proxy
    admin: str


@dataclass
class Calls:
    """What calls were told, and how long each took."""

    statuses: list[int] = field(default_factory=list[int])
    seconds: dict[int, list[float]] = field(default_factory=dict[int, list[float]])
    told_to_come_again: bool = True

    def note(self, answer: httpx.Response, seconds: float) -> None:
        self.statuses.append(answer.status_code)
        self.seconds.setdefault(answer.status_code, []).append(seconds)
        if answer.status_code == SENT_AWAY:
            self.told_to_come_again &= answer.headers.get("retry-after", "").isdecimal()

    @property
    def slowest(self) -> float:
        return max(seconds for each in self.seconds.values() for seconds in each)


@pytest.fixture
async def slow(house: House) -> AsyncIterator[Slow]:
    async with Proxy.to(house.database.app, seed=7).open() as proxy:
        await house.start("mirror")
        environment = {
            "RAPPORT_INTERACTIONS_APP": proxy.dsn_of(house.database.app),
            "RAPPORT_INTERACTIONS_ANSWER_SECONDS": str(ANSWER_SECONDS),
            "RAPPORT_INTERACTIONS_STATEMENT_SECONDS": "2",
        }
        await house.start("http", **environment)
        await until(lambda: takes_commands(house), seconds=START_SECONDS, what="the ledger takes commands")
        yield Slow(house, proxy, house.database.admin)


async def ask(slow: Slow, *, calls: int = CALLS) -> Calls:
    """Command and read, from many callers at a time."""
    told = Calls()
    async with slow.house.client() as client:

        async def call(number: int) -> None:
            for turn in range(calls):
                began = time.monotonic()
                if (number + turn) % 2:
                    answer = await client.post("/v1/purchases", json=PURCHASE)
                else:
                    answer = await client.get("/v1/webhooks")
                told.note(answer, time.monotonic() - began)

        await asyncio.gather(*(call(number) for number in range(CALLERS)))
    return told


async def recovers(slow: Slow) -> None:
    """Wait until commands and reads are answered again."""
    async with slow.house.client() as client:

        async def is_well() -> bool:
            bought, read = await client.post("/v1/purchases", json=PURCHASE), await client.get("/v1/webhooks")
            return (bought.status_code, read.status_code) == (201, 200)

        await until(is_well, seconds=RECOVERY_SECONDS, what="commands and reads are answered again")


async def test_a_slow_database_is_answered_in_time_or_not_at_all(slow: Slow) -> None:
    slow.proxy.slow(0.05, 0.5)

    told = await ask(slow)

    assert set(told.statuses) <= {200, 201, 503}
    assert told.told_to_come_again
    assert told.slowest <= ANSWER_SECONDS + SLACK_SECONDS
    slow.proxy.pass_on()
    await recovers(slow)


async def test_behind_a_black_hole_callers_are_sent_away_and_later_served_again(slow: Slow) -> None:
    await ask(slow, calls=1)
    slow.proxy.silence()

    told = await ask(slow, calls=2)

    assert set(told.statuses) == {503}
    assert told.told_to_come_again
    assert told.slowest <= ANSWER_SECONDS + SLACK_SECONDS
    slow.proxy.pass_on()
    await recovers(slow)


async def test_a_database_that_takes_nobody_is_said_to_be_away(slow: Slow) -> None:
    slow.proxy.refuse()
    slow.proxy.cut()

    told = await ask(slow, calls=1)

    assert set(told.statuses) == {503}
    assert told.told_to_come_again
    assert told.slowest <= ANSWER_SECONDS + SLACK_SECONDS
    await slow.proxy.admit()
    await recovers(slow)


async def test_a_lock_that_somebody_holds_ends_by_the_deadline(slow: Slow) -> None:
    holder = await asyncpg.connect(slow.admin)
    async with holder.transaction():
        await holder.execute("LOCK TABLE events IN ACCESS EXCLUSIVE MODE")
        told = await ask(slow, calls=1)
    await holder.close()

    # What needs the table is sent away; what does not goes on.
    assert sorted(told.statuses) == [200] * (CALLERS // 2) + [503] * (CALLERS // 2)
    assert told.told_to_come_again
    assert told.slowest <= ANSWER_SECONDS + SLACK_SECONDS
    await recovers(slow)
