"""The verbs `rapport parked ls|show|retry|discard`: records that readers could not fold and have set aside."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rapport_cli import exits
from rapport_cli.options import DATA_FOLDER, AsJson, DataFolder, Services, split_names

if TYPE_CHECKING:
    from rapport_cli.wire import Access

EXITS = """
Exit codes: 0 done (for ls: nothing is set aside); 1 something is set aside, or still is; 2 there is no such event, or
what was given cannot be used; 3 a service does not answer; 4 the token is missing or lacks the scope operator.
"""
LS = f"""
List the events of a tenant that readers have set aside: why, how often they were tried, how many wait behind each.
{EXITS}"""
SHOW = f"""
Show an event as it was set aside; personal values stay sealed.
{EXITS}"""
RETRY = f"""
Try an event again, after its fold was mended, and then what waits behind it, in order.

--with names a JSON file whose content is folded instead of the event's data, in every version of every read model that
cannot fold it; the ledger keeps the event as it is. It needs a --reason, which is kept with who decided.
{EXITS}"""
DISCARD = f"""
Pass an event over in every version of every read model that cannot fold it, and fold what waits behind it.
{EXITS}"""

app = typer.Typer(help="Records that readers have set aside.", no_args_is_help=True)

Event = Annotated[str, typer.Argument(metavar="EVENT", help="The event's id, as the list tells it.")]
Tenant = Annotated[str, typer.Option(help="Whose records.")]
Url = Annotated[str | None, typer.Option(help="The suite's address; else each service's own.")]


@app.command("ls", help=LS)
def ls(
    services: Services = None,
    tenant: Tenant = "demo",
    url: Url = None,
    data: DataFolder = DATA_FOLDER,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """List what is set aside."""
    import json

    from rapport_cli.asking import operating
    from rapport_cli.parked_events import line_of, list_parked

    with operating(tenant, url, data) as access:
        found = list_parked(access, split_names(services))
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    elif found:
        typer.echo("\n".join(map(line_of, found)))
    raise typer.Exit(exits.LEFT_OVER if found else exits.DONE)


@app.command("show", help=SHOW)
def show(
    event: Event,
    tenant: Tenant = "demo",
    url: Url = None,
    data: DataFolder = DATA_FOLDER,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Show one event."""
    import json

    from rapport_cli.asking import operating
    from rapport_cli.parked_events import holders_of, lines_of, show_parked

    with operating(tenant, url, data) as access:
        told = [show_parked(access, service, event) for service in holders_of(access, event)]
    typer.echo(json.dumps(told, indent=2) if as_json else "\n".join(line for each in told for line in lines_of(each)))


@app.command("retry", help=RETRY)
def retry(
    event: Event,
    replacement: Annotated[Path | None, typer.Option("--with", help="A JSON file to fold instead of the data.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why; needed with --with.")] = None,
    tenant: Tenant = "demo",
    url: Url = None,
    data: DataFolder = DATA_FOLDER,
) -> None:
    """Try one event again."""
    import json

    from rapport_cli.asking import Misnamed, operating

    with operating(tenant, url, data) as access:
        body: dict[str, object] = {"reason": reason} if reason else {}
        if replacement is not None:
            try:
                body["value"] = json.loads(replacement.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise Misnamed(f"{replacement} cannot be read as JSON") from error
        _wish(access, event, "retry", body)


@app.command("discard", help=DISCARD)
def discard(
    event: Event,
    reason: Annotated[str, typer.Option(help="Why; kept with who decided. No names.")],
    tenant: Tenant = "demo",
    url: Url = None,
    data: DataFolder = DATA_FOLDER,
) -> None:
    """Pass one event over."""
    from rapport_cli.asking import operating

    with operating(tenant, url, data) as access:
        _wish(access, event, "discard", {"reason": reason})


def _wish(access: "Access", event: str, verb: str, body: dict[str, object]) -> None:
    from rapport_cli.parked_events import holders_of
    from rapport_cli.wire import post_json

    code = exits.DONE
    for service in holders_of(access, event):
        told = post_json(access, service, f"/v1/parked/{event}/{verb}", body)
        typer.echo(
            f"{service}: {'released' if told['is_released'] else 'asked for; no reader has looked after it yet'}"
        )
        code = code if told["is_released"] else exits.LEFT_OVER
    raise typer.Exit(code)
