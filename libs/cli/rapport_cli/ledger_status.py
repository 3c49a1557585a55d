"""The verb `rapport ledger status`: whether each ledger takes facts, and what to do where one does not."""

from typing import TYPE_CHECKING, Annotated

import typer

from rapport_cli import exits
from rapport_cli.options import DATA_FOLDER, AsJson, DataFolder

if TYPE_CHECKING:
    from rapport_cli.observing import LedgerAnswer

HELP = """
Show of each ledger whether it is open, its era, and how many events it holds; where it is shut, why, and what to do.

A ledger is shut while it is not certain that its database still holds all that was acknowledged: for a moment after
each start of its server, and after a restore or a failover until a new era is begun.
Exit codes: 0 all are open; 1 one is shut; 2 there is no such service; 3 one does not answer; 4 the token is missing or
not taken.
"""


def ledger_status(
    services: Annotated[list[str] | None, typer.Argument(metavar="SERVICE", help="Only these.")] = None,
    url: Annotated[str | None, typer.Option(help="The suite's address; else each service's own.")] = None,
    data: DataFolder = DATA_FOLDER,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Show whether each ledger takes facts, and what to do where one does not."""
    import json
    import os
    from dataclasses import asdict

    from rapport_cli import wire
    from rapport_cli.observing import look_at_ledger

    unknown = sorted(set(services or ()) - set(wire.PORTS))
    if unknown:
        typer.echo(f"{', '.join(unknown)}: no ledger; there are {', '.join(wire.PORTS)}", err=True)
        raise typer.Exit(exits.MISUSED)
    try:
        # Whose token it is makes no difference: a ledger is that of all tenants.
        tenant = None if os.environ.get("RAPPORT_TOKEN") else "demo"
        access = wire.find_access(tenant, url, None, data=data, is_operator=True)
        ledgers = [look_at_ledger(access, name) for name in services or wire.PORTS]
    except (wire.Unusable, wire.NotAllowed) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(exits.NOT_ALLOWED) from error
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in ledgers], indent=2))
    else:
        typer.echo("\n".join(line for each in ledgers for line in _lines(each)))
    if any(each.state == "away" for each in ledgers):
        raise typer.Exit(exits.AWAY)
    raise typer.Exit(exits.DONE if all(each.state == "open" for each in ledgers) else exits.LEFT_OVER)


def _lines(ledger: "LedgerAnswer") -> list[str]:
    head = f"{ledger.service:<13} {ledger.state}"
    if ledger.era is not None:
        head += f"   era {ledger.era}, {ledger.events:,} events"
    lines = [head]
    if ledger.why:
        lines.append(f"  why: {ledger.why}")
    if ledger.what_to_do:
        lines.append(f"  what to do: {ledger.what_to_do}")
    return lines
