"""The second step of derived events: ids that changed are decided anew, as the party that they are part of."""

import asyncio
import time
from collections.abc import Sequence
from typing import Protocol

import structlog

from rapport_events.database import Connection, Pool
from rapport_events.faults import is_away
from rapport_events.ids import TenantId
from rapport_events.ledger import Append, CauseAhead, LedgerShut, VersionConflict
from rapport_events.parties import Party, parties_of
from rapport_events.postgres_ledger import append_within
from rapport_events.statements import load

log = structlog.get_logger()

MARKS_AT_ONCE = 500
IDLE_SECONDS = 0.05
PAUSE_SECONDS_MAX = 5.0


class Raced(Exception):
    """Another process published for the same party at that moment; the marks stand and are taken again."""


class Derivation(Protocol):
    """Decides what follows for parties whose facts have changed."""

    view: str
    """Name under which its view leaves marks."""

    async def derive(
        self, connection: Connection, parties: Sequence[tuple[TenantId, Party]]
    ) -> list[tuple[TenantId, Append]]:
        """Combine the states of each party's ids, and say what is to be appended; claims make it happen once."""
        ...


async def derive_once(pool: Pool, derivation: Derivation) -> int:
    """
    Take up to 500 marks, decide what follows for their parties, append it, all in one transaction.

    All others of the same ids are taken with them. Marks that another process holds are left to it. What is appended
    twice by two processes is one fact by its claim.

    Returns:
        Count of marks taken; 0 means that nothing has changed.
    """
    async with pool.acquire() as connection, connection.transaction():
        rows = await connection.fetch(load("rapport_events", "marks/take"), derivation.view, MARKS_AT_ONCE)
        if not rows:
            return 0
        ids = {(TenantId(row["tenant_id"]), row["customer"]) for row in rows}
        parties = await parties_of(connection, sorted(ids))
        roots = {(tenant, party.root): party for (tenant, _), party in parties.items()}
        ordered = sorted(roots.items(), key=lambda item: item[0])
        appends = await derivation.derive(connection, [(tenant, party) for (tenant, _), party in ordered])
        if appends:
            outcomes = await append_within(connection, appends)
            if any(isinstance(outcome, CauseAhead) for outcome in outcomes):
                msg = "the causing event is recorded more than 10 s ahead of this database's clock"
                raise LedgerShut(msg)
            if any(isinstance(outcome, VersionConflict) for outcome in outcomes):
                raise Raced
        return len(rows)


async def derive(pool: Pool, derivations: Sequence[Derivation]) -> None:
    """Keep deriving until cancelled, for half of the time at most, because readers share it; wait for the database."""
    pause = IDLE_SECONDS
    while True:
        began = time.monotonic()
        try:
            taken = sum([await derive_once(pool, derivation) for derivation in derivations])
        except Raced:
            continue
        except Exception as error:
            if not is_away(error):
                raise
            log.warning("derivation_waits_for_database", error=type(error).__name__)
            pause = min(pause * 2, PAUSE_SECONDS_MAX)
            await asyncio.sleep(pause)
            continue
        pause = IDLE_SECONDS
        took = time.monotonic() - began
        await asyncio.sleep(max(took, IDLE_SECONDS) if taken < MARKS_AT_ONCE else took)
