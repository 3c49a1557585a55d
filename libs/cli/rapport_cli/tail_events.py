"""The verb `rapport events tail`: what happens, as it happens."""

import json
from typing import Annotated

import typer

from rapport_cli.options import DATA_FOLDER, AsJson, DataFolder, Services, split_names
from rapport_cli.telling import telling

HELP = """
Show what happens, as it happens, until Ctrl-C: `rapport events tail --customer ann@example.org`.

A type may end with a star (`crm.customer.*`). --since begins earlier (`1h`, `2d`, or a moment), --once ends when
everything that there is was shown. With --json each line is a CloudEvent.

Exit codes: 0 done; 2 the call cannot be used; 3 a service does not answer; 4 the token is missing or not taken; 130
stopped by Ctrl-C.
"""

app = typer.Typer(help="What happened.", no_args_is_help=True)


@app.command("tail", help=HELP)
def tail_events(  # noqa: PLR0913, PLR0917  # the options of the verb
    customer: Annotated[str | None, typer.Option(help="Id, e-mail address, or SYSTEM:VALUE.")] = None,
    types: Annotated[
        list[str] | None, typer.Option("--type", help="A type, or the beginning of one and a star.")
    ] = None,
    since: Annotated[str, typer.Option(help="Begin with what was recorded then: 1h, 2d, or a moment.")] = "now",
    once: Annotated[bool, typer.Option("--once", help="End when everything was shown.")] = False,  # noqa: FBT002
    services: Services = None,
    tenant: Annotated[str | None, typer.Option(help="Whose events; else that of the token.")] = None,
    url: Annotated[str | None, typer.Option(help="The suite's address; else each service's own.")] = None,
    data: DataFolder = DATA_FOLDER,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Show what happens."""
    from rapport_cli import wire
    from rapport_cli.customer_names import find_customer
    from rapport_cli.following import Wanted, follow
    from rapport_cli.moments import moment_of

    with telling():
        access = wire.find_access(tenant, url, None, data=data)
        subject = find_customer(access, customer) if customer is not None else None
        wanted = Wanted(types or (), subject, moment_of(since))
        for event in follow(access, split_names(services) or tuple(wire.PORTS), wanted, is_endless=not once):
            typer.echo(json.dumps(event) if as_json else line_of(event))


def line_of(event: dict[str, object]) -> str:
    """Return an event in a line: when it was recorded, what, about whom, and its id; click drops colours for pipes."""
    moment = str(event["recordedtime"])[:19].replace("T", " ")
    name = str(event["type"]).removeprefix("crm.").rpartition(".v")[0]
    return (
        f"{typer.style(moment, dim=True)}  {typer.style(name.ljust(26), fg=typer.colors.CYAN)}  "
        f"{event['subject']}  {typer.style(str(event['id']), dim=True)}"
    )
