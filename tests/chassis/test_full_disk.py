"""What callers are told while the database's disk is full, or the server is killed or stands still; and how it ends."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP, Signals
from typing import Final

import asyncpg
import httpx
import pytest

from rapport_cli.embedded.postgres import Postgres
from tests.chassis.houses import House
from tests.chassis.test_run import START_SECONDS, takes_commands
from tests.databases import Databases
from tests.faults.parts import Part
from tests.small_disk import CANNOT_MOUNT, SmallDisk, small_disk
from tests.waiting import ended, until

DISK_MEBIBYTES: Final = 512
ANSWER_SECONDS: Final = 3.0
SLACK_SECONDS: Final = 5.0
"""On a quiet machine a tenth of it is enough; without a deadline no time was."""
RECOVERY_SECONDS: Final = 10
TROUBLE_SECONDS: Final = 30
BUYERS: Final = 12
AWAY: Final = 503
FILL_LOG: Final = """
DO $$ BEGIN
    FOR _ IN 1 .. 100 LOOP
        PERFORM pg_logical_emit_message(false, 'a test', repeat('x', 1000000));
    END LOOP;
END $$"""


@dataclass
class Shop:
    """A service whose database has a small disk of its own, and is started again whenever it ends."""

    house: House
    server: Postgres
    disk: SmallDisk | None

    def send(self, signal: Signals) -> None:
        """Send a signal to the database server with all its connections."""
        pid = self.server.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
        for process in (pid, *map(int, children.split())):
            os.kill(process, signal)


@dataclass
class Calls:
    """What callers were told who bought and read all the time."""

    bought: list[int] = field(default_factory=list[int])
    read: list[int] = field(default_factory=list[int])
    acknowledged: list[str] = field(default_factory=list[str])
    slowest: float = 0.0
    told_to_come_again: bool = True

    async def buy(self, client: httpx.AsyncClient, number: int) -> None:
        """Buy until cancelled, after a short pause where that was refused."""
        purchase = {"customer": {"system": "shop", "external_id": str(number)}, "total": "15.30"}
        while True:
            answer = await self._timed(client.post("/v1/purchases", json=purchase))
            self.bought.append(answer.status_code)
            if answer.status_code == 201:
                self.acknowledged.append(answer.json()["event_ids"][0])
            else:
                await asyncio.sleep(0.1)

    async def look(self, client: httpx.AsyncClient) -> None:
        """Read what lies in the database, until cancelled."""
        while True:
            self.read.append((await self._timed(client.get("/v1/webhooks"))).status_code)
            await asyncio.sleep(0.05)

    async def _timed(self, call: Awaitable[httpx.Response]) -> httpx.Response:
        began = time.monotonic()
        answer = await call
        self.slowest = max(self.slowest, time.monotonic() - began)
        if answer.status_code == AWAY:
            self.told_to_come_again &= answer.headers.get("retry-after", "").isdecimal()
        return answer

    def forget(self) -> None:
        """Count anew, except what was acknowledged."""
        self.bought.clear()
        self.read.clear()


@pytest.fixture(scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory, kafka: str) -> AsyncIterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "disk").mkdir()
    async with small_disk(folder / "disk", mebibytes=DISK_MEBIBYTES) as disk:
        server = Postgres(folder / "disk", settings={"min_wal_size": "32MB", "max_wal_size": "64MB"})
        await server.start()
        databases = Databases(server.dsn)
        (_, database), (_, keyring) = await databases.service("interactions"), await databases.keyring()
        keeping = asyncio.create_task(Part("postgres", server).keep())
        house = await House.build(folder, database, keyring, kafka, "full")
        try:
            seconds = {"RAPPORT_INTERACTIONS_ANSWER_SECONDS": str(ANSWER_SECONDS)}
            await house.start("http,mirror,readers", **seconds, RAPPORT_INTERACTIONS_STATEMENT_SECONDS="2")
            await until(lambda: takes_commands(house), seconds=START_SECONDS, what="the ledger takes commands")
            yield Shop(house, server, disk)
        finally:
            await house.end()
            await ended(keeping)
            await server.kill()


@asynccontextmanager
async def calling(shop: Shop) -> AsyncGenerator[Calls]:
    """Let callers buy and read meanwhile; in the end all is as before, without a hand, and what they have is there."""
    calls = Calls()
    async with shop.house.client() as client:
        tasks = [asyncio.create_task(calls.buy(client, number)) for number in range(BUYERS)]
        tasks.append(asyncio.create_task(calls.look(client)))
        try:
            yield calls
            calls.forget()
            await until(
                lambda: 201 in calls.bought and 200 in calls.read,
                seconds=RECOVERY_SECONDS,
                what="commands and reads are answered again",
            )
            assert not [task for task in tasks if task.done()], "somebody got no answer"
        finally:
            await ended(*tasks)
    assert calls.slowest <= ANSWER_SECONDS + SLACK_SECONDS
    assert calls.told_to_come_again
    assert set(calls.bought) <= {201, AWAY}
    await nothing_is_lost(shop, calls.acknowledged)


async def nothing_is_lost(shop: Shop, acknowledged: list[str]) -> None:
    connection = await asyncpg.connect(shop.house.database.admin)
    try:
        found = await connection.fetchval(
            "SELECT count(*) FROM unnest($1::uuid[]) AS id WHERE id IN (SELECT event_id FROM events)", acknowledged
        )
        assert found == len(set(acknowledged)) == len(acknowledged) > 0

        async def are_folded() -> bool:
            return bool(
                await connection.fetchval(
                    "SELECT (SELECT sum(cardinality(seen)) FROM sums_v1_r1) = (SELECT count(*) FROM events)"
                )
            )

        await until(are_folded, seconds=TROUBLE_SECONDS, what="each purchase is in the read model once")
    finally:
        await connection.close()


async def kill(server: Postgres) -> None:
    """Kill it, and wait until somebody has started it again."""
    killed = server.pid
    assert killed > 0
    os.kill(killed, SIGKILL)
    await until(lambda: server.pid not in {0, killed}, seconds=TROUBLE_SECONDS, what="it is started again")


async def until_refused(calls: Calls) -> None:
    await until(lambda: calls.bought.count(AWAY) >= BUYERS, seconds=TROUBLE_SECONDS, what="commands are sent away")


async def until_taken(calls: Calls) -> None:
    calls.forget()
    await until(lambda: 201 in calls.bought, seconds=TROUBLE_SECONDS, what="commands are taken")


async def test_a_database_with_a_full_disk_takes_no_commands_and_is_read_all_the_same(shop: Shop) -> None:
    if shop.disk is None:
        pytest.skip(CANNOT_MOUNT)
    async with calling(shop) as calls:
        await until_taken(calls)
        shop.disk.fill()
        try:
            await until_refused(calls)
            calls.forget()
            await until_refused(calls)
            assert set(calls.bought) <= {201, AWAY}
            assert set(calls.read) == {200}
        finally:
            shop.disk.empty()


async def test_a_database_whose_log_has_no_room_ends_and_comes_back_when_there_is_room(shop: Shop) -> None:
    if shop.disk is None:
        pytest.skip(CANNOT_MOUNT)
    admin = await asyncpg.connect(shop.house.database.admin)
    async with calling(shop) as calls:
        await until_taken(calls)
        try:
            shop.disk.fill()
            # Whoever needs the next file of the log ends the server.
            with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
                await admin.execute(FILL_LOG)
            shop.disk.fill()
            calls.forget()
            await until_refused(calls)
            assert set(calls.bought) <= {201, AWAY}
            assert set(calls.read) <= {200, AWAY}
        finally:
            shop.disk.empty()
    await admin.close()


async def test_a_database_that_is_killed_three_times_costs_no_acknowledged_command(shop: Shop) -> None:
    async with calling(shop) as calls:
        for _ in range(3):
            await until_taken(calls)
            await kill(shop.server)
            # Whoever waits a moment is served after all; nobody is told that a thing was done that was not.
            assert set(calls.bought) <= {201, AWAY}
            assert set(calls.read) <= {200, AWAY}


async def test_a_database_that_stands_still_is_said_to_be_away_until_it_goes_on(shop: Shop) -> None:
    async with calling(shop) as calls:
        await until_taken(calls)
        shop.send(SIGSTOP)
        try:
            await until_refused(calls)
        finally:
            shop.send(SIGCONT)
