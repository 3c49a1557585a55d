"""What is counted when all is quiet again: ledgers against what callers were told, read models against ledgers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from pydantic import SecretStr

from rapport_chassis.settings import key_bytes
from rapport_cli.launching.keys import MASTER_KEY
from rapport_cli.verifying.checker import Entry, Findings, check_ledger, check_looks, check_place
from rapport_cli.verifying.history import Told
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
_SHOWN: Final[Mapping[str, tuple[str, str, tuple[str, ...]]]] = {
    "sales": ("analytics", "SELECT * FROM sales_v1", ("crm.customer.purchased.v1", "crm.purchase.refunded.v1")),
}
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


async def check_books(house: House, told: Told, books: Sequence[Row]) -> list[Findings]:
    """Hold the ledgers against the callers' history: nothing lost, nothing twice, nothing that nobody wished."""
    wishes = await _wishes(house, told)
    entries = [_entry(row, wishes.get(row.key, "")) for row in books if row.actor == ACTOR]
    ledgers = check_ledger(told, entries)
    return [ledgers, _check_numbers(books), *check_looks(told)]


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


def _check_numbers(books: Sequence[Row]) -> Findings:
    """Check that the numbers of each partition are 1, 2, 3, …, each once."""
    findings = Findings("numbers")
    last: dict[tuple[str, int], int] = {}
    for row in books:
        before = last.get((row.source, row.partition), 0)
        if row.position > before + 1:
            findings.add("lost", f"{row.source} {row.partition}: {row.position} comes after {before}")
        last[row.source, row.partition] = row.position
    return findings


async def check_shown(house: House, books: Sequence[Row]) -> list[Findings]:
    """Hold tables that name events against the ledgers."""
    found: list[Findings] = []
    for name, (service, statement, types) in _SHOWN.items():
        connection = await house.connect(service)
        try:
            rows = await connection.fetch(statement)
        finally:
            await connection.close()
        expected = [_entry(row) for row in books if row.type in types]
        shown = [Entry(str(row["event_id"]), f"{row['tenant_id']} {row['customer']}", row["position"]) for row in rows]
        shown.sort(key=lambda entry: (entry.customer, entry.number))
        found.append(check_place(expected, shown, f"{service}: {name}"))
    return found


def _entry(row: Row, operation: str = "") -> Entry:
    return Entry(str(row.event_id), f"{row.tenant} {row.subject}", row.position, operation)
