"""Who our customers are, one row each; and what search finds them by, in tables that no disk's copy holds."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import orjson

from rapport_contacts.directory_row import Changed, Created, Erased, Row, begin, change, erase, row_of, values_of
from rapport_contacts.filling import keep_filled
from rapport_contacts.personal import Kept, Keys, key_ids_of
from rapport_contacts.rewriting import keep_rewritten
from rapport_contacts.search_text import SEARCHED, is_searched, search_text
from rapport_events.contracts.contacts import CustomerCreated, CustomerProfileChanged
from rapport_events.contracts.privacy import PrivacyErasureCompleted
from rapport_events.database import Connection, Pool
from rapport_events.ids import TenantId
from rapport_events.keyring import Keyring, KeyringAway
from rapport_events.view import Batch, Fact, View

Key = tuple[TenantId, str]
"""Tenant and customer."""


@dataclass(frozen=True, slots=True)
class State:
    """The rows that a batch touches, the partitions whose search misses something from now on, and who leaves it."""

    rows: dict[Key, Row]
    unsearchable: set[int] = field(default_factory=set[int])
    purged: set[tuple[int, TenantId, str]] = field(default_factory=set[tuple[int, TenantId, str]])
    """Partition, tenant and customer."""


class Directory(View[set[Key], State]):
    """Who our customers are, one row each."""

    name = "directory"
    package = "rapport_contacts"
    reads: ClassVar = {CustomerCreated: Created, CustomerProfileChanged: Changed, PrivacyErasureCompleted: Erased}

    def __init__(self, rebuild: int = 1) -> None:
        super().__init__(rebuild)
        self._keys: dict[str, Keys] = {}

    async def prepare(self, batch: Batch, keyring: Keyring) -> None:
        """
        Fetch the keys of all names, e-mail addresses and phone numbers of the batch.

        With the keyring away the directory goes on without: the search of these partitions is filled later.
        """
        wanted: dict[TenantId, set[str]] = {}
        for fact in batch:
            if isinstance(fact.event, Erased):
                continue
            sealed = [kept for name, kept in values_of(fact).items() if kept and name in SEARCHED]
            if sealed:
                wanted.setdefault(fact.tenant, set()).update(key_ids_of(sealed))
        self._keys = {}
        try:
            for tenant, ids in wanted.items():
                self._keys[tenant] = await keyring.open_keys(tenant, ids)
        except KeyringAway:
            self._keys = {}

    @property
    def tables(self) -> tuple[str, ...]:
        """Rows, and what search finds them by."""
        return (self.model, "directory_search_v1")

    async def furnish(self, connection: Connection) -> None:
        """Mark search as filled: each fold fills in what it changes."""
        await connection.execute(self.sql("directory/begin_search"))

    async def is_whole(self, connection: Connection) -> bool:
        """Say whether no partition of the search has to be filled."""
        return not await connection.fetch(self.sql("directory/unfilled"))

    def forget(self) -> None:
        """Drop the keys."""
        self._keys = {}

    async def keep_whole(self, pool: Pool, keyring: Keyring) -> None:
        """Fill search again where a crash has emptied it, or keys were missing; rewrite it where it forgot somebody."""
        async with asyncio.TaskGroup() as group:
            group.create_task(keep_filled(pool, keyring, self.sql))
            group.create_task(keep_rewritten(pool, self.sql, self.rebuild))

    def keys(self, batch: Batch) -> set[Key]:
        """Name the customers whose rows change; new ones have none yet."""
        created = {(fact.tenant, fact.subject) for fact in batch if isinstance(fact.event, Created)}
        return {(fact.tenant, fact.subject) for fact in batch} - created

    async def load(self, connection: Connection, keys: set[Key]) -> State:
        """Read their rows."""
        if not keys:
            return State({})
        rows = await connection.fetch(self.sql("directory/load"), *map(list, zip(*keys, strict=True)))
        return State({(TenantId(row["tenant_id"]), str(row["customer_id"])): row_of(dict(row)) for row in rows})

    def fold(self, state: State, batch: Batch) -> State:
        """Begin rows, change rows, and take persons out of them."""
        for fact in batch:
            key = (fact.tenant, fact.subject)
            if isinstance(fact.event, Erased):
                state.purged.add((fact.partition, *key))
                if key in state.rows:
                    state.rows[key] = erase(state.rows[key], fact)
                continue
            values = values_of(fact)
            found_by = self._found_by(fact, values)
            if found_by is None:
                state.unsearchable.add(fact.partition)
            if isinstance(fact.event, Created):
                row = begin(fact, {name: kept for name, kept in values.items() if kept})
                row = replace(row, found_by={} if found_by is None else dict.fromkeys(SEARCHED, ""))
            else:
                row = change(state.rows[key], fact, values)
            state.rows[key] = replace(row, found_by={**row.found_by, **(found_by or {})})
        return state

    async def write(self, connection: Connection, state: State) -> None:
        """Store rows, then what search finds them by, without those who were erased."""
        # Whoever has nothing to be found by is not in the search, however the facts came in batches.
        rows = [(tenant, customer, row) for (tenant, customer), row in state.rows.items()]
        nameless = {(row.partition, *key) for key, row in state.rows.items() if not is_searched(row.personal)}
        named = [_searched(*row) for row in rows if is_searched(row[2].personal)]
        if rows:
            await connection.execute(self.sql("directory/upsert"), *_columns([_stored(*row) for row in rows]))
        if gone := nameless | state.purged:
            await connection.execute(self.sql("directory/purge"), *_columns(sorted(gone)))
        if named:
            await connection.execute(self.sql("directory/upsert_search"), *_columns(named))
        if state.unsearchable:
            await connection.execute(self.sql("directory/unmark"), sorted(state.unsearchable))
        if state.purged:
            partitions = sorted({partition for partition, *_ in state.purged})
            await connection.execute(self.sql("directory/ask_rewrite"), self.rebuild, partitions)

    def _found_by(self, fact: Fact, values: Mapping[str, Kept | None]) -> dict[str, str] | None:
        """Return what search finds the customer by from now on; None where a key is missing."""
        keys = self._keys.get(fact.tenant, {})
        found: dict[str, str] = {}
        for name, kept in values.items():
            if name in SEARCHED:
                text = search_text(name, kept, fact.tenant, keys)
                if text is None:
                    return None
                found[name] = text
        return found


def _stored(tenant: str, customer: str, row: Row) -> Sequence[object]:
    attributes, personal = orjson.dumps(row.attributes).decode(), orjson.dumps(row.personal).decode()
    known = (row.kind, row.source, row.known_at, row.recorded_at)
    return (tenant, customer, row.partition, row.version, *known, attributes, personal)


def _searched(tenant: str, customer: str, row: Row) -> Sequence[object]:
    return (row.partition, tenant, customer, row.version, *(row.found_by.get(name) for name in SEARCHED))


def _columns(rows: Sequence[Sequence[object]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]
