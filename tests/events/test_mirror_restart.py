"""The database is killed and started again under its ledger and its mirror."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from rapport_cli.embedded.postgres import Postgres
from rapport_events.database import open_pool
from rapport_events.ledger import Append, Appended, LedgerShut
from rapport_events.mirror import Mirror
from rapport_events.postgres_ledger import PostgresLedger
from tests.databases import Databases
from tests.events.appends import TENANT, beginning
from tests.events.mirroring import Place, running, until_reached
from tests.waiting import until


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Postgres]:
    server = Postgres(tmp_path)
    await server.start()
    yield server
    await server.kill()


@pytest.fixture
async def doomed(place: Place, server: Postgres) -> Place:
    """A place whose database server can be killed."""
    _, database = await Databases(server.dsn).service("events")
    return replace(place, database=database, settings=replace(place.settings, keeper=database.keeper))


async def append(ledger: PostgresLedger) -> int:
    """Append one event to partition 0, and return its position."""
    [outcome] = await ledger.append(TENANT, [Append((beginning(0),))])
    assert isinstance(outcome, Appended)
    return outcome.places[0].position


async def test_a_restarted_database_takes_appends_after_it_was_compared(doomed: Place, server: Postgres) -> None:
    async with AsyncExitStack() as stack:
        app = await open_pool(doomed.database.app, name="test")
        stack.callback(app.terminate)
        ledger = await stack.enter_async_context(PostgresLedger(service="events", app=app))
        with pytest.raises(LedgerShut):
            await append(ledger)
        mirror = Mirror(doomed.settings)
        async with running(mirror):
            await until(doomed.is_open, seconds=20, what="the new ledger is open")
            position = await append(ledger)
            await until_reached(mirror, 0, position)
        await server.kill()
        await server.start()
        with pytest.raises(LedgerShut):
            await append(ledger)
        again = Mirror(doomed.settings)
        async with running(again):
            await until(doomed.is_open, seconds=20, what="the restarted ledger is open")
            position = await append(ledger)
            await until_reached(again, 0, position)
    assert await doomed.positions(0) == list(range(1, position + 1))


async def test_a_mirror_outlives_the_death_of_its_database(doomed: Place, server: Postgres) -> None:
    await doomed.put(0, 1, 3)
    mirror = Mirror(doomed.settings)
    async with running(mirror):
        await until_reached(mirror, 0, 3)
        await server.kill()
        await until(lambda: mirror.state.phase != "copying", seconds=20, what="the mirror notices")
        await server.start()
        await until(doomed.is_open, seconds=20, what="the restarted ledger is open")
        await doomed.put(0, 4, 5)
        await until_reached(mirror, 0, 5)
    assert await doomed.positions(0) == [1, 2, 3, 4, 5]
