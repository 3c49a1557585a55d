"""The verb `rapport verify`: proof that every topic and read model holds exactly what the ledgers hold."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rapport_cli import exits
from rapport_cli.options import DATA_FOLDER, AsJson, DataFolder

if TYPE_CHECKING:
    from rapport_cli.verifying.findings import Account, Report
    from rapport_cli.verifying.history import Told
    from rapport_cli.verifying.places import Places

HELP = """
Prove that every topic and every read model of every service holds exactly its ledgers' events: none lost, none
repeated, none reordered, none from nowhere.

Looks at a running suite and changes nothing: the one in the data folder, or where the environment names another one, as
services read it (RAPPORT_KAFKA, RAPPORT_<SERVICE>_KEEPER, …), at that. What is late is told as behind, and no fault;
--wait gives it time. --history also looks for what callers were told. --rebuild also makes every read model anew,
compares it row by row with the one that is read, and drops it: that one writes, and lasts as long as folding all facts.
Exit codes: 0 nothing is wrong; 1 something is, or is still behind after --wait; 2 there is no suite to look at, or the
history cannot be read; 3 a database, the broker or a service does not answer.
"""

_COLUMNS = ("facts", "lost", "repeated", "reordered", "phantom")


def verify_suite(
    history: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What callers did and were told, as JSON lines.")
    ] = None,
    wait: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="How long to wait for what is behind.")] = 0.0,
    rebuild: Annotated[  # noqa: FBT002
        bool, typer.Option("--rebuild", help="Also compare with read models made anew. Writes.")
    ] = False,
    tenant: Annotated[str, typer.Option(help="With --rebuild: for which tenant a token is made.")] = "demo",
    url: Annotated[str | None, typer.Option(help="With --rebuild: the suite's address.")] = None,
    data: DataFolder = DATA_FOLDER,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Prove that nothing is lost, repeated, reordered or from nowhere."""
    import json

    places = _places(data)
    told = _told(history)
    report = _verify(places, told, wait)
    if rebuild:
        from rapport_cli.asking import operating
        from rapport_cli.verifying.anew import compare_all

        with operating(tenant, url, data) as access:
            report.accounts.extend(compare_all(access, tell=lambda line: typer.echo(line, err=True)))
    if as_json:
        typer.echo(json.dumps(report.as_json(), indent=2))
    else:
        typer.echo("\n".join(_lines(report)))
    is_done = report.is_clean and (report.is_level or not wait)
    raise typer.Exit(exits.DONE if is_done else exits.LEFT_OVER)


def _places(data: Path) -> "Places":
    from rapport_cli.examine_suite import case_of
    from rapport_cli.launching.home import Home, HomeRefused
    from rapport_cli.verifying.places import places_of

    try:
        return places_of(case_of(Home(data)).settings)
    except (HomeRefused, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(exits.MISUSED) from error


def _told(history: Path | None) -> "Told | None":
    from rapport_cli.verifying.history import UnreadableHistory, read_history

    if history is None:
        return None
    try:
        with history.open(encoding="utf-8") as file:
            return read_history(file)
    except (OSError, UnicodeDecodeError, UnreadableHistory) as error:
        typer.echo(f"{history}: {error}", err=True)
        raise typer.Exit(exits.MISUSED) from error


def _verify(places: "Places", told: "Told | None", wait: float) -> "Report":
    import asyncio
    import warnings

    import asyncpg
    from aiokafka.errors import KafkaError

    from rapport_cli.verifying.suite import verify
    from rapport_events.faults import leaves

    # asyncpg asks for folders that a bare machine does not have.
    warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR", UserWarning)
    try:
        return asyncio.run(verify(places, told, wait_seconds=wait))
    except* (asyncpg.PostgresError, asyncpg.InterfaceError, KafkaError, OSError) as errors:
        kinds = ", ".join(sorted({type(error).__name__ for error in leaves(errors)}))
        typer.echo(f"could not be looked at ({kinds}): `rapport doctor` says what is away", err=True)
        raise typer.Exit(exits.AWAY) from errors


def _lines(report: "Report") -> list[str]:
    lines = [f"{'':<44}{''.join(f'{name:>11}' for name in _COLUMNS)}   verdict"]
    lines += [_line(account) for account in report.accounts]
    for finding in report.findings:
        lines += ["", f"{finding.kind}: {finding.place}, {finding.what}", f"  what to do: {finding.fix}"]
    counts = report.counts
    lines += ["", " / ".join(f"{counts[kind]} {kind}" for kind in counts)]
    return lines


def _line(account: "Account") -> str:
    figures = (account.facts, *(account.counts[kind] for kind in ("lost", "repeated", "reordered", "phantom")))
    text = f"{account.place:<44}{''.join(f'{figure:>11,}' for figure in figures)}   {account.verdict}"
    more = ((account.behind, "behind"), (account.held, "parked"), (account.again, "on the wire again"))
    return text + "".join(f", {count:,} {what}" for count, what in more if count)
