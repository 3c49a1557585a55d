"""The verb `rapport customer show`: what the suite knows of one customer."""

from typing import Annotated, Final

import typer

from rapport_cli import exits
from rapport_cli.options import DATA_FOLDER, AsJson, DataFolder

HELP = """
Show a customer's card, stage, totals, open tasks and last ten events.

The customer is named by id, by e-mail address, or by the name that another system gave it: SYSTEM:VALUE, such as
shop:17850. What a service that is away would have told is left out, and said so.

Exit codes: 0 done; 1 a service did not answer, the rest is shown; 2 nobody, or more than one, is called that; 3
contacts does not answer; 4 the token is missing or not taken.
"""
EVENTS: Final = 10

app = typer.Typer(help="Single customers.", no_args_is_help=True)


@app.command("show", help=HELP)
def show_customer(
    customer: Annotated[str, typer.Argument(help="Id, e-mail address, or SYSTEM:VALUE.")],
    tenant: Annotated[str | None, typer.Option(help="Whose customer it is; else that of the token.")] = None,
    url: Annotated[str | None, typer.Option(help="The suite's address; else each service's own.")] = None,
    data: DataFolder = DATA_FOLDER,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Show what the suite knows of a customer."""
    import json

    from rapport_cli import wire
    from rapport_cli.customer_card import gather, lines_of
    from rapport_cli.customer_names import Ambiguous, find_customer

    code: int = exits.DONE
    message = ""
    try:
        access = wire.find_access(tenant, url, None, data=data)
        found = gather(access, find_customer(access, customer), events=EVENTS)
        typer.echo(json.dumps(found.to_json(), indent=2) if as_json else "\n".join(lines_of(found)))
        code = exits.LEFT_OVER if found.away else exits.DONE
    except (wire.Unusable, wire.NotAllowed) as error:
        code, message = exits.NOT_ALLOWED, str(error)
    except (wire.NotFound, Ambiguous) as error:
        code, message = exits.MISUSED, str(error)
    except wire.Unreachable as error:
        code, message = exits.AWAY, str(error)
    if message:
        typer.echo(message, err=True)
    raise typer.Exit(code)
