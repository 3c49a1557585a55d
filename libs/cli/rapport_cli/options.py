"""Options that several verbs take."""

from pathlib import Path
from typing import Annotated

import typer

DataFolder = Annotated[
    Path,
    typer.Option("--data", help="The folder in which everything of a suite is kept.", envvar="RAPPORT_HOME"),
]
DATA_FOLDER = Path("data")
Services = Annotated[str | None, typer.Option("--services", help="Only these, with commas between.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def split_names(services: str | None) -> tuple[str, ...]:
    """Return the names that were given with commas between them."""
    return tuple(name.strip() for name in services.split(",")) if services else ()
