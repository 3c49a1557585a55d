"""What is counted when all is quiet again: ledgers against what callers were told, read models against ledgers."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast
from uuid import UUID

from pydantic import SecretStr

from rapport_chassis.settings import key_bytes
from rapport_cli.launching.keys import MASTER_KEY
from rapport_cli.verifying.anew import compare_all
from rapport_cli.verifying.checker import Entry, Findings, Kind, check_ledger, check_looks
from rapport_cli.verifying.findings import Account, Finding
from rapport_cli.verifying.history import Told
from rapport_cli.verifying.places import places_of
from rapport_cli.verifying.suite import verify
from rapport_cli.wire import Access
from rapport_events.database import open_pool
from rapport_events.identities import digest
from rapport_events.ids import TenantId
from rapport_events.postgres_keyring import PostgresKeyring
from tests.faults.house import House
from tests.system.suites import OWNERS

_EVENTS = """
    SELECT e.tenant_id, e.partition, e.position, e.event_id, e.subject, e.type,
           coalesce(e.meta ->> 'actor', '') AS actor,
           coalesce(split_part(e.meta ->> 'key', '.', 1), '') AS key
      FROM events AS e
     ORDER BY e.partition, e.position
"""
_LEVEL_SECONDS: Final = 60
ACTOR: Final = "tester"
"""As whom callers come."""


@dataclass(frozen=True, slots=True)
class Row:
    """One event of a ledger."""

    source: str
    tenant: str
    partition: int
    position: int
    event_id: UUID
    subject: str
    type: str
    actor: str
    key: str
    """Digest of the command's key; empty where it had none."""


async def read_books(house: House) -> list[Row]:
    """Read all ledgers."""
    rows: list[Row] = []
    for service in OWNERS:
        connection = await house.connect(service)
        try:
            rows += [Row(service, *row) for row in await connection.fetch(_EVENTS)]
        finally:
            await connection.close()
    return rows


async def check_books(house: House, told: Told, books: Sequence[Row]) -> list[Account]:
    """Hold the ledgers against the callers' history: nothing lost, nothing twice, nothing that nobody wished."""
    wishes = await _wishes(house, told)
    entries = [_entry(row, wishes.get(row.key, "")) for row in books if row.actor == ACTOR]
    return [_account(found) for found in (check_ledger(told, entries, "ledgers and callers"), *check_looks(told))]


async def check_read_models(house: House, strangers: Mapping[str, int]) -> list[Account]:
    """
    Hold every topic and every read model against the ledgers, and each row against what the events make of it.

    Args:
        strangers: So many records without a number we put into each topic ourselves; more would be somebody else's.
    """
    report = await verify(places_of(house.environment), wait_seconds=_LEVEL_SECONDS)
    for account in report.accounts:
        found = [each for each in account.findings if "position 0 is in no row" in each.what]
        sent = sum(count for service, count in strangers.items() if account.place.startswith(f"topic crm.{service}"))
        if len(found) == len(account.findings) and account.counts["phantom"] <= sent:
            account.findings.clear()
            account.counts["phantom"] = 0
    access = Access(token=house.token(), urls=house.urls)
    anew = await asyncio.to_thread(compare_all, access, tell=lambda _: None)
    return [*report.accounts, *anew]


def _account(findings: Findings) -> Account:
    account = Account(findings.place)
    for sentence in findings.examples:
        kind, _, what = sentence.partition(": ")
        account.findings.append(Finding(cast("Kind", kind), findings.place, what, fix=""))
    account.counts.update(findings.counts)
    return account


async def _wishes(house: House, told: Told) -> dict[str, str]:
    """Return all operations by the digest of their key, which stands in the ledgers in its place."""
    key = key_bytes(SecretStr((house.home.secrets / MASTER_KEY).read_text(encoding="ascii").strip()))
    found: dict[str, str] = {}
    async with await open_pool(house.common.dsn_of("rapport_keyring"), name="faults", connections_max=1) as pool:
        keyring = PostgresKeyring(pool, key)
        for operation in told.operations:
            tenant = TenantId(operation.partition(".")[0])
            found[digest(await keyring.tenant_keys(tenant), "command", operation).hex()] = operation
    return found


def _entry(row: Row, operation: str = "") -> Entry:
    return Entry(str(row.event_id), f"{row.tenant} {row.subject}", row.position, operation)
