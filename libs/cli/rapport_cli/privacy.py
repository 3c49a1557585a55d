"""The verbs `rapport privacy erase|refuse|receipt|export`: a person's own rights."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rapport_cli import exits
from rapport_cli.options import DATA_FOLDER, AsJson, DataFolder

if TYPE_CHECKING:
    from rapport_cli.wire import Access

ERASE = """
Forget a person: destroy the keys of all ids that are this person, so that no name, address or text about them can ever
be read again; facts and figures stay. Afterwards only the ids name the person; an outside name means who comes back.

All ids and names are shown first, and the beginning of the id has to be typed; --yes leaves that out. It waits for the
completion and prints the certificate; --no-wait leaves that out too: the erasure goes on by itself.

Exit codes: 0 done; 1 asked for, and not completed yet; 2 nobody is called that, or it was not confirmed, or the suite
says no; 3 a service does not answer; 4 the token is missing or not taken.
"""
REFUSE = """
Record that a person asked to be forgotten and may not be, with the law that demands it, such as gdpr_17_3_e.

Exit codes: 0 done; 2 nobody is called that, or the suite says no; 3 contacts does not answer; 4 the token is missing or
not taken.
"""
RECEIPT = """
Print the certificate of a person's erasure, look whether it is genuine, and ask every service whether anything of the
person can still be read.

Exit codes: 0 everything is as it says; 1 it is not, or nobody was erased; 2 nobody is called that; 3 a service does not
answer; 4 the token is missing or not taken.
"""
EXPORT = """
Write all that every service keeps of a person into one file, for the person; that it was handed over is recorded.

Without --to it goes into the data folder, from where the next call of `rapport privacy` after 24 hours removes it.

Exit codes: 0 done; 2 nobody is called that; 3 a service does not answer, nothing is written; 4 the token is missing or
not taken.
"""
_TYPED = 8

app = typer.Typer(help="A person's own rights: to be told, and to be forgotten.", no_args_is_help=True)

Customer = Annotated[str, typer.Option("--customer", help="Id, e-mail address, or SYSTEM:VALUE.")]
Tenant = Annotated[str | None, typer.Option(help="Whose customer it is; else that of the token.")]
Url = Annotated[str | None, typer.Option(help="The suite's address; else each service's own.")]


@contextmanager
def _desk(tenant: str | None, url: str | None, data: Path, customer: str) -> "Generator[tuple[Access, str]]":
    """Find the suite and the customer; whatever goes wrong becomes a sentence and an exit code."""
    from rapport_cli import wire
    from rapport_cli.customer_names import Ambiguous, find_customer
    from rapport_cli.privacy_desk import NotYet, Refused, remove_old

    code: int = exits.DONE
    message = ""
    try:
        access = wire.find_access(tenant, url, None, data=data)
        remove_old(_exports(data))
        yield access, find_customer(access, customer)
    except (wire.Unusable, wire.NotAllowed) as error:
        code, message = exits.NOT_ALLOWED, str(error)
    except (wire.NotFound, Ambiguous, Refused) as error:
        code, message = exits.MISUSED, str(error)
    except NotYet as error:
        code, message = exits.LEFT_OVER, str(error)
    except wire.Unreachable as error:
        code, message = exits.AWAY, str(error)
    if message:
        typer.echo(message, err=True)
        raise typer.Exit(code)


def _exports(data: Path) -> Path:
    """Return where files for persons lie until they are a day old."""
    from rapport_cli.importing import hint

    return hint.folder(data).parent / "exports"


def _say(text: str) -> None:
    typer.echo(text, err=True)


@app.command("erase", help=ERASE)
def erase(  # noqa: PLR0913, PLR0917  # each option of the verb is one
    customer: Customer,
    tenant: Tenant = None,
    reason: Annotated[str | None, typer.Option(help="A code for why, such as asked_by_person.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,  # noqa: FBT002
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait for the completion.")] = False,  # noqa: FBT002
    url: Url = None,
    data: DataFolder = DATA_FOLDER,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Forget a person."""
    from rapport_cli.privacy_desk import Refused, ask_erasure, preview, remove_exports, wait_for_completion

    with _desk(tenant, url, data, customer) as (access, found):
        name, ids = preview(access, found)
        _say(f"{name}, known under {len(ids)} id(s):")
        for each in ids:
            _say(f"  {each}")
        if (
            not yes
            and typer.prompt(f"Type {found[:_TYPED]} to forget this person for ever", err=True) != found[:_TYPED]
        ):
            raise Refused("nothing was done: that is not what was asked for")
        ask_erasure(access, found, ids, reason)
        remove_exports(_exports(data), ids)
        if not no_wait:
            wait_for_completion(access, found, _say)
            _print_receipts(access, found, as_json=as_json)


@app.command("refuse", help=REFUSE)
def refuse(
    customer: Customer,
    legal_basis: Annotated[str, typer.Option(help="The law that demands it, as a code.")],
    tenant: Tenant = None,
    url: Url = None,
    data: DataFolder = DATA_FOLDER,
) -> None:
    """Record a refusal."""
    from rapport_cli.privacy_desk import ask_refusal

    with _desk(tenant, url, data, customer) as (access, found):
        ask_refusal(access, found, legal_basis)


@app.command("receipt", help=RECEIPT)
def receipt(
    customer: Customer,
    tenant: Tenant = None,
    url: Url = None,
    data: DataFolder = DATA_FOLDER,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Print and check the certificate."""
    with _desk(tenant, url, data, customer) as (access, found):
        _print_receipts(access, found, as_json=as_json)


def _print_receipts(access: "Access", customer: str, *, as_json: bool) -> None:
    import json

    from rapport_cli.privacy_desk import receipts, told

    found = receipts(access, customer)
    if as_json:
        typer.echo(json.dumps([each.to_json() for each in found], indent=2))
    elif found:
        typer.echo("\n".join(line for each in found for line in told(each)))
    else:
        _say("this customer was not erased")
    if not found or not all(each.holds for each in found):
        raise typer.Exit(exits.LEFT_OVER)


@app.command("export", help=EXPORT)
def export_all(
    customer: Customer,
    tenant: Tenant = None,
    to: Annotated[Path | None, typer.Option(help="The file to write.")] = None,
    url: Url = None,
    data: DataFolder = DATA_FOLDER,
) -> None:
    """Hand over all that is kept."""
    from rapport_cli import wire
    from rapport_cli.privacy_desk import export, keep

    with _desk(tenant, url, data, customer) as (access, found):
        content, digest = export(access, wire.console_of(url, data), found)
        path = keep(content, found, to, _exports(data))
        typer.echo(str(path))
        _say(f"{len(content):,} bytes, sha-256 {digest}" + ("" if to else "; the next call after 24 hours removes it"))
