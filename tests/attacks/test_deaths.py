"""A process dies by `kill -9` at the worst moment: nothing is lost, and whoever asks again is told."""

import asyncio

import asyncpg
import pytest

from rapport_events.database import Connection
from tests.attacks.callers import START_SECONDS, Callers, wrong
from tests.attacks.deaths import (
    AFTER_APPEND,
    AFTER_CONFIRMATION,
    AFTER_FOLD_COMMIT,
    BEFORE_APPEND,
    BEFORE_FOLD_COMMIT,
)
from tests.attacks.process import program
from tests.events.mirroring import SECONDS
from tests.waiting import until


@pytest.mark.parametrize(("moment", "recorded"), [(BEFORE_APPEND, 0), (AFTER_APPEND, 1)])
async def test_whoever_asks_again_under_the_same_key_gets_the_first_answer(
    callers: Callers, moment: str, recorded: int
) -> None:
    dying = await callers.house.start("http,mirror", program=program(moment))
    await callers.until_open()
    assert await callers.buy("order-1") is None
    assert await dying.wait() < 0
    there = [entry.event_id for entry in await callers.ledger()]
    assert len(there) == recorded

    await callers.house.start("http,mirror,readers")
    await callers.until_open()
    answers = [await callers.buy("order-1") for _ in range(2)]
    await callers.until_shown()

    bodies = [answer.json() for answer in answers if answer is not None]
    assert bodies[0] == bodies[1]
    assert bodies[0]["event_ids"][:recorded] == there
    assert wrong(await callers.findings()) == []


async def test_an_append_that_is_committed_after_its_process_died_is_answered_by_its_key(callers: Callers) -> None:
    dying = await callers.house.start("http,mirror")
    await callers.until_open()
    holder = await asyncpg.connect(callers.house.database.admin)
    async with asyncio.TaskGroup() as tasks:
        async with holder.transaction():
            await holder.execute("SELECT pg_advisory_xact_lock(7101, number) FROM generate_series(0, 31) AS number")
            asking = tasks.create_task(callers.buy("order-1"))
            await until(lambda: _waits(holder), seconds=SECONDS, what="the append waits for its partition")
            dying.kill()
            assert await dying.wait() < 0
            assert await asking is None
        await until(lambda: _are_there(callers, 1), seconds=SECONDS, what="the server has committed all the same")
    await holder.close()

    await callers.house.start("http,mirror,readers")
    await callers.until_open()
    assert await callers.buy("order-1") is not None
    await callers.until_shown()

    assert wrong(await callers.findings()) == []


async def test_what_the_broker_confirmed_to_a_mirror_that_died_is_not_lost_and_counts_once(callers: Callers) -> None:
    await callers.house.start("http")
    dying = await callers.house.start("mirror", program=program(AFTER_CONFIRMATION))
    await callers.until_open()
    for number in range(3):
        assert await callers.buy(f"order-{number}") is not None
    assert await dying.wait() < 0

    await callers.house.start("mirror,readers")
    await callers.until_open()
    assert await callers.buy("order-3") is not None
    await callers.until_shown()

    assert wrong(await callers.findings()) == []


@pytest.mark.parametrize(("moment", "folded"), [(BEFORE_FOLD_COMMIT, 0), (AFTER_FOLD_COMMIT, 1)])
async def test_a_reader_that_died_around_its_commit_folds_everything_once(
    callers: Callers, moment: str, folded: int
) -> None:
    await callers.house.start("http,mirror")
    await callers.until_open()
    dying = await callers.house.start("readers", program=program(moment))
    assert await callers.buy("order-1") is not None
    async with asyncio.timeout(START_SECONDS):
        assert await dying.wait() < 0
    assert await callers.folded() == folded

    await callers.house.start("readers")
    assert await callers.buy("order-2") is not None
    await callers.until_shown()

    assert await callers.folded() == 2
    assert wrong(await callers.findings()) == []


async def _waits(connection: Connection) -> bool:
    waiting: int = await connection.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'"
    )
    return waiting > 0


async def _are_there(callers: Callers, count: int) -> bool:
    return len(await callers.ledger()) == count
