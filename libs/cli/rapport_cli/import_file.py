"""The verb `rapport import`: tell the suite what a CSV file of another system says."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rapport_cli import exits
from rapport_cli.options import DATA_FOLDER, DataFolder

if TYPE_CHECKING:
    from rapport_cli.importing.run import Outcome

HELP = """
Read a CSV file (plain or gzip) and record each of its facts once.

The mapping says what the columns mean: the name of one that comes along, or a TOML file. The same file again changes
nothing; an import that was stopped continues when it is called again. Every row is used, skipped for a reason, or
rejected: rejected rows go into an error file for your eyes only, which the next import after 24 hours removes.

The result goes to stdout, progress to stderr.
Exit codes: 0 done; 1 done, but rows were rejected; 2 call, mapping or file is wrong; 3 the suite does not answer
(call again to continue); 4 the token is missing or not taken; 130 stopped.
"""


def import_file(  # noqa: PLR0913, PLR0917  # each option of the verb is one
    file: Annotated[Path, typer.Argument(help="The CSV file, also as .gz.", metavar="FILE")],
    mapping: Annotated[
        str, typer.Option("--mapping", "-m", help="A mapping's name (`--mapping ?` lists them) or a TOML file.")
    ],
    tenant: Annotated[str | None, typer.Option(help="Refuse a token for any other tenant.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count only, send nothing.")] = False,  # noqa: FBT002
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,  # noqa: FBT002
    url: Annotated[str | None, typer.Option(help="The suite's address; else each service's own.")] = None,
    token_file: Annotated[Path | None, typer.Option(help="File with the token; else RAPPORT_TOKEN.")] = None,
    from_start: Annotated[  # noqa: FBT002
        bool, typer.Option("--from-start", help="Send everything again; facts stay single.")
    ] = False,
    data: DataFolder = DATA_FOLDER,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,  # noqa: FBT002
) -> None:
    """Read a CSV file and record each of its facts once."""
    from rapport_cli import wire
    from rapport_cli.importing import courier, hint, mapping as mappings, rows
    from rapport_cli.importing.progress import Progress
    from rapport_cli.importing.run import Order, carry_out

    if mapping == "?":
        typer.echo("\n".join(mappings.shipped()))
        return
    code: int = exits.DONE
    message = ""
    try:
        rule = mappings.load(mapping)
        access = None if dry_run else wire.find_access(tenant, url, token_file, data=data)
        with Progress(is_silent=quiet) as progress:
            folder = hint.folder(data)
            order = Order(file=file, mapping=rule, access=access, folder=folder, from_start=from_start)
            outcome = carry_out(order, progress)
        _print(outcome, as_json=as_json, dry_run=dry_run)
        code = exits.LEFT_OVER if outcome.rejected else exits.DONE
    except (mappings.MappingRefused, rows.FileRefused, courier.NotUnderstood) as error:
        code, message = exits.MISUSED, str(error)
    except wire.Unusable as error:
        code, message = exits.NOT_ALLOWED, str(error)
    except wire.NotAllowed as error:
        code, message = exits.NOT_ALLOWED, str(error)
    except (wire.Unreachable, courier.GaveUp) as error:
        code, message = exits.AWAY, f"{error}; the same call continues"
    except KeyboardInterrupt:
        code, message = exits.STOPPED, "stopped; the same call continues"
    if message:
        typer.echo(message, err=True)
    raise typer.Exit(code)


def _print(outcome: "Outcome", *, as_json: bool, dry_run: bool) -> None:
    import orjson

    if as_json:
        typer.echo(orjson.dumps(outcome, option=orjson.OPT_INDENT_2).decode())
        return
    typer.echo(f"{outcome.rows:,} rows, {outcome.rows_used:,} used, in {outcome.seconds:.1f} s")
    for kind, count in outcome.facts.items():
        typer.echo(f"  {count:>10,} {kind}")
    for reason, count in outcome.skipped.items():
        typer.echo(f"  {count:>10,} rows skipped: {reason}")
    for reason, count in outcome.rejected.items():
        typer.echo(f"  {count:>10,} rows rejected: {reason}")
    for error in outcome.first_errors:
        typer.echo(f"    row {error.row}: {error.reason}" + (f" ({error.place})" if error.place else ""))
    if outcome.unused_columns:
        typer.echo(f"  columns not used: {', '.join(outcome.unused_columns)}")
    if dry_run:
        typer.echo("  nothing was sent")
        return
    said = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in sorted(outcome.sent.items()))
    typer.echo(f"  sent in this run: {said or 'nothing'}")
    if outcome.error_file:
        typer.echo(f"  rejected rows: {outcome.error_file} (may hold personal data; removed after 24 hours)")
