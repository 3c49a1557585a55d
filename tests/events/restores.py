"""A ledger with real commands, set back to what a backup of it held."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

from rapport_events.command import Command, CustomerRef, ExternalRef, Handler, Request
from rapport_events.database import open_pool
from rapport_events.execute import Executor
from rapport_events.memory_keyring import MemoryKeyring
from rapport_events.new_era import NewEra, begin_new_era
from rapport_events.postgres_ledger import PostgresLedger
from rapport_events.results import Done
from tests.chassis.shop import RECORD_CONTACT, RECORD_PURCHASE, RecordContact, RecordPurchase
from tests.events.appends import TENANT
from tests.events.mirroring import Place

Tables = dict[str, list[str]]

# When an answer was recorded is not compared: one that was taken back is as old as its event.
_ROWS = {
    "events": "SELECT e::text FROM events AS e ORDER BY partition, position",
    "claims": "SELECT c::text FROM claims AS c ORDER BY c::text",
    "commands": """SELECT (tenant_id, idempotency_key, fingerprint, partitions, positions, versions)::text FROM commands
                    ORDER BY 1""",
}
_LOSE = (
    """WITH kept AS (SELECT * FROM unnest($1::smallint[], $2::bigint[]) AS k (partition, head))
       DELETE FROM commands AS c USING kept AS k WHERE k.partition = c.partitions[1] AND c.positions[1] > k.head""",
    """WITH kept AS (SELECT * FROM unnest($1::smallint[], $2::bigint[]) AS k (partition, head)),
            lost AS (SELECT e.event_id FROM events AS e JOIN kept AS k USING (partition) WHERE e.position > k.head)
       DELETE FROM claims AS c USING lost AS l WHERE l.event_id = c.event_id""",
    """WITH kept AS (SELECT * FROM unnest($1::smallint[], $2::bigint[]) AS k (partition, head))
       DELETE FROM events AS e USING kept AS k WHERE k.partition = e.partition AND e.position > k.head""",
)


@dataclass(frozen=True, slots=True)
class Shop:
    """Sells things on the ledger of a place."""

    place: Place
    ledger: PostgresLedger
    keyring: MemoryKeyring

    async def buy(self, number: int, *, customer: int | None = None) -> Done:
        """Record order `number`, under its outside name, and under the same idempotency key each time."""
        ref = CustomerRef(system="shop", external_id=f"customer {number if customer is None else customer}")
        wish = RecordPurchase(customer=ref, external=ExternalRef(system="shop", id=str(number)), total=Decimal(number))
        return await self._carry_out(RECORD_PURCHASE, wish, f"order {number}")

    async def hear(self, number: int) -> Done:
        """Record what a customer wrote: once for each key, without an outside name."""
        ref = CustomerRef(system="shop", external_id=f"customer {number}")
        return await self._carry_out(RECORD_CONTACT, RecordContact(customer=ref, text="Hello, Ann"), f"letter {number}")

    async def _carry_out(self, handler: Handler[Any, Any], wish: Command, key: str) -> Done:
        request = Request(TENANT, "ann", handler, wish, "c-1", key=key, body=wish.model_dump_json().encode())
        [result] = await Executor(self.ledger, self.keyring).execute([request])
        assert isinstance(result, Done), result
        return result


@asynccontextmanager
async def shop_on(place: Place) -> AsyncGenerator[Shop]:
    """Open a shop on the ledger of a place."""
    app = await open_pool(place.database.app, name="test")
    try:
        async with PostgresLedger(service="events", app=app) as ledger:
            # Whose partition is whose is part of what these tests tell.
            yield Shop(place, ledger, MemoryKeyring(random=Random(7).randbytes))  # noqa: S311 - no secret
    finally:
        app.terminate()


async def tables(place: Place) -> Tables:
    """Return all that a ledger remembers."""
    return {name: [row[0] for row in await place.tell(statement)] for name, statement in _ROWS.items()}


async def heads(place: Place) -> list[int]:
    """Return the last position of each partition."""
    [row] = await place.tell("SELECT heads FROM ledger_state()")
    return list(row["heads"])


async def set_back(place: Place, kept: list[int]) -> None:
    """Lose what came after these positions, and start anew: what a restore of a data folder from a backup does."""
    for statement in _LOSE:
        await place.tell(statement, list(range(len(kept))), kept)
    await place.tell("UPDATE ledger SET compared_start = compared_start - interval '1 hour'")


async def new_era(place: Place, *, takes_back: bool = True, is_forced: bool = False) -> NewEra:
    """Begin a new era as an operator does."""
    return await begin_new_era(
        service=place.settings.service,
        keeper=place.settings.keeper,
        bootstrap=place.settings.bootstrap,
        prefix=place.settings.prefix,
        takes_back=takes_back,
        is_forced=is_forced,
    )
