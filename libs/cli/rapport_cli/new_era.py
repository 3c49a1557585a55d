"""The verb `rapport ledger new-era`: let a ledger go on that was restored, or whose server may have lost commits."""

from typing import TYPE_CHECKING, Annotated

import typer

from rapport_cli import exits
from rapport_cli.options import DATA_FOLDER, AsJson, DataFolder

if TYPE_CHECKING:
    from rapport_events.new_era import NewEra
    from rapport_events.take_back import Taken

HELP = """
Shut the ledger of a service, raise its era, and have its mirror fill a topic of its own from the first event.

With --take-back the rows that the ledger lost, and its topic still holds, are written again before: as they were, with
their numbers, claims and answers to idempotency keys. Where both hold different events of one number, the ledger's own
stay, and nothing more of that partition is taken back: the old topic keeps what it holds. The last line says how much.

All readers then rebuild beside what they show, and switch. Interrupted anywhere, the same call does the rest.
Works on database and broker themselves, because it must also work where no service can: their addresses come from
RAPPORT_<SERVICE>_KEEPER (or …_FILE) and RAPPORT_KAFKA, else from the data folder.

Exit codes: 0 done, or not needed; 1 done, but the topic holds events that the ledger does not; 2 the call is wrong or a
setting is missing; 3 database or broker does not answer: the same call later goes on.
"""


def new_era(
    service: Annotated[str, typer.Argument(help="Whose ledger, for example contacts.")],
    take_back: Annotated[bool, typer.Option("--take-back", help="First take lost rows back from the topic.")] = False,  # noqa: FBT002
    force: Annotated[bool, typer.Option("--force", help="Even where the ledger takes facts.")] = False,  # noqa: FBT002
    kafka: Annotated[str | None, typer.Option(envvar="RAPPORT_KAFKA", metavar="HOST:PORT", help="The broker.")] = None,
    data: DataFolder = DATA_FOLDER,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Begin a new era of a ledger."""
    import asyncio
    import json
    from dataclasses import asdict

    import asyncpg
    from aiokafka.errors import KafkaError

    from rapport_cli.launching.environment import topic_prefix
    from rapport_cli.launching.set_up import SettingMissing, broker_of, keeper_of
    from rapport_events.new_era import NotNeeded, begin_new_era

    code: int = exits.DONE
    message = ""
    try:
        done = asyncio.run(
            begin_new_era(
                service=service,
                keeper=keeper_of(service, data),
                bootstrap=broker_of(kafka, data),
                prefix=topic_prefix(),
                takes_back=take_back,
                is_forced=force,
                tell=_tell,
            )
        )
        left = sum(taken.missing for taken in done.partitions)
        code = exits.LEFT_OVER if left else exits.DONE
        typer.echo(json.dumps(asdict(done) | {"missing": left}) if as_json else _sentence(done, left))
    except NotNeeded as error:
        message = f"{error}: nothing was done"
    except SettingMissing as error:
        code, message = exits.MISUSED, str(error)
    except (KafkaError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        code, message = exits.AWAY, f"{str(error) or type(error).__name__}; the same call goes on where this one ended"
    if message:
        typer.echo(message, err=True)
    raise typer.Exit(code)


def _tell(taken: "Taken") -> None:
    """Say of each partition, as soon as it was compared, what differs."""
    if taken.count:
        where = f"{taken.head + 1} to {taken.head + taken.count}"
        typer.echo(f"partition {taken.partition}: took back {taken.count:,} events, positions {where}", err=True)
    if taken.differs_at is not None:
        typer.echo(
            f"partition {taken.partition}: stopped at position {taken.differs_at}: {taken.cause}; "
            f"{taken.missing:,} events of the topic from there on are not in the ledger",
            err=True,
        )
    if taken.behind_hole:
        typer.echo(
            f"partition {taken.partition}: the topic has a hole behind position {taken.reach}; {taken.behind_hole:,} "
            "records behind it were left",
            err=True,
        )
    if taken.claims_held:
        typer.echo(
            f"partition {taken.partition}: {taken.claims_held:,} outside names have been used again since the restore; "
            "they stay with whom they are",
            err=True,
        )


def _sentence(done: "NewEra", left: int) -> str:
    words = f"the ledger of {done.service} is in era {done.era}; its mirror fills {done.topic}, and opens it"
    if done.taken_from is not None:
        words += f"; {sum(taken.count for taken in done.partitions):,} events came back from {done.taken_from}"
    if left:
        words += f", {left:,} that it holds did not"
    return words
