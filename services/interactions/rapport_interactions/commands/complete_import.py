"""Record that a file was read to its end, and how its rows were counted."""

from rapport_events.command import Handler
from rapport_events.importing import CompleteImport, Import, complete, evolve, existing

HANDLER = Handler(
    name="complete_import",
    route="/v1/imports/{import_id}/complete",
    command=CompleteImport,
    initial=Import(),
    evolve=evolve,
    decide=complete,
    target=existing,
)
