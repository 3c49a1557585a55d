"""
Prove that every topic and every read model of a suite holds exactly its ledgers' events.

Reads only. What runs may go on meanwhile: readers are asked before topics, and topics before ledgers, so whatever a
reader has taken must be in its ledger. `rapport verify` calls this, and so can tests:

    report = await verify(places_of(environment), told, wait_seconds=30)
    assert report.is_clean and report.is_level, report.findings
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

import asyncpg

from rapport_cli.verifying.checker import check_looks
from rapport_cli.verifying.findings import Account, Report
from rapport_cli.verifying.history import Told
from rapport_cli.verifying.ledgers import check_memory, check_numbers, read_line
from rapport_cli.verifying.models import Model, check_models, read_models
from rapport_cli.verifying.places import Places
from rapport_cli.verifying.remembered import Remembered
from rapport_cli.verifying.topics import Carried, check_topic, read_topic
from rapport_events.database import Connection
from rapport_events.envelope import topic_of
from rapport_events.ids import PARTITIONS
from rapport_events.scanner import Scanner, scanning
from rapport_events.statements import load

_CONNECT_SECONDS: Final = 10
_PAUSE_SECONDS: Final = 0.2
_LIMITS: Final = {"application_name": "rapport.verify", "default_transaction_read_only": "on", "lock_timeout": "5s"}
_RESTORE: Final = "restore the database from a backup, then `rapport ledger new-era --take-back` (docs/guides)"


@dataclass(frozen=True, slots=True)
class _Ledger:
    """A ledger that is looked at."""

    service: str
    connection: Connection
    beside: Connection
    """For questions that last, while lines are read."""
    era: int
    scanner: Scanner | None
    account: Account
    topic: Account | None


async def verify(places: Places, told: Told | None = None, *, wait_seconds: float = 0.0) -> Report:
    """
    Hold all topics and read models against the ledgers, and everything against what callers were told.

    Args:
        told: A history; only its operations are looked for, others may be there.
        wait_seconds: How long to wait for topics and readers that are behind; what is late then is told as `behind`.

    Raises:
        OSError, asyncpg.PostgresError, asyncpg.InterfaceError: A database does not answer.
        KafkaError: The broker does not answer, or lacks a topic.
    """
    async with AsyncExitStack() as stack:
        connections = {name: await stack.enter_async_context(_connected(dsn)) for name, dsn in places.databases.items()}
        if wait_seconds:
            await _wait_until_level(connections, wait_seconds)
        models = [model for name, each in connections.items() for model in await read_models(each, name)]
        accounts = [(model, Account(model.place)) for model in models]
        remembered = Remembered(told)
        ledgers = [await _open(name, places, stack) for name in places.databases]
        async with asyncio.TaskGroup() as group:
            for ledger in ledgers:
                group.create_task(_check(ledger, accounts, remembered))
                group.create_task(check_memory(ledger.beside, ledger.account, _RESTORE))
    looks = [_account_of_looks(each.place, each.examples, each.counts.total()) for each in check_looks(told or Told())]
    return Report(
        [
            *(ledger.account for ledger in ledgers),
            *(ledger.topic for ledger in ledgers if ledger.topic is not None),
            *(account for _, account in accounts),
            *remembered.accounts(),
            *looks,
        ]
    )


@asynccontextmanager
async def _connected(dsn: str) -> AsyncGenerator[Connection]:
    connection = await asyncpg.connect(dsn, timeout=_CONNECT_SECONDS, command_timeout=60, server_settings=_LIMITS)
    try:
        yield connection
    finally:
        connection.terminate()


async def _open(service: str, places: Places, stack: AsyncExitStack) -> _Ledger:
    dsn = places.databases[service]
    connection, beside = [await stack.enter_async_context(_connected(dsn)) for _ in range(2)]
    row = await connection.fetchrow(load("rapport_events", "ledger/state"))
    era = row["era"] if row else 1
    scanner, topic = None, None
    if places.kafka is not None:
        name = topic_of(service, era, places.prefix)
        scanner = await stack.enter_async_context(scanning(places.kafka, name))
        topic = Account(f"topic {name}")
    return _Ledger(service, connection, beside, era, scanner, Account(f"ledger {service}"), topic)


async def _check(ledger: _Ledger, models: Sequence[tuple[Model, Account]], remembered: Remembered) -> None:
    """Look at one ledger, its topic, and all readers of its lines."""
    for partition in range(PARTITIONS):
        carried: list[Carried] = []
        if ledger.scanner is not None:
            carried = await read_topic(ledger.scanner, partition)
        line, is_whole = await read_line(ledger.connection, partition, with_operations=remembered.is_wanted)
        ledger.account.facts += line.head
        if not is_whole:
            # What stands behind a hole cannot be told from what should stand in it.
            await check_numbers(ledger.connection, line, ledger.account, _RESTORE)
            continue
        if ledger.topic is not None:
            check_topic(carried, line, ledger.era, ledger.topic)
        check_models(models, ledger.service, ledger.era, line)
        remembered.look_at(ledger.service, line)


async def _wait_until_level(connections: Mapping[str, Connection], seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and not await _is_level(connections):
        await asyncio.sleep(_PAUSE_SECONDS)


async def _is_level(connections: Mapping[str, Connection]) -> bool:
    """Say whether topics and readers have come to the heads as they are now."""
    rows = {name: await each.fetchrow(load("rapport_events", "ledger/state")) for name, each in connections.items()}
    heads = {(name, row["era"]): row["heads"] for name, row in rows.items() if row is not None}
    if any(list(row["reach"]) != list(row["heads"]) for row in rows.values() if row is not None):
        return False
    for name, connection in connections.items():
        for model in await read_models(connection, name):
            sources = {each.at.source for each in model.checkpoints} & connections.keys()
            at = {each.at[:3]: each.at.position for each in model.checkpoints}
            wanted = {
                (source, era, partition): head
                for (source, era), all_heads in heads.items()
                if source in sources
                for partition, head in enumerate(all_heads)
            }
            if any(at.get(line, -1) < head for line, head in wanted.items()):
                return False
    return True


def _account_of_looks(place: str, examples: Sequence[str], count: int) -> Account:
    account = Account(place)
    for sentence in examples:
        account.add(
            "backwards", sentence, "a read model went back: `rapport view rebuild` it, and say so to support", 0
        )
    account.counts["backwards"] = count
    return account
