"""Begin a new era of a ledger whose numbers may have been used twice."""

from collections.abc import Callable
from dataclasses import dataclass, field

import asyncpg
import structlog

from rapport_events.database import Connection
from rapport_events.envelope import topic_of
from rapport_events.gate import note_shut, read_condition, shut
from rapport_events.kafka import find_eras
from rapport_events.scanner import scanning
from rapport_events.statements import load
from rapport_events.take_back import Taken, take_back

log = structlog.get_logger()

UNDER_WAY = "new_era_under_way"
_CONNECT_SECONDS = 10
_COMMAND_SECONDS = 60
# Everybody who appends gives up waiting for a lock after 5 s, and who shuts the ledger waits for all of them.
_SETTINGS = {"lock_timeout": "20s", "application_name": "rapport.new_era"}


class NotNeeded(Exception):
    """The ledger takes appends, or will in a moment."""


@dataclass(slots=True)
class NewEra:
    """What was done."""

    service: str
    before: int
    """The era that the ledger was in."""
    era: int
    topic: str
    """Of the new era; the mirror fills it."""
    taken_from: str | None = None
    """The topic from which rows were taken back, if any were asked for."""
    partitions: list[Taken] = field(default_factory=list[Taken])


async def begin_new_era(
    *,
    service: str,
    keeper: str,
    bootstrap: str,
    prefix: str = "crm",
    takes_back: bool = False,
    is_forced: bool = False,
    tell: Callable[[Taken], None] = lambda _: None,
) -> NewEra:
    """
    Shut a ledger, take back what its newest topic holds if wished, and raise its era; its mirror then opens it.

    Interrupted anywhere and called again it does the rest.

    Args:
        service: Whose ledger it is.
        keeper: DSN of its database as keeper.
        bootstrap: The broker.
        prefix: How the names of topics begin.
        takes_back: Write the rows that the restore lost again before.
        is_forced: Even where the ledger takes appends.
        tell: Hears of each partition that was compared.

    Raises:
        NotNeeded: The ledger takes appends, or waits for nothing but its mirror.
        KafkaError, OSError, asyncpg.PostgresError: Broker or database is away; nothing was shut if it was before.
    """
    eras = await find_eras(bootstrap, service, prefix)
    connection = await asyncpg.connect(
        keeper, timeout=_CONNECT_SECONDS, command_timeout=_COMMAND_SECONDS, server_settings=_SETTINGS
    )
    try:
        before = await _shut(connection, is_forced=is_forced)
        latest = max([before, *eras])
        done = NewEra(service, before, latest + 1, topic_of(service, latest + 1, prefix))
        if takes_back and latest in eras:
            done.taken_from = topic_of(service, latest, prefix)
            async with scanning(bootstrap, done.taken_from) as scanner:
                async for taken in take_back(connection, scanner):
                    done.partitions.append(taken)
                    tell(taken)
        if await connection.fetchrow(load("rapport_events", "ledger/raise_era"), before, done.era) is None:
            raise NotNeeded("somebody else began an era meanwhile")
    finally:
        await connection.close(timeout=_CONNECT_SECONDS)
    taken_back = sum(taken.count for taken in done.partitions)
    log.info("era_began", service=service, era=done.era, topic=done.topic, count=taken_back)
    return done


async def _shut(connection: Connection, *, is_forced: bool) -> int:
    """Shut the ledger, and return its era."""
    condition = await read_condition(connection)
    if not condition.needs_operator and not is_forced:
        what = "takes appends" if condition.takes_appends else "opens when its mirror has compared it with its topic"
        raise NotNeeded(f"the ledger is in era {condition.era} and {what}")
    await shut(connection)
    await note_shut(connection, UNDER_WAY, "a new era was begun, and is not there yet")
    return condition.era
