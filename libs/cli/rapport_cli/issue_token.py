"""The verb `rapport token`: make a token for the suite in a data folder."""

from typing import Annotated

import typer

from rapport_cli import exits
from rapport_cli.options import DATA_FOLDER, AsJson, DataFolder

HELP = """
Print a token that the suite in the data folder takes: `export RAPPORT_TOKEN=$(rapport token --tenant demo)`.

Without --scope it may read and write everything of its tenant, personal data included, but not operate the suite
(`--scope operator`). Several scopes: give the option several times.
Exit codes: 0 done; 2 the call is wrong, or no suite was set up in the folder.
"""
_HOURS_MAX = 24 * 366


def issue_token(
    tenant: Annotated[str, typer.Option(help="Whose data it opens.")],
    scope: Annotated[list[str] | None, typer.Option(help="contacts:read, interactions:write, operator, …")] = None,
    subject: Annotated[str, typer.Option(help="Who it is for; facts name them as their actor.")] = "owner",
    hours: Annotated[float, typer.Option(min=0.001, max=_HOURS_MAX, help="How long it is good for.")] = 12,
    data: DataFolder = DATA_FOLDER,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Print a token that the suite in the data folder takes."""
    import json

    from rapport_cli.launching.home import Home, HomeRefused
    from rapport_cli.launching.keys import SCOPES, sign_token

    scopes = tuple(scope) if scope else SCOPES
    try:
        token = sign_token(Home(data), tenant=tenant, subject=subject, scopes=scopes, seconds=hours * 3600)
    except HomeRefused as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(exits.MISUSED) from error
    if as_json:
        typer.echo(json.dumps({"token": token, "tenant": tenant, "subject": subject, "scopes": scopes, "hours": hours}))
    else:
        typer.echo(token)
