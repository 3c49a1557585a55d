"""Options that several verbs take."""

from pathlib import Path
from typing import Annotated

import typer

DataFolder = Annotated[
    Path,
    typer.Option("--data", help="The folder in which everything of a suite is kept.", envvar="RAPPORT_HOME"),
]
DATA_FOLDER = Path("data")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
