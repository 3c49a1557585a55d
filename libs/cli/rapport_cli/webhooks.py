"""The verbs `rapport webhook …`: who gets events delivered, and how deliveries stand."""

import json
from typing import TYPE_CHECKING, Annotated, Any, cast
from urllib.parse import urlencode

import typer

from rapport_cli.options import DATA_FOLDER, AsJson, DataFolder, Services, split_names
from rapport_cli.telling import telling

if TYPE_CHECKING:
    from rapport_cli.wire import Access

_CODES = "Exit codes: 0 done; 2 the call cannot be used; 3 a service does not answer; 4 the token is not taken."
ENDPOINTS = f"""
List webhooks with what waits for each, and when the next attempt is due.

{_CODES}
"""
ADD = f"""
Deliver a service's events to an address: `rapport webhook add interactions https://example.org/x --type 'crm.case.*'`.

Prints the webhook's id and the secret of its signatures, which is shown only here.

{_CODES}
"""
DELIVERIES = f"""
Show deliveries to a webhook, the newest attempts first; --state pending, delivered or failed.

{_CODES}
"""
REPLAY = f"""
Deliver again what was recorded since a moment (`1h`, `2d`, or in full), under the ids of the first time.

{_CODES}
"""
CHANGE = f"""
Change a webhook: `rotate` makes a new secret (the former one is good for 24 h more), `enable` and `disable` go on and
stop, `remove` ends it.

{_CODES}
"""

app = typer.Typer(help="Deliveries to addresses of yours.", no_args_is_help=True)
Service = Annotated[str, typer.Argument(help="Whose events: contacts, interactions, workflow or analytics.")]
Webhook = Annotated[str, typer.Argument(help="Its id, as `rapport webhook endpoints` shows it.")]
Tenant = Annotated[str | None, typer.Option(help="Whose it is; else that of the token.")]
Url = Annotated[str | None, typer.Option(help="The suite's address; else each service's own.")]


@app.command("endpoints", help=ENDPOINTS)
def endpoints(
    services: Services = None,
    tenant: Tenant = None,
    url: Url = None,
    data: DataFolder = DATA_FOLDER,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """List webhooks."""
    from rapport_cli import wire

    with telling():
        access = wire.find_access(tenant, url, None, data=data)
        found = {
            service: _rows(wire.get_json(access, service, "/v1/webhooks"), "webhooks")
            for service in split_names(services) or wire.PORTS
        }
        lines = [
            f"{row['webhook_id']}  {service:<12}  {row['state']:<9}  {row['waiting']:>5} waiting  "
            f"{row['failed']:>3} failed  {row['address']}  {' '.join(row['types'])}"
            for service, rows in found.items()
            for row in rows
        ]
        typer.echo(json.dumps(found, indent=2) if as_json else "\n".join(lines) or "there are no webhooks")


@app.command("add", help=ADD)
def add(  # noqa: PLR0913, PLR0917  # the options of the verb
    service: Service,
    address: Annotated[str, typer.Argument(help="https://host/path")],
    types: Annotated[
        list[str] | None, typer.Option("--type", help="A type, or the beginning of one and a star.")
    ] = None,
    is_open: Annotated[bool, typer.Option("--open", help="Open personal values.")] = False,  # noqa: FBT002
    since: Annotated[str | None, typer.Option(help="Begin earlier: 1h, 2d, or a moment.")] = None,
    tenant: Tenant = None,
    url: Url = None,
    data: DataFolder = DATA_FOLDER,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Deliver a service's events to an address."""
    from rapport_cli import wire
    from rapport_cli.moments import moment_of

    with telling():
        wish: dict[str, object] = {"address": address, "types": types or ["*"], "open": is_open}
        if since is not None:
            wish["since"] = moment_of(since)
        made = wire.post_json(wire.find_access(tenant, url, None, data=data), service, "/v1/webhooks", wish)
        typer.echo(json.dumps(made) if as_json else f"{made['id']}\n{made['secret']}")


@app.command("deliveries", help=DELIVERIES)
def deliveries(  # noqa: PLR0913, PLR0917  # the options of the verb
    service: Service,
    webhook: Webhook,
    state: Annotated[str | None, typer.Option(help="pending, delivered or failed.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 50,
    tenant: Tenant = None,
    url: Url = None,
    data: DataFolder = DATA_FOLDER,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Show deliveries to a webhook."""
    from rapport_cli import wire

    with telling():
        query = urlencode({"limit": limit, **({"state": state} if state else {})})
        access = wire.find_access(tenant, url, None, data=data)
        rows = _rows(wire.get_json(access, service, f"/v1/webhooks/{webhook}/deliveries?{query}"), "deliveries")
        lines = [
            f"{row['event_id']}  {row['type']:<34}  {row['state']:<9}  {row['attempts']:>2} attempts  "
            f"{row['status'] or row['error'] or '-'}"
            for row in rows
        ]
        typer.echo(json.dumps(rows, indent=2) if as_json else "\n".join(lines) or "there are no deliveries")


@app.command("replay", help=REPLAY)
def replay(
    service: Service,
    webhook: Webhook,
    since: Annotated[str, typer.Option(help="1h, 2d, or a moment.")],
    tenant: Tenant = None,
    url: Url = None,
    data: DataFolder = DATA_FOLDER,
) -> None:
    """Deliver again what was recorded since a moment."""
    from rapport_cli import wire
    from rapport_cli.moments import moment_of

    with telling():
        access = wire.find_access(tenant, url, None, data=data)
        _change(access, service, webhook, "replay", {"since": moment_of(since)})


@app.command("change", help=CHANGE)
def change(
    service: Service,
    webhook: Webhook,
    what: Annotated[str, typer.Argument(help="rotate, enable, disable or remove.")],
    tenant: Tenant = None,
    url: Url = None,
    data: DataFolder = DATA_FOLDER,
) -> None:
    """Change a webhook."""
    from rapport_cli import wire

    with telling():
        if what not in {"rotate", "enable", "disable", "remove"}:
            raise ValueError(f"{what!r} is no change: say rotate, enable, disable or remove")
        _change(wire.find_access(tenant, url, None, data=data), service, webhook, what, {})


def _change(access: "Access", service: str, webhook: str, verb: str, body: dict[str, object]) -> None:
    from rapport_cli import wire

    answer = wire.post_json(access, service, f"/v1/webhooks/{webhook}/{verb}", body)
    typer.echo(str(answer.get("secret") or f"{verb}: done"))


def _rows(answer: dict[str, object], name: str) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", answer[name])
