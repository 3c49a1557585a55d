"""The verb `rapport down`: stop the suite that works in a data folder."""

import typer

from rapport_cli import exits
from rapport_cli.options import DATA_FOLDER, AsJson, DataFolder

HELP = """
Stop the suite that works in the data folder, in order, and keep its data.

Also ends what a launcher left behind that was killed. Only processes that it started itself are ended.
Exit codes: 0 nothing runs any more; 1 something still does.
"""
_STOP_SECONDS = 90


def down(data: DataFolder = DATA_FOLDER, as_json: AsJson = False) -> None:  # noqa: FBT002
    """Stop the suite that works in the data folder."""
    import asyncio
    import json

    from rapport_cli.launching.home import Home
    from rapport_cli.launching.stopping import stop_suite

    outcome = asyncio.run(stop_suite(Home(data)))
    if as_json:
        typer.echo(json.dumps({"outcome": outcome.word, "ended": list(outcome.ended)}))
    else:
        typer.echo(outcome.sentence, err=True)
    raise typer.Exit(exits.LEFT_OVER if outcome.word == "running" else exits.DONE)
