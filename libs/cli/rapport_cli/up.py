"""The verb `rapport up`: start a whole suite on this machine."""

from typing import TYPE_CHECKING, Annotated, Final

import typer

from rapport_cli import exits
from rapport_cli.launching.ports import BROKER, CONSOLE, HOST, OFFSETS, POSTGRES, url_of
from rapport_cli.options import DATA_FOLDER, AsJson, DataFolder, Services, split_names

if TYPE_CHECKING:
    from rapport_cli.launching.home import Home

TOKEN_SECONDS: Final = 12 * 3600.0
HELP = """
Start broker, database, services and console on this machine, and keep them running until Ctrl-C.

Everything is kept in the data folder, and all ports are on 127.0.0.1. The next start continues with the same data, and
with the same --port-base, --kafka and --postgres unless they are given again (`embedded` goes back to our own).

Parts turning ready are shown on stderr; addresses and a token go to stdout.
Exit codes: 0 stopped in order, or with --detach everything is ready; 1 something did not start; 2 the call is wrong, a
port is taken, or the folder is in use; 130 stopped before everything was ready.
"""


def up(  # noqa: PLR0913, PLR0917 - a verb has as many options as it has
    data: DataFolder = DATA_FOLDER,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return when all is ready.")] = False,  # noqa: FBT002
    split: Annotated[bool, typer.Option("--split", help="One process for each role of each service.")] = False,  # noqa: FBT002
    port_base: Annotated[int | None, typer.Option(help="Console here, services above; 7700 at first.")] = None,
    kafka: Annotated[str | None, typer.Option(help="A broker that is not ours.", metavar="HOST:PORT")] = None,
    postgres: Annotated[
        str | None, typer.Option(help="A server that is not ours; the password comes from PGPASSWORD.", metavar="DSN")
    ] = None,
    services: Services = None,
    tenant: Annotated[str, typer.Option(help="The tenant of the token that is printed.")] = "demo",
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Start a whole suite on this machine."""
    from rapport_cli.launching.home import Home
    from rapport_cli.launching.order import Order, carry_out
    from rapport_cli.launching.screen import Terminal

    home, screen = Home(data), Terminal()
    order = Order(str(data.absolute()), split_names(services), split, port_base, kafka, postgres)
    if not detach:
        raise typer.Exit(carry_out(order, screen, lambda: _tell(home, tenant, as_json=as_json)))
    from rapport_cli.launching.background import start_in_background, wait_for_other

    if home.is_locked:
        screen.note("already up, as it was started then; `rapport down` stops it")
        code = wait_for_other(home)
    else:
        code = start_in_background(home, order, screen)
    if code == exits.DONE:
        _tell(home, tenant, as_json=as_json)
    raise typer.Exit(code)


def _tell(home: "Home", tenant: str, *, as_json: bool) -> None:
    """Print where everything is, and the way in."""
    import json
    import sys

    from rapport_cli.launching.keys import OPERATOR, SCOPES, sign_token
    from rapport_cli.launching.processes import read_run

    run, base = read_run(home), home.suite.port_base
    elsewhere = "" if home.folder == DATA_FOLDER.absolute() else f" --data {home.folder}"
    command = f"{sys.argv[0]} token --tenant {tenant}{elsewhere}"
    names = run.services if run else ()
    token = sign_token(home, tenant=tenant, subject="owner", scopes=(*SCOPES, OPERATOR), seconds=TOKEN_SECONDS)
    if as_json:
        facts = {
            "data": str(home.folder),
            "pid": run.launcher.pid if run else None,
            "services": {name: url_of(base, name) for name in names},
            "kafka": home.suite.kafka or f"{HOST}:{base + OFFSETS[BROKER]}",
            "postgres": home.suite.postgres or f"postgresql://{HOST}:{base + OFFSETS[POSTGRES]}",
            "tenant": tenant,
            "token": token,
        }
        typer.echo(json.dumps(facts, indent=2))
    elif CONSOLE in names:
        typer.echo(f"Rapport is up. The console, with a key for tenant {tenant} that is good for 12 hours:\n")
        typer.echo(f"  {url_of(base, CONSOLE)}/enter#{token}\n")
        typer.echo(f"For other programs: export RAPPORT_TOKEN=$({command})")
    else:
        typer.echo("Rapport is up: " + ", ".join(f"{name} {url_of(base, name)}" for name in names))
        typer.echo(f"A token: {command}")
    sys.stdout.flush()
