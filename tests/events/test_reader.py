"""A reader takes exactly the next number, once, whatever comes and whoever else is there."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from uuid import UUID

import asyncpg
import pytest

from rapport_events.database import Pool
from rapport_events.reader import Overtaken, ViewReader, write_down
from rapport_events.testing import ANN, BOB, arrived
from rapport_events.view import Arrived, Batch
from tests.databases import Databases, ServiceDatabase
from tests.events.sums import TABLES, PoisonError, Purchases, Sum, Sums
from tests.waiting import until


@pytest.fixture
async def pool(service: ServiceDatabase) -> AsyncIterator[Pool]:
    owner = await asyncpg.connect(service.admin)
    await owner.execute("SET ROLE rapport_events_owner")
    await owner.execute(TABLES)
    await owner.close()
    async with asyncpg.create_pool(service.keeper, min_size=1, max_size=6) as pool:
        yield pool


async def reader_of(pool: Pool) -> ViewReader:
    reader = ViewReader(Sums(), pool)
    await reader.begin({"interactions": 1})
    return reader


async def total_of(pool: Pool, customer: UUID) -> tuple[int, Decimal, list[int]]:
    row = await pool.fetchrow("SELECT count, total, seen FROM sums_v1_r1 WHERE customer = $1", customer)
    return (row["count"], row["total"], row["seen"]) if row else (0, Decimal(0), [])


def line(count: int, customer: UUID = ANN) -> list[Arrived]:
    purchases = Purchases()
    return [arrived(purchases.next(customer)) for _ in range(count)]


async def test_every_record_counts_once_however_often_it_comes(pool: Pool) -> None:
    reader = await reader_of(pool)
    records = line(5)

    await reader.take([record for record in records for _ in range(2)])
    await reader.take(records)

    assert await total_of(pool, ANN) == (5, Decimal(5), [1, 2, 3, 4, 5])


async def test_a_record_above_a_hole_is_passed_over_and_taken_when_it_comes_again(
    pool: Pool,
) -> None:
    reader = await reader_of(pool)
    one, two = line(2)

    await reader.take([two, one, two])

    assert await total_of(pool, ANN) == (2, Decimal(2), [1, 2])


async def test_a_second_owner_is_fenced_off_and_goes_on_from_the_true_position(
    pool: Pool,
) -> None:
    first, second = await reader_of(pool), await reader_of(pool)
    records = line(6)

    await first.take(records[:4])
    await second.take(records)

    assert await total_of(pool, ANN) == (6, Decimal(6), [1, 2, 3, 4, 5, 6])


async def test_two_owners_at_once_apply_nothing_twice(pool: Pool) -> None:
    owners = [await reader_of(pool) for _ in range(4)]
    records = line(60)

    async def work(owner: ViewReader) -> None:
        for start in range(0, 60, 7):
            await owner.take(records[start : start + 7])

    async with asyncio.TaskGroup() as group:
        for owner in owners:
            group.create_task(work(owner))

    assert await total_of(pool, ANN) == (60, Decimal(60), list(range(1, 61)))


async def test_a_reader_that_was_set_back_to_before_it_began_begins_once_more(pool: Pool) -> None:
    reader = await reader_of(pool)
    await reader.take(line(2))

    await pool.execute("DELETE FROM checkpoints")
    await reader.look_back()
    assert reader.positions == {}

    await reader_of(pool)
    await reader.look_back()
    assert set(reader.positions.values()) == {0}


async def test_a_record_of_another_era_is_never_applied(pool: Pool) -> None:
    reader = await reader_of(pool)
    (record,) = line(1)
    old = Arrived(record.source, 2, record.partition, 1, record.type, record.headers, record.value)

    await reader.take([old])

    assert await total_of(pool, ANN) == (0, Decimal(0), [])


async def test_poison_parks_its_customer_and_nobody_else(pool: Pool) -> None:
    reader = await reader_of(pool)
    purchases = Purchases()
    records = [
        arrived(event)
        for event in (
            purchases.next(ANN),
            purchases.next(ANN, "13.13"),
            purchases.next(BOB),
            purchases.next(ANN),
            purchases.next(BOB),
        )
    ]

    await reader.take(records)
    await reader.take([arrived(purchases.next(ANN)), arrived(purchases.next(BOB))])

    assert (await total_of(pool, ANN))[0] == 1
    assert (await total_of(pool, BOB))[0] == 3
    parked = await pool.fetch("SELECT position, cause FROM parked WHERE subject = $1 ORDER BY position", str(ANN))
    assert [row["cause"] for row in parked] == [
        "tests.events.sums.PoisonError",
        "waits behind an earlier parked record of the same customer",
        "waits behind an earlier parked record of the same customer",
    ]


class Fickle(Sums):
    """Fails a few times, as while something that it needs is missing."""

    def __init__(self, *, failures: int) -> None:
        super().__init__()
        self.failures = failures

    def fold(self, state: dict[tuple[str, UUID], Sum], batch: Batch) -> dict[tuple[str, UUID], Sum]:
        if self.failures:
            self.failures -= 1
            raise PoisonError
        return super().fold(state, batch)


@pytest.mark.parametrize(("failures", "folded", "parked"), [(4, 1, 0), (5, 0, 1)])
async def test_a_record_is_set_aside_when_it_cannot_be_folded_for_the_fifth_time(
    pool: Pool, failures: int, folded: int, parked: int
) -> None:
    reader = ViewReader(Fickle(failures=failures), pool)
    await reader.begin({"interactions": 1})

    await reader.take(line(1))

    assert (await total_of(pool, ANN))[0] == folded
    assert await pool.fetchval("SELECT count(*) FROM parked") == parked


async def test_an_undecodable_record_is_parked_as_it_came(pool: Pool) -> None:
    reader = await reader_of(pool)
    good, bad = line(2)
    broken = Arrived(bad.source, bad.era, bad.partition, bad.position, bad.type, bad.headers, b'{"total": ')

    await reader.take([good, broken])

    row = await pool.fetchrow("SELECT value, cause, event_id FROM parked")
    assert row is not None
    assert row["value"] == b'{"total": '
    assert row["event_id"] == bad.headers["ce_id"].decode()
    assert reader.positions[good.line] == 2


async def test_an_unknown_major_of_a_known_type_is_parked_not_guessed(pool: Pool) -> None:
    reader = await reader_of(pool)
    (record,) = line(1)
    newer = Arrived(record.source, 1, record.partition, 1, "crm.customer.purchased.v9", record.headers, record.value)

    await reader.take([newer])

    assert await pool.fetchval("SELECT cause FROM parked") == "unknown major version: crm.customer.purchased.v9"


async def test_an_unknown_type_only_moves_the_checkpoint(pool: Pool) -> None:
    reader = await reader_of(pool)
    (record,) = line(1)
    unknown = Arrived(record.source, 1, record.partition, 1, "crm.moon.risen.v1", record.headers, b"\xff")

    await reader.take([unknown])

    assert reader.positions[record.line] == 1
    assert await pool.fetchval("SELECT count(*) FROM parked") == 0


async def test_a_position_over_records_that_do_not_concern_the_view_is_written_down_later(
    pool: Pool,
) -> None:
    reader = await reader_of(pool)
    purchases = Purchases()
    record, second = arrived(purchases.next(ANN)), arrived(purchases.next(ANN))
    unknown = Arrived(record.source, 1, record.partition, 1, "crm.moon.risen.v1", record.headers, b"{}")

    await reader.take([unknown])
    before = await pool.fetchval("SELECT max(position) FROM checkpoints")
    await write_down(pool, [reader])
    after = await pool.fetchval("SELECT max(position) FROM checkpoints")
    await reader.take([second])

    assert (before, after) == (0, 1)
    assert await total_of(pool, ANN) == (1, Decimal(1), [2])


async def test_a_reader_waits_for_a_lost_database_and_gives_nothing_up(pool: Pool, databases: Databases) -> None:
    reader = await reader_of(pool)
    records = line(3)
    killer = await asyncpg.connect(databases.admin_dsn)
    name = await pool.fetchval("SELECT current_database()")
    await killer.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()", name
    )
    await killer.close()

    await reader.take(records)

    assert (await total_of(pool, ANN))[0] == 3


async def test_a_moved_checkpoint_is_noticed_before_anything_is_written(pool: Pool) -> None:
    reader = await reader_of(pool)
    records = line(2)
    await pool.execute("UPDATE checkpoints SET position = 1")

    with pytest.raises(Overtaken):
        await reader.take_once(records)

    assert await total_of(pool, ANN) == (0, Decimal(0), [])


async def test_customers_of_many_partitions_fold_in_one_transaction(pool: Pool) -> None:
    reader = await reader_of(pool)
    purchases = Purchases()
    customers = [UUID(int=0x8 << 76 | 0x2 << 62 | n) for n in range(200)]
    records = [arrived(purchases.next(customer)) for customer in customers for _ in range(2)]

    async def all_there() -> bool:
        return bool(await pool.fetchval("SELECT coalesce(sum(count), 0) FROM sums_v1_r1") == 400)

    await reader.take(records)
    await until(all_there, seconds=5, what="all purchases are folded")
