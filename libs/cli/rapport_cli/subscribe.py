"""The verb `rapport subscribe`: CloudEvents on stdout, or a subscriber to begin with."""

import json
from enum import Enum
from typing import Annotated

import typer

from rapport_cli.options import DATA_FOLDER, DataFolder, Services, split_names
from rapport_cli.telling import telling

HELP = """
Print events as CloudEvents, one a line, until Ctrl-C: `rapport subscribe --type 'crm.customer.*' --replay 1h`.

--replay begins earlier: so long ago (`90s`, `1h`, `2d`), at a moment, or with the first event (`all`). --once ends when
everything that there is was printed. --open opens personal values, which needs the scope personal:read.

--print python or --print typescript prints a subscriber to the topics instead, 15 lines that follow the rule of the
next number; the guide is docs/guides/subscribe.md.

Exit codes: 0 done; 2 the call cannot be used; 3 a service does not answer; 4 the token is missing or not taken; 130
stopped by Ctrl-C.
"""


class Language(Enum):
    """What a subscriber can be written in."""

    python = "python"
    typescript = "typescript"


def subscribe(  # noqa: PLR0913, PLR0917  # the options of the verb
    types: Annotated[
        list[str] | None, typer.Option("--type", help="A type, or the beginning of one and a star.")
    ] = None,
    replay: Annotated[str, typer.Option(help="Begin so long ago, at a moment, or with `all`.")] = "now",
    once: Annotated[bool, typer.Option("--once", help="End when everything was printed.")] = False,  # noqa: FBT002
    is_open: Annotated[bool, typer.Option("--open", help="Open personal values.")] = False,  # noqa: FBT002
    program: Annotated[Language | None, typer.Option("--print", help="Print a subscriber instead.")] = None,
    services: Services = None,
    tenant: Annotated[str | None, typer.Option(help="Whose events; else that of the token.")] = None,
    url: Annotated[str | None, typer.Option(help="The suite's address; else each service's own.")] = None,
    data: DataFolder = DATA_FOLDER,
) -> None:
    """Print events as CloudEvents."""
    from importlib.resources import files

    from rapport_cli import wire
    from rapport_cli.following import Wanted, follow
    from rapport_cli.moments import moment_of

    if program is not None:
        text = files("rapport_cli").joinpath("subscribers", f"{program.value}.txt").read_text(encoding="utf-8")
        typer.echo(text, nl=False)
        return
    with telling():
        access = wire.find_access(tenant, url, None, data=data)
        wanted = Wanted(types or (), None, None if replay == "all" else moment_of(replay), is_open)
        for event in follow(access, split_names(services) or tuple(wire.PORTS), wanted, is_endless=not once):
            typer.echo(json.dumps(event))
