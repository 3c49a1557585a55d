"""Imports as contacts tells them."""

from uuid import UUID

from rapport_contacts.commands import complete_import, start_import
from rapport_events.contracts.platform import ImportCompleted, ImportStarted
from rapport_events.importing import CompleteImport, StartImport
from rapport_events.testing import THING, Deciding
from tests.slices import Slices

starting, completing = Deciding(start_import.HANDLER), Deciding(complete_import.HANDLER)
START = StartImport(import_id=THING, mapping="shop", mapping_version="1", system="shop")
STARTED = ImportStarted(import_id=THING, mapping="shop", mapping_version="1", system="shop")
COMPLETE = CompleteImport(
    import_id=THING, mapping="shop", mapping_version="1", system="shop", rows=3, rows_used=2, skipped={"no_customer": 1}
)
COMPLETED = ImportCompleted(
    import_id=THING, mapping="shop", mapping_version="1", system="shop", rows=3, rows_used=2, skipped={"no_customer": 1}
)


def test_an_import_starts_once() -> None:
    starting.when(START).then(STARTED)
    starting.given(STARTED).when(START).then_nothing()
    starting.given(STARTED, COMPLETED).when(START).then_nothing()


def test_the_same_count_is_no_news_and_another_replaces_it() -> None:
    other = COMPLETE.model_copy(update={"rows_used": 3, "skipped": {}})

    completing.given(STARTED).when(COMPLETE).then(COMPLETED)
    completing.given(STARTED, COMPLETED).when(COMPLETE).then_nothing()
    completing.given(STARTED, COMPLETED).when(other).then(COMPLETED.model_copy(update={"rows_used": 3, "skipped": {}}))


async def test_an_import_that_never_started_cannot_be_completed(contacts: Slices) -> None:
    import_id = UUID("01920000-0000-7000-8000-000000000007")
    start = START.model_copy(update={"import_id": import_id}).model_dump(mode="json", exclude={"at"})
    complete = COMPLETE.model_dump(mode="json", exclude={"at", "import_id"})
    route = f"/v1/imports/{import_id}/complete"

    assert (await contacts.wish(route, complete)).status_code == 404
    assert (await contacts.wish("/v1/imports", start)).status_code == 201
    assert (await contacts.wish("/v1/imports", start)).status_code == 200
    assert (await contacts.wish(route, complete)).status_code == 200
    assert sum((await contacts.ledger.state()).heads) == 2
