"""The verb `rapport demo load`: a made-up company's year, so that there is something to look at."""

from typing import TYPE_CHECKING, Annotated, Final

import typer

from rapport_cli import exits
from rapport_cli.options import DATA_FOLDER, AsJson, DataFolder

if TYPE_CHECKING:
    from rapport_cli.wire import Access

HELP = """
Fill a tenant with the year of a made-up coffee roastery: customers, purchases, contacts, complaints, consents.

The same seed gives the same customers with the same ids, whatever their number; loading them again changes nothing.
Names belong to nobody, addresses end in example.com.

The result goes to stdout, progress to stderr.
Exit codes: 0 done; 1 loaded, but not everything is shown yet; 2 the call is wrong; 3 the suite does not answer (the
same call continues); 4 the token is missing or not taken; 130 stopped.
"""
YEAR: Final = 2025

app = typer.Typer(help="Things to look at before your own data is in.", no_args_is_help=True)


@app.command("load", help=HELP)
def load_demo(
    customers: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many.")] = 2_000,
    seed: Annotated[int, typer.Option(min=0, help="Another seed is another company.")] = 7,
    tenant: Annotated[str, typer.Option(help="Whom it is loaded for.")] = "demo",
    url: Annotated[str | None, typer.Option(help="The suite's address; else each service's own.")] = None,
    data: DataFolder = DATA_FOLDER,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Fill a tenant with the year of a made-up company."""
    from rapport_cli import wire
    from rapport_cli.importing.courier import GaveUp, NotUnderstood

    code: int = exits.DONE
    message = ""
    try:
        access = wire.find_access(tenant, url, None, data=data, is_operator=True)
        console = wire.console_of(url, data)
        code = _load(access, console, customers, seed, as_json=as_json)
    except (wire.Unusable, wire.NotAllowed) as error:
        code, message = exits.NOT_ALLOWED, str(error)
    except NotUnderstood as error:
        code, message = exits.MISUSED, str(error)
    except (wire.Unreachable, GaveUp) as error:
        code, message = exits.AWAY, f"{error}; the same call continues"
    except KeyboardInterrupt:
        code, message = exits.STOPPED, "stopped; the same call continues"
    if message:
        typer.echo(message, err=True)
    raise typer.Exit(code)


def _load(access: "Access", console: str, customers: int, seed: int, *, as_json: bool) -> int:
    import json
    import sys
    import time

    from rapport_cli.demo.catching_up import find_ada, wait_for_readers
    from rapport_cli.demo.life import write_life
    from rapport_cli.demo.loading import Loader
    from rapport_cli.demo.person import ADAS_EMAIL
    from rapport_cli.demo.season import Year
    from rapport_cli.demo.story import Line
    from rapport_cli.demo.words import load_words
    from rapport_cli.importing.progress import Progress

    words = load_words()
    year = Year(YEAR, words.months)
    began = time.monotonic()
    with Progress(is_silent=False) as progress:
        progress.begin("loading", customers, "customers")
        beginning: list[Line] = [{"command": "configure_tenant", "body": dict(words.tenant)}]
        lives = (write_life(words, year, seed, number) for number in range(customers))
        outcomes = Loader(access).load(beginning, lives, progress)
        loaded = time.monotonic() - began
        is_shown = wait_for_readers(access, progress)
    seconds = time.monotonic() - began
    ada = find_ada(access)
    page = f"{console}/customers/{ada['id']}" if ada else None
    if as_json:
        facts = {
            "tenant": access.tenant,
            "customers": customers,
            "seed": seed,
            "lines": dict(outcomes),
            "seconds_loading": round(loaded, 1),
            "seconds": round(seconds, 1),
            "is_shown": is_shown,
            "worth_looking_at": {**ada, "page": page} if ada else None,
        }
        typer.echo(json.dumps(facts, indent=2))
    else:
        said = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in sorted(outcomes.items()))
        typer.echo(f"{customers:,} customers in {loaded:.1f} s: {said}; all of it shown after {seconds:.1f} s")
        if ada:
            typer.echo(f"\nEnter the console:   {console}/enter#{access.token}")
            typer.echo(f"Look at {ada['name']}:  {page}")
            typer.echo(f"Or here:             {sys.argv[0]} customer show {ADAS_EMAIL} --tenant {access.tenant}")
    return exits.DONE if is_shown else exits.LEFT_OVER
