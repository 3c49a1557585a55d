"""Reads what is known of parties, so that it can be held against conditions."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

import asyncpg
import orjson

from rapport_analytics.conditions import Known, Sale, Total, Trait
from rapport_analytics.stages import JourneyFact, journey
from rapport_events.database import Connection
from rapport_events.ids import TenantId
from rapport_events.parties import Party
from rapport_events.permission import Word
from rapport_events.statements import load

Root = tuple[TenantId, UUID]
_SAID = Word.__dataclass_fields__.keys() - {"customer_id"}
Parties = Sequence[tuple[TenantId, Party]]


class Reading:
    """Reads rows of all ids of some parties, and puts each with its party."""

    def __init__(self, connection: Connection, parties: Parties) -> None:
        self._connection = connection
        self._root_of = {
            (tenant, member): (tenant, party.root) for tenant, party in parties for member in party.members
        }

    async def rows(self, statement: str) -> Iterable[tuple[Root, asyncpg.Record]]:
        """Read with a statement that takes tenants and customers; rows keep their order."""
        tenants, customers = [tenant for tenant, _ in self._root_of], [customer for _, customer in self._root_of]
        rows = await self._connection.fetch(load("rapport_analytics", statement), tenants, customers)
        who = "customer_id" if rows and "customer_id" in rows[0] else "customer"  # a record, no dict
        return [(self._root_of[TenantId(row["tenant_id"]), row[who]], row) for row in rows]


async def read_known(connection: Connection, parties: Parties) -> dict[Root, Known]:
    """Read all that conditions look at but the sales, which only have to say why."""
    reading = Reading(connection, parties)
    found: dict[Root, Known] = defaultdict(Known)
    for root, row in await reading.rows("segments/known_totals"):
        found[root].totals.append(Total(**{name: row[name] for name in Total.__dataclass_fields__}))
    facts: dict[Root, list[JourneyFact]] = defaultdict(list)
    for root, row in await reading.rows("journey_facts"):
        facts[root].append(JourneyFact(**{name: row[name] for name in JourneyFact.__dataclass_fields__}))
        found[root].recorded[row["event_id"]] = row["recorded_at"]
    for root, known in facts.items():
        found[root].steps = list(journey(known))
    for root, row in await reading.rows("segments/known_words"):
        found[root].words.append(Word(customer_id=row["customer"], **{name: row[name] for name in _SAID}))
        found[root].recorded[row["event_id"]] = row["recorded_at"]
    for root, row in await reading.rows("segments/known_traits"):
        value = orjson.loads(row["value"]) if row["value"] is not None else None
        found[root].traits.setdefault(row["name"], []).append(Trait(value, row["event_id"]))
        found[root].recorded[row["event_id"]] = row["recorded_at"]
    return found


async def add_sales(connection: Connection, parties: Parties, found: dict[Root, Known]) -> None:
    """Read the sales of parties, because totals have to say why."""
    for root, row in await Reading(connection, parties).rows("segments/known_sales"):
        found[root].sales.append(Sale(**{name: row[name] for name in Sale.__dataclass_fields__}))
        found[root].recorded[row["event_id"]] = row["recorded_at"]
