"""The verb `rapport topics apply`: make the topics that services read and write."""

from typing import Annotated

import typer

from rapport_cli import exits
from rapport_cli.options import AsJson, Services, split_names

HELP = """
Make the topics that are missing: one for each installed service that owns a ledger, in its current era.

Every set-up does this before any service starts. The broker comes from --kafka or RAPPORT_KAFKA, the eras from the
ledgers themselves where RAPPORT_<SERVICE>_APP names their database (era 1 where it does not).

Exit codes: 0 all topics are there; 1 one has another number of partitions; 2 the call is wrong; 3 broker or database
does not answer.
"""

app = typer.Typer(help="Topics on the broker.", no_args_is_help=True)


@app.command("apply", help=HELP)
def apply_topics(
    kafka: Annotated[str | None, typer.Option(envvar="RAPPORT_KAFKA", metavar="HOST:PORT", help="The broker.")] = None,
    services: Services = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Make the topics that are missing."""
    import asyncio
    import json

    from aiokafka.errors import KafkaError

    from rapport_cli.launching.installed import NotInstalled
    from rapport_cli.launching.set_up import SettingMissing, apply_all_topics
    from rapport_events.kafka import WrongPartitions

    if kafka is None:
        typer.echo("where is the broker? give --kafka or RAPPORT_KAFKA", err=True)
        raise typer.Exit(exits.MISUSED)
    code: int = exits.DONE
    message = ""
    try:
        topics = asyncio.run(apply_all_topics(kafka, split_names(services)))
        typer.echo(json.dumps({"topics": topics}) if as_json else "\n".join(topics))
    except (NotInstalled, SettingMissing) as error:
        code, message = exits.MISUSED, str(error)
    except WrongPartitions as error:
        code, message = exits.LEFT_OVER, str(error)
    except (KafkaError, OSError) as error:
        code, message = exits.AWAY, str(error) or type(error).__name__
    if message:
        typer.echo(message, err=True)
    raise typer.Exit(code)
