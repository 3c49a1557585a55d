"""`rapport verify` names each fault that is planted in a real database or topic, and is silent where there is none."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import asyncpg
import msgspec
import orjson
import pytest

from rapport_cli.verifying.checker import Kind
from rapport_cli.verifying.findings import Account, Report
from rapport_cli.verifying.history import Operation, Told
from rapport_cli.verifying.places import Places, places_of
from rapport_cli.verifying.suite import verify
from rapport_events.database import Connection, Pool
from rapport_events.envelope import Recorded, topic_of
from rapport_events.filling import Filler
from rapport_events.ids import PARTITIONS, CustomerId, EventId, partition_of_customer
from rapport_events.kafka import apply_topics
from rapport_events.reader import ViewReader, write_down
from rapport_events.testing import ANN, BOB, TENANT, arrived
from rapport_events.view import Arrived
from tests.conftest import MakeServiceDatabase
from tests.databases import ServiceDatabase
from tests.events.postgres_desk import PostgresDesk, desk
from tests.events.publishing import publish
from tests.events.rebuilding import Shop, no_topics
from tests.events.sums import TABLES, Sums

__all__ = ["desk"]

LINE = partition_of_customer(TENANT, CustomerId(ANN))
READER = "interactions.sums_v1_r1"
LEDGER = "ledger interactions"


@pytest.fixture
async def service(make_service_database: MakeServiceDatabase) -> ServiceDatabase:
    """Make a database of a service that has nothing but a ledger."""
    return await make_service_database("events")


@dataclass
class Market:
    """A ledger with six purchases of Ann and two of Bob, and a read model of them."""

    shop: Shop
    admin: Connection
    places: Places

    @property
    def reader(self) -> ViewReader:
        return self.shop.live

    @property
    def pool(self) -> Pool:
        return self.shop.pool

    async def events(self, partition: int = LINE) -> list[Recorded]:
        return list(await self.shop.ledger.read_partition(partition, after=0, limit=1_000))

    async def take(self, records: Sequence[Arrived]) -> None:
        await self.reader.reload()
        await self.reader.take(records)
        await write_down(self.pool, [self.reader])

    async def step(self, by: int) -> None:
        """Move Ann's checkpoint by hand."""
        await self.admin.execute("UPDATE checkpoints SET position = position + $1 WHERE partition = $2", by, LINE)

    async def verify(self, told: Told | None = None) -> Report:
        return await verify(self.places, told)


@pytest.fixture
async def market(desk: PostgresDesk) -> AsyncIterator[Market]:
    async with desk.keeper.acquire() as connection:
        await connection.execute(TABLES)
    live = ViewReader(Sums(), desk.keeper)
    await live.begin({"interactions": 1})
    shop = Shop(
        desk.ledger, desk.keeper, live, Filler(service="interactions", pool=desk.keeper, keyring=None, scan=no_topics)
    )
    await shop.buy(ANN, times=6)
    await shop.buy(BOB, times=2)
    admin = await asyncpg.connect(desk.database.admin)
    yield Market(shop, admin, Places({"interactions": desk.database.keeper}))
    await admin.close()


def wrong(report: Report) -> dict[str, dict[Kind, int]]:
    """Return what was found, by place."""
    return {each.place: dict(each.counts) for each in report.accounts if each.counts.total()}


async def test_where_nothing_went_wrong_nothing_is_found(market: Market) -> None:
    late = await market.verify()
    await market.take(await market.shop.news())
    report = await market.verify()

    assert (late.is_clean, late.is_level, report.is_clean, report.is_level) == (True, False, True, True)
    assert {each.place: each.facts for each in report.accounts} == {LEDGER: 8, READER: 8}


async def test_an_event_that_was_passed_over_is_lost(market: Market) -> None:
    records = [arrived(event) for event in await market.events()]
    await market.take(records[:3])
    await market.step(1)
    await market.take(records)

    report = await market.verify()

    assert wrong(report) == {READER: {"lost": 1}}
    [finding] = report.findings
    assert finding.what == f"interactions partition {LINE}, position 4"
    assert "rapport view rebuild interactions.sums_v1 --switch" in finding.fix


async def test_events_that_were_applied_again_are_repeated(market: Market) -> None:
    records = [arrived(event) for event in await market.events()]
    await market.take(records)
    await market.step(-2)
    await market.take(records)

    report = await market.verify()

    assert wrong(report) == {READER: {"repeated": 2}}
    assert report.findings[0].what.endswith("positions 5 to 6")


async def test_events_that_changed_places_are_reordered(market: Market) -> None:
    one, two, three, four, *rest = [arrived(event) for event in await market.events()]
    swapped = [msgspec.structs.replace(three, position=2), msgspec.structs.replace(two, position=3)]
    await market.take([one, *swapped, four, *rest])

    report = await market.verify()

    assert wrong(report) == {READER: {"reordered": 1}}
    assert report.findings[0].what.endswith("positions 2 and 3")


async def test_an_event_that_took_the_place_of_another_is_a_ghost(market: Market) -> None:
    # The ledger went back by one event, and the topic lost it, too: all numbers fit (decisions 0018 and 0030).
    await market.take(await market.shop.news())
    await market.admin.execute("DELETE FROM events WHERE partition = $1 AND position = 6", LINE)
    await market.shop.buy(ANN)

    report = await market.verify()

    assert wrong(report) == {READER: {"lost": 1, "phantom": 1}}
    assert all(finding.what.endswith("position 6") for finding in report.findings)


