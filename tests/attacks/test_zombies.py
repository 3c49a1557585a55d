"""A process that stood still while others went on wakes up: what it still wants to write is refused."""

import asyncio
import os
import signal

import httpx

from tests.attacks.callers import START_SECONDS, Callers, wrong
from tests.attacks.deaths import STANDS_STILL
from tests.attacks.process import program
from tests.chassis.houses import free_port
from tests.waiting import until


async def test_a_reader_that_stood_still_in_the_middle_of_a_batch_writes_nothing_stale(callers: Callers) -> None:
    house, port = callers.house, free_port()
    await house.start("http,mirror")
    await callers.until_open()
    zombie = await house.start("readers", program=program(STANDS_STILL), RAPPORT_HEALTH_PORT=str(port))
    assert await callers.buy("order-1") is not None
    await until(lambda: is_stopped(zombie), seconds=START_SECONDS, what="it stands still before its transaction")
    assert await callers.folded() == 0

    await house.start("readers")
    assert await callers.buy("order-2") is not None
    await callers.until_shown()
    assert await callers.folded() == 2
    zombie.send_signal(signal.SIGCONT)
    await until(lambda: was_refused(port), seconds=START_SECONDS, what="its stale batch was refused")
    assert await callers.buy("order-3") is not None
    await callers.until_shown()

    assert await callers.folded() == 3
    assert wrong(await callers.findings()) == []


async def test_a_mirror_that_stood_still_while_another_one_led_repeats_at_most(callers: Callers) -> None:
    house = callers.house
    await house.start("http,readers")
    zombie = await house.start("mirror")
    await callers.until_open()
    for number in range(3):
        assert await callers.buy(f"order-{number}") is not None
    os.kill(zombie.pid, signal.SIGSTOP)
    # What the server knows of the dead comes from their connections: end that of the leader.
    await callers.fetch(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'interactions.mirror'"
    )
    await house.start("mirror")
    for number in range(3, 6):
        assert await callers.buy(f"order-{number}") is not None
    await callers.until_shown()
    zombie.send_signal(signal.SIGCONT)
    for number in range(6, 9):
        assert await callers.buy(f"order-{number}") is not None
    await callers.until_shown()

    assert await callers.folded() == 9
    assert wrong(await callers.findings()) == []


async def is_stopped(process: asyncio.subprocess.Process) -> bool:
    with open(f"/proc/{process.pid}/stat", encoding="utf-8") as file:  # noqa: ASYNC230, PTH123  # no disk is read
        return file.read().rpartition(") ")[2].startswith("T")


async def was_refused(port: int) -> bool:
    async with httpx.AsyncClient(timeout=5) as client:
        text = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
    return 'rapport_reader_overtaken_total{reader="sums_v1_r1"} 1.0' in text
