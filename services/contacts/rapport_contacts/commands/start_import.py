"""Record that a file begins to be read into contacts."""

from rapport_events.command import Handler
from rapport_events.importing import Import, StartImport, begun, evolve, start

HANDLER = Handler(
    name="start_import",
    route="/v1/imports",
    command=StartImport,
    initial=Import(),
    evolve=evolve,
    decide=start,
    target=begun,
)
