"""Beside each checkpoint stands what was taken: the same sums, however it came; others where something went wrong."""

from collections.abc import AsyncIterator, Sequence

import asyncpg
import msgspec
import pytest
from hypothesis import given, strategies as st

from rapport_events.database import Pool
from rapport_events.reader import ViewReader, write_down
from rapport_events.tally import NOTHING, Tally, tally_of
from rapport_events.testing import ANN, arrived
from rapport_events.view import Arrived
from tests.databases import ServiceDatabase
from tests.events.sums import TABLES, Purchases, Sums

ids = st.lists(st.uuids().map(lambda each: str(each).encode()), min_size=2, max_size=30, unique=True)


@given(ids, st.data())
def test_sums_do_not_depend_on_batches(taken: list[bytes], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(taken)))
    assert tally_of(taken[:cut], 0) + tally_of(taken[cut:], cut) == tally_of(taken, 0)
    assert tally_of([], 7) == NOTHING


@given(ids, st.data())
def test_whatever_is_missing_repeated_swapped_or_replaced_changes_a_sum(
    taken: list[bytes], data: st.DataObject
) -> None:
    one, other = sorted(data.draw(st.sets(st.integers(0, len(taken) - 1), min_size=2, max_size=2)))
    right = tally_of(taken, 0)
    swapped = [*taken]
    swapped[one], swapped[other] = taken[other], taken[one]
    assert tally_of(swapped, 0).total == right.total
    for wrong in (
        swapped,
        [*taken[:one], *taken[one + 1 :]],
        [*taken[: one + 1], *taken[one:]],
        [*taken[:one], b"from nowhere", *taken[one + 1 :]],
    ):
        assert tally_of(wrong, 0) != right


@pytest.fixture
async def pool(service: ServiceDatabase) -> AsyncIterator[Pool]:
    owner = await asyncpg.connect(service.admin)
    await owner.execute("SET ROLE rapport_events_owner")
    await owner.execute(TABLES)
    await owner.close()
    async with asyncpg.create_pool(service.keeper, min_size=1, max_size=4) as pool:
        yield pool


async def reader_of(pool: Pool) -> ViewReader:
    reader = ViewReader(Sums(), pool)
    await reader.begin({"interactions": 1})
    return reader


async def stored(pool: Pool) -> tuple[int, Tally]:
    row = await pool.fetchrow("SELECT * FROM checkpoints WHERE position > 0")
    assert row is not None
    return row["position"], Tally(row["tally_count"], row["tally_total"], row["tally_weighted"])


def tally(records: Sequence[Arrived]) -> Tally:
    return tally_of([record.headers["ce_id"] for record in records], 0)


async def test_a_reader_counts_what_it_folds_and_what_does_not_concern_it(pool: Pool) -> None:
    reader = await reader_of(pool)
    purchases = Purchases()
    records = [arrived(purchases.next(ANN)) for _ in range(12)]
    # What a view does not read is counted too, and written down at the end of a poll.
    other = "crm.weather.changed.v1"
    records = [msgspec.structs.replace(each, type=other) if each.position % 3 else each for each in records]

    await reader.take([*records[:5], *records[2:4], records[7]])
    await reader.take(records[5:])
    await write_down(pool, [reader])

    assert await stored(pool) == (12, tally(records))


async def test_who_takes_records_once_more_leaves_a_trace(pool: Pool) -> None:
    reader = await reader_of(pool)
    purchases = Purchases()
    records = [arrived(purchases.next(ANN)) for _ in range(3)]
    await reader.take(records)

    await pool.execute("UPDATE checkpoints SET position = 1 WHERE position > 0")
    await reader.reload()
    await reader.take(records)

    position, found = await stored(pool)
    assert (position, found.count) == (3, 5)


async def test_the_database_marks_an_event_as_the_reader_does(pool: Pool) -> None:
    record = arrived(Purchases().next(ANN))
    mark = await pool.fetchval("SELECT crc32($1::uuid::text::bytea)", record.headers["ce_id"].decode())
    assert tally([record]) == Tally(1, mark, mark)
