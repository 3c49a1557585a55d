"""The verb `rapport secrets make`: keys and passwords for a suite in containers."""

from pathlib import Path
from typing import Annotated

import typer

from rapport_cli import exits
from rapport_cli.options import AsJson

HELP = """
Make the secrets of a suite in containers, one file each in FOLDER/secrets, where docker-compose.yml looks for them:
master key, signing key, passwords, and the addresses of the databases for every role.

Made once: called again it changes nothing. The folder is closed to others; keep a copy elsewhere, because without the
master key no personal value can be read again.
Exit codes: 0 all are there; 2 the folder cannot be written to.
"""

app = typer.Typer(help="Keys and passwords for a suite in containers.", no_args_is_help=True)


@app.callback()
def _secrets() -> None:
    """Keys and passwords for a suite in containers."""


@app.command("make", help=HELP)
def make_secrets(
    folder: Annotated[Path, typer.Option(help="It gets the folder `secrets`.")] = Path("deploy"),
    postgres: Annotated[str, typer.Option(help="Server of the services' databases.")] = "postgres:5432",
    keyring: Annotated[str, typer.Option(help="Server of the keyring's database.")] = "keyring:5432",
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Make keys and passwords for a suite in containers."""
    import json

    from rapport_cli.launching.container_secrets import make_container_secrets
    from rapport_cli.launching.home import Home
    from rapport_cli.launching.installed import find_installed

    home = Home(folder)
    try:
        names = make_container_secrets(home, find_installed(), postgres=postgres, keyring=keyring)
    except OSError as error:
        typer.echo(f"{home.secrets} cannot be written to ({type(error).__name__})", err=True)
        raise typer.Exit(exits.MISUSED) from error
    typer.echo(json.dumps({"folder": str(home.secrets), "secrets": names}) if as_json else "\n".join(names))
    typer.echo(f"{len(names)} secrets in {home.secrets}; keep a copy of it elsewhere", err=True)
