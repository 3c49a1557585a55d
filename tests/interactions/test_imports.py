"""Imports as interactions tells them."""

from rapport_events.contracts.platform import ImportCompleted, ImportStarted
from rapport_events.importing import CompleteImport, StartImport
from rapport_events.testing import THING, Deciding
from rapport_interactions.commands import complete_import, start_import

STARTED = ImportStarted(import_id=THING, mapping="shop", mapping_version="1", system="shop")


def test_an_import_is_told_here_too() -> None:
    Deciding(start_import.HANDLER).when(
        StartImport(import_id=THING, mapping="shop", mapping_version="1", system="shop")
    ).then(STARTED)
    Deciding(complete_import.HANDLER).given(STARTED).when(
        CompleteImport(import_id=THING, mapping="shop", mapping_version="1", system="shop", rows=2, rows_used=2)
    ).then(ImportCompleted(import_id=THING, mapping="shop", mapping_version="1", system="shop", rows=2, rows_used=2))