async def test_a_reader_that_has_more_than_its_ledger_holds_phantoms(market: Market) -> None:
    await market.take(await market.shop.news())
    await market.admin.execute("DELETE FROM events WHERE partition = $1 AND position > 4", LINE)

    assert wrong(await market.verify()) == {READER: {"phantom": 2}}


async def test_an_event_that_was_taken_for_another_is_repeated_and_that_one_lost(market: Market) -> None:
    one, two, *rest = [arrived(event) for event in await market.events()]
    await market.take([one, msgspec.structs.replace(one, position=2), *rest])

    report = await market.verify()

    assert wrong(report) == {READER: {"lost": 1, "repeated": 1}}
    assert report.findings[1].what.endswith(f"position 1, at position {two.position}")


async def test_a_row_that_is_missing_in_a_ledger_is_lost(market: Market) -> None:
    await market.admin.execute("DELETE FROM events WHERE partition = $1 AND position = 3", LINE)

    report = await market.verify()

    assert wrong(report) == {LEDGER: {"lost": 1}}
    assert report.findings[0].what == f"partition {LINE} lacks positions 3 to 3"


async def test_a_stream_with_a_hole_in_its_versions_is_found(market: Market) -> None:
    await market.admin.execute("UPDATE events SET version = 3 WHERE partition = $1 AND position = 3", LINE)

    report = await market.verify()

    assert wrong(report) == {LEDGER: {"lost": 1}}
    assert "has 1 events and version 3" in report.findings[0].what


async def test_an_answer_without_its_event_and_an_event_without_its_answer_are_found(market: Market) -> None:
    await market.admin.execute(
        """INSERT INTO commands SELECT tenant_id, '\\x01', '\\x02', ARRAY[$1::smallint], ARRAY[9], ARRAY[1], now()
             FROM events WHERE partition = $1 AND position = 1""",
        LINE,
    )
    await market.admin.execute(
        """UPDATE events SET meta = '{"actor":"ann","correlation":"c-1","key":"01.02"}'
            WHERE partition = $1 AND position = 2""",
        LINE,
    )
    await market.admin.execute(
        "INSERT INTO claims SELECT tenant_id, 'fact', '\\x03', stream, $1 FROM events WHERE position = 1 LIMIT 1",
        uuid4(),
    )

    report = await market.verify()

    assert wrong(report) == {LEDGER: {"lost": 2, "repeated": 1}}


async def test_what_a_reader_has_set_aside_is_held_back_and_not_lost(market: Market) -> None:
    await market.shop.buy(ANN, "13.13")
    await market.take(await market.shop.news())

    report = await market.verify()

    assert report.is_clean
    assert [each.held for each in report.accounts if each.place == READER] == [1]


async def test_records_of_a_topic_are_held_against_the_rows(market: Market, kafka: str, topic_prefix: str) -> None:
    topic = topic_of("interactions", 1, topic_prefix)
    market.places = replace(market.places, kafka=kafka, prefix=topic_prefix)
    await apply_topics(kafka, [topic])
    events = await market.events()
    await publish(kafka, topic, [*events[:4], *events[2:4]])

    report = await market.verify()
    [account] = [each for each in report.accounts if each.place == f"topic {topic}"]
    assert (report.is_clean, account.facts, account.again, account.behind) == (True, 4, 2, 4)

    await publish(kafka, topic, [replace(events[4], event_id=EventId(uuid4())), replace(events[5], position=99)])
    report = await market.verify()
    assert wrong(report) == {f"topic {topic}": {"phantom": 2}}


async def test_what_callers_were_told_is_looked_for(market: Market) -> None:
    ids = [str(event.event_id) for event in await market.events()]
    kept = Operation("o1", "ok", tuple(ids))
    assert (await market.verify(Told({"o1": kept}))).is_clean

    gone = Operation("o2", "ok", (str(uuid4()),))
    # All purchases here belong to one wish, of which the answer named some.
    some = Operation("c-1", "ok", tuple(ids[:2]))
    assert wrong(await market.verify(Told({"c-1": some}))) == {"what callers were told": {"repeated": 6}}

    refused = Operation("c-1", "failed")
    report = await market.verify(Told({each.id: each for each in (kept, gone, refused)}))

    assert wrong(report) == {"what callers were told": {"lost": 1, "phantom": 8}}


async def test_a_reader_of_another_era_is_behind_all(market: Market) -> None:
    await market.take(await market.shop.news())
    await market.admin.execute("UPDATE ledger SET era = 2")

    report = await market.verify()

    assert (report.is_clean, [each.behind for each in report.accounts if each.place == READER]) == (True, [8])
    assert len(market.reader.positions) == PARTITIONS


def test_places_are_found_in_the_environment_of_a_process(tmp_path: Path) -> None:
    (tmp_path / "address").write_text("postgresql://w\n")
    settings = {
        "RAPPORT_CONTACTS_KEEPER": "postgresql://c",
        "RAPPORT_WORKFLOW_KEEPER_FILE": str(tmp_path / "address"),
        "RAPPORT_KAFKA": "k:9092",
        "RAPPORT_MASTER_KEY": "x",
    }
    databases = {"contacts": "postgresql://c", "workflow": "postgresql://w"}
    assert places_of(settings) == Places(databases, "k:9092", "crm")


def test_what_is_wrong_can_be_written_as_json() -> None:
    account = Account("ledger shop", facts=7)
    account.add("lost", "one is missing", "look for it", 3)

    said = orjson.loads(orjson.dumps(Report([account]).as_json()))

    assert said["counts"]["lost"] == 3
    assert said["places"][0]["counts"] == {"lost": 3}
    assert said["places"][0]["verdict"] == "WRONG"
    assert said["places"][0]["findings"][0]["what"] == "one is missing"
