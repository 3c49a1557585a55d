"""Replicas of a service's readers share its partitions: they come, go, die and sleep, and each fact counts once."""

import asyncio
import signal
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import KafkaError

from rapport_events.ids import PARTITIONS
from tests.chassis.houses import House
from tests.waiting import ended, until

SECONDS = 60
SESSION_SECONDS = 6
CUSTOMERS = 40
GUESTS = 8


@pytest.fixture
def house(house: House) -> House:
    house.environment |= {"RAPPORT_CONSUMER_GROUPS": "true", "RAPPORT_SESSION_SECONDS": str(SESSION_SECONDS)}
    return house


async def members(house: House) -> tuple[str, list[bytes]]:
    """Return the state of the readers' group, and what each member of it was given."""
    group = f"{house.environment['RAPPORT_TOPIC_PREFIX']}-interactions"
    admin = AIOKafkaAdminClient(bootstrap_servers=house.environment["RAPPORT_KAFKA"])
    await admin.start()
    try:
        (answer,) = await admin.describe_consumer_groups([group])
    except KafkaError:
        return "Unknown", []
    finally:
        await admin.close()
    ((_, _, state, _, _, found),) = answer.groups
    return state, [member[4] for member in found]


async def shares(house: House) -> list[int]:
    """Return how many partitions each replica has, the fewest first; nothing while they are being shared out."""
    state, given = await members(house)
    if state != "Stable":
        return []
    return sorted(len(ConsumerProtocolMemberAssignment.decode(each).partitions()) for each in given)


async def until_shared(house: House, *wanted: int) -> None:
    async def are_shared() -> bool:
        return await shares(house) == list(wanted)

    await until(are_shared, seconds=SECONDS, what=f"replicas have {wanted} partitions")


@asynccontextmanager
async def commands(house: House) -> AsyncGenerator[None]:
    """Let many customers buy all the time."""

    async def buy() -> None:
        async with house.client() as client:
            for number in range(1_000_000):
                customer = {"system": "shop", "external_id": str(number % CUSTOMERS)}
                answer = await client.post("/v1/purchases", json={"customer": customer, "total": "1.00"})
                assert answer.status_code == 201, answer.text

    buying = asyncio.create_task(buy())
    try:
        yield
        assert not buying.done(), "a command failed"
    finally:
        await ended(buying)


async def folded(house: House) -> tuple[Mapping[str, list[int]], Mapping[str, list[int]]]:
    """Return the positions of each customer's purchases: as the ledger has them, and as the readers took them."""
    connection = await asyncpg.connect(house.database.admin)
    try:
        had = await connection.fetch(
            "SELECT subject, array_agg(position ORDER BY position) FROM events"
            " WHERE type = 'crm.customer.purchased.v1' GROUP BY subject"
        )
        took = await connection.fetch("SELECT customer::text, seen FROM sums_v1_r1")
    finally:
        await connection.close()
    return dict(map(tuple, had)), dict(map(tuple, took))


async def each_is_taken_once(house: House) -> None:
    async def is_level() -> bool:
        had, took = await folded(house)
        return sum(map(len, had.values())) == sum(map(len, took.values()))

    await until(is_level, seconds=SECONDS, what="the readers have come to the heads")
    had, took = await folded(house)
    assert took == had
    assert sum(map(len, had.values())) > 10 * CUSTOMERS


@pytest.mark.apache_kafka
@pytest.mark.timeout(240)
async def test_replicas_that_come_go_die_and_sleep_take_each_fact_once_and_in_order(house: House) -> None:
    await house.start("http,mirror")
    first, second = await house.start("readers"), await house.start("readers")
    await until_shared(house, PARTITIONS // 2, PARTITIONS // 2)
    async with commands(house):
        third = await house.start("readers")
        await until_shared(house, 10, 11, 11)
        assert await house.stop(third) == 0
        await until_shared(house, 16, 16)

        second.kill()
        await until_shared(house, PARTITIONS)
        fourth = await house.start("readers")
        await until_shared(house, 16, 16)

        # It sleeps past its session, and wakes up with records in its hands that others have taken since.
        first.send_signal(signal.SIGSTOP)
        await until_shared(house, PARTITIONS)
        first.send_signal(signal.SIGCONT)
        await until_shared(house, 16, 16)

    await each_is_taken_once(house)
    for process in (first, fourth):
        assert await house.stop(process) == 0


@pytest.mark.apache_kafka
@pytest.mark.timeout(240)
async def test_a_storm_of_guests_that_come_and_go_neither_loses_nor_doubles_anything(house: House) -> None:
    await house.start("http,mirror")
    hosts = [await house.start("readers", RAPPORT_MEMBER=f"host-{number}") for number in range(2)]
    await until_shared(house, PARTITIONS // 2, PARTITIONS // 2)
    async with commands(house):
        for turn in range(GUESTS):
            guest = await house.start("readers", RAPPORT_MEMBER=f"guest-{turn}")

            async def is_there() -> bool:
                return len((await members(house))[1]) > len(hosts)

            await until(is_there, seconds=SECONDS, what="somebody joins")
            # Before the partitions are shared out anew, and every other time without a word.
            if turn % 2:
                guest.kill()
                await until_shared(house, PARTITIONS // 2, PARTITIONS // 2)
            else:
                assert await house.stop(guest) == 0

    await each_is_taken_once(house)
    for process in hosts:
        assert await house.stop(process) == 0
