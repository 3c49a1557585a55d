"""The verbs `rapport view ls|rebuild|switch|verify|drop`: read models made anew beside those that are read."""

from typing import TYPE_CHECKING, Annotated

import typer

from rapport_cli import exits
from rapport_cli.options import DATA_FOLDER, AsJson, DataFolder, Services, split_names

if TYPE_CHECKING:
    from rapport_cli.view_rebuilds import Rebuild

EXITS = """
Exit codes: 0 done; 1 rows differ, or it was refused; 2 no such read model; 3 a service does not answer; 4 the token is
missing or not good for this (it needs the scope operator).
"""
LS = f"""
List the rebuilds of all read models: which is read, which stand beside it, and how far those are that are filled.
{EXITS}"""
REBUILD = f"""
Make a read model anew beside the one that is read, from the first event on, and compare both row by row.

Nothing that is read changes, and nothing is sent or recorded. Progress, rate and remaining time go to stderr. A rebuild
that was interrupted goes on by itself; the same call again waits for it. --switch lets it take over if no row differs.
{EXITS}"""
SWITCH = f"""
Read another rebuild from now on, the newest or the one named. Refused while it does not stand where the other one does.
{EXITS}"""
VERIFY = f"""
Compare a rebuild with the one that is read, row by row, at equal positions.
{EXITS}"""
DROP = f"""
Take the tables of a rebuild away; never those that are read.
{EXITS}"""

app = typer.Typer(help="Read models, and rebuilds beside them.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="VIEW", help="directory, or contacts.directory.")]
Number = Annotated[int | None, typer.Option("--rebuild", min=1, help="Its number; else the newest that is not read.")]
Url = Annotated[str | None, typer.Option(help="The suite's address; else each service's own.")]
Tenant = Annotated[str, typer.Option(help="For which tenant a token is made; rebuilds are of all tenants.")]


@app.command("ls", help=LS)
def ls(
    services: Services = None,
    tenant: Tenant = "demo",
    url: Url = None,
    data: DataFolder = DATA_FOLDER,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """List all rebuilds."""
    import json

    from rapport_cli.asking import operating
    from rapport_cli.view_rebuilds import list_rebuilds

    with operating(tenant, url, data) as access:
        rows = list_rebuilds(access, split_names(services))
    told = [{"service": row.service, **row.told} for row in rows]
    typer.echo(json.dumps(told, indent=2) if as_json else "\n".join(row.line() for row in rows))


@app.command("rebuild", help=REBUILD)
def rebuild(
    view: Name,
    take_over: Annotated[bool, typer.Option("--switch", help="Let it take over if no row differs.")] = False,  # noqa: FBT002
    tenant: Tenant = "demo",
    url: Url = None,
    data: DataFolder = DATA_FOLDER,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Make a read model anew."""
    from rapport_cli.asking import operating
    from rapport_cli.view_rebuilds import find_model, look_at, wait_for, wish

    with operating(tenant, url, data) as access:
        model = find_model(access, view)
        number = int(str(wish(access, model, "rebuild")["rebuild"]))
        row = wait_for(access, model, number, since=None, tell=_tell)
        if row is not None and take_over and row.differing == 0:
            wish(access, model, "switch", number)
            row = look_at(access, model, number)
    _judge(row, as_json=as_json)


@app.command("switch", help=SWITCH)
def switch(
    view: Name,
    number: Number = None,
    tenant: Tenant = "demo",
    url: Url = None,
    data: DataFolder = DATA_FOLDER,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Read another rebuild."""
    import json

    from rapport_cli.asking import operating
    from rapport_cli.view_rebuilds import find_model, wish

    with operating(tenant, url, data) as access:
        told = wish(access, find_model(access, view), "switch", number)
    typer.echo(
        json.dumps(told) if as_json else f"{told['model']}: r{told['rebuild']} is read, r{told['before']} is fed on"
    )


@app.command("verify", help=VERIFY)
def verify(
    view: Name,
    number: Number = None,
    tenant: Tenant = "demo",
    url: Url = None,
    data: DataFolder = DATA_FOLDER,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Compare row by row."""
    from datetime import datetime

    from rapport_cli.asking import operating
    from rapport_cli.view_rebuilds import find_model, wait_for, wish

    with operating(tenant, url, data) as access:
        model = find_model(access, view)
        wanted = wish(access, model, "verify", number)
        since = datetime.fromisoformat(str(wanted["verify_wanted_at"]))
        row = wait_for(access, model, int(str(wanted["rebuild"])), since=since, tell=_tell)
    _judge(row, as_json=as_json)


@app.command("drop", help=DROP)
def drop(
    view: Name,
    number: Number = None,
    tenant: Tenant = "demo",
    url: Url = None,
    data: DataFolder = DATA_FOLDER,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Take tables away."""
    import json

    from rapport_cli.asking import operating
    from rapport_cli.view_rebuilds import find_model, wish

    with operating(tenant, url, data) as access:
        told = wish(access, find_model(access, view), "drop", number)
    typer.echo(json.dumps(told) if as_json else f"{told['model']}: r{told['rebuild']} is gone")


def _tell(row: "Rebuild") -> None:
    typer.echo(row.line(), err=True)


def _judge(row: "Rebuild | None", *, as_json: bool) -> None:
    """Print how a rebuild stands at last; rows that differ are no success."""
    import json

    if row is None:
        typer.echo("it was dropped meanwhile", err=True)
        raise typer.Exit(exits.LEFT_OVER)
    typer.echo(json.dumps({"service": row.service, **row.told}, indent=2) if as_json else row.line())
    raise typer.Exit(exits.LEFT_OVER if row.differing else exits.DONE)
