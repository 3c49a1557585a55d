"""The verb `rapport status`: what is ready, and how far every reader has come."""

from typing import TYPE_CHECKING, Annotated

import typer

from rapport_cli import exits
from rapport_cli.options import DATA_FOLDER, AsJson, DataFolder

if TYPE_CHECKING:
    from rapport_cli.observing import ServiceState

HELP = """
Show each service of a suite: whether it is ready and if not, why; how far its mirror and its readers lag behind; and
how many records each reader has set aside.

Lags are counted in events: what is recorded, but not yet in the topic (mirror) or not yet folded (readers).
Exit codes: 0 everything is ready; 1 something is not; 3 nothing answers; 4 the token is missing or not taken.
"""


def status(
    tenant: Annotated[str, typer.Option(help="Whose parked records are counted.")] = "demo",
    url: Annotated[str | None, typer.Option(help="The suite's address; else each service's own.")] = None,
    data: DataFolder = DATA_FOLDER,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Show what is ready, and how far every reader has come."""
    import json
    from dataclasses import asdict

    from rapport_cli import wire
    from rapport_cli.launching.home import Home
    from rapport_cli.launching.processes import read_run
    from rapport_cli.observing import observe

    try:
        access = wire.find_access(tenant, url, None, data=data, is_operator=True)
        run = read_run(Home(data)) if access.url is None else None
        states = observe(access, run.doors if run else {}, run.services if run else ())
    except (wire.Unusable, wire.NotAllowed) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(exits.NOT_ALLOWED) from error
    if as_json:
        typer.echo(json.dumps([asdict(state) for state in states], indent=2))
    else:
        typer.echo("\n".join(line for state in states for line in _lines(state)))
    if all(state.status == "away" for state in states):
        raise typer.Exit(exits.AWAY)
    raise typer.Exit(exits.DONE if all(state.status == "ready" for state in states) else exits.LEFT_OVER)


def _lines(state: "ServiceState") -> list[str]:
    head = f"{state.service:<13} {state.status}"
    if state.mirror_lag is not None:
        head += f"   ledger {sum(state.heads):,} events, era {state.era}   mirror {_lag(state.mirror_lag)}"
    waiting = [f"  {name}: {why}" for name, why in state.parts.items() if why != "ready"]
    readers = [
        f"  {reader.reader:<28} {_lag(reader.lag)}" + (f"   {reader.parked:,} parked" if reader.parked else "")
        for reader in state.readers
    ]
    return [head, *waiting, *readers]


def _lag(lag: int | None) -> str:
    return "lag unknown" if lag is None else f"{lag:,} behind" if lag else "up to date"
