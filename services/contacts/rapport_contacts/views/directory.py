"""Who our customers are, one row each; and what search finds them by, in tables that no disk's copy holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import ClassVar

import msgspec
import orjson

from rapport_contacts.customer import ATTRIBUTE, PROFILE_FIELDS, Attribute
from rapport_contacts.filling import keep_filled
from rapport_contacts.personal import CHANGED, Kept, Keys, Personal, key_ids_of, personal_of
from rapport_contacts.search_text import SEARCHED, search_text
from rapport_events.contracts.contacts import CustomerCreated, CustomerProfileChanged
from rapport_events.database import Connection, Pool
from rapport_events.ids import TenantId
from rapport_events.keyring import Keyring, KeyringAway
from rapport_events.view import Batch, Fact, View

Key = tuple[TenantId, str]
"""Tenant and customer."""


class CreatedPii(msgspec.Struct):
    """Sealed values of a new customer."""

    names: str | None = None
    emails: str | None = None
    phones: str | None = None
    addresses: str | None = None
    external_ids: str | None = None


class Created(msgspec.Struct):
    """What a new customer's row begins with."""

    kind: str
    source: str
    attributes: dict[str, str | bool | int] = {}
    pii: CreatedPii | None = None


class Change(msgspec.Struct):
    """A field that changed; a new value in clear for attributes alone."""

    field: str
    new: str | bool | int | None = None


class ChangedPii(msgspec.Struct):
    """Sealed: all new values of a change together."""

    new: str | None = None


class Changed(msgspec.Struct):
    """What changes in a customer's row."""

    changes: list[Change]
    pii: ChangedPii | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A customer as the directory keeps one."""

    partition: int
    version: int
    kind: str
    source: str
    known_at: datetime
    recorded_at: datetime
    attributes: Mapping[str, Attribute]
    personal: Personal
    found_by: Mapping[str, str] = field(default_factory=dict[str, str])
    """What search finds the customer by, as far as this batch says something new about it."""


@dataclass(frozen=True, slots=True)
class State:
    """The rows that a batch touches, and the partitions whose search misses something from now on."""

    rows: dict[Key, Row]
    unsearchable: set[int] = field(default_factory=set[int])


class Directory(View[set[Key], State]):
    """Who our customers are, one row each."""

    name = "directory"
    package = "rapport_contacts"
    reads: ClassVar = {CustomerCreated: Created, CustomerProfileChanged: Changed}

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
            sealed = [kept for name, kept in _values(fact).items() if kept and name in SEARCHED]
            if sealed:
                wanted.setdefault(fact.tenant, set()).update(key_ids_of(sealed))
        self._keys = {}
        try:
            for tenant, ids in wanted.items():
                self._keys[tenant] = await keyring.open_keys(tenant, ids)
        except KeyringAway:
            self._keys = {}

    async def keep_whole(self, pool: Pool, keyring: Keyring) -> None:
        """Fill search again where a crash has emptied it, or where keys were missing."""
        await keep_filled(pool, keyring, self.sql)

    def keys(self, batch: Batch) -> set[Key]:
        """Name the customers whose rows change; new ones have none yet."""
        created = {(fact.tenant, fact.subject) for fact in batch if isinstance(fact.event, Created)}
        return {(fact.tenant, fact.subject) for fact in batch} - created

    async def load(self, connection: Connection, keys: set[Key]) -> State:
        """Read their rows."""
        if not keys:
            return State({})
        rows = await connection.fetch(self.sql("directory/load"), *map(list, zip(*keys, strict=True)))
        return State({(TenantId(row["tenant_id"]), str(row["customer_id"])): _row(dict(row)) for row in rows})

    def fold(self, state: State, batch: Batch) -> State:
        """Begin rows and change rows."""
        for fact in batch:
            key = (fact.tenant, fact.subject)
            values = _values(fact)
            found_by = self._found_by(fact, values)
            if found_by is None:
                state.unsearchable.add(fact.partition)
            if isinstance(fact.event, Created):
                row = _begin(fact, {name: kept for name, kept in values.items() if kept})
            else:
                row = _change(state.rows[key], fact, values)
            state.rows[key] = replace(row, found_by={**row.found_by, **(found_by or {})})
        return state

    async def write(self, connection: Connection, state: State) -> None:
        """Store rows, then what search finds them by."""
        if not state.rows:
            return
        rows = [(tenant, customer, row) for (tenant, customer), row in state.rows.items()]
        await connection.execute(self.sql("directory/upsert"), *_columns([_stored(*row) for row in rows]))
        found = [_searched(*row) for row in rows if row[2].found_by]
        if found:
            await connection.execute(self.sql("directory/upsert_search"), *_columns(found))
        if state.unsearchable:
            await connection.execute(self.sql("directory/unmark"), sorted(state.unsearchable))

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


def _values(fact: Fact) -> dict[str, Kept | None]:
    """Return the personal fields that a fact says something about; None for those that are unset from now on."""
    event = fact.event
    if isinstance(event, Created):
        names = CreatedPii.__struct_fields__ if event.pii else ()
        texts = {name: getattr(event.pii, name) for name in names}
        return {name: (fact.event_id, f"/pii/{name}", text) for name, text in texts.items() if text}
    text = event.pii.new if event.pii else None
    kept = (fact.event_id, CHANGED, text) if text else None
    return {change.field: kept for change in event.changes if change.field in PROFILE_FIELDS}


def _begin(fact: Fact, personal: Personal) -> Row:
    return Row(
        partition=fact.partition,
        version=fact.version,
        kind=fact.event.kind,
        source=fact.event.source,
        known_at=fact.occurred_at,
        recorded_at=fact.recorded_at,
        attributes=fact.event.attributes,
        personal=personal,
    )


def _change(row: Row, fact: Fact, values: Mapping[str, Kept | None]) -> Row:
    merged = {**row.personal, **values}
    attributes: dict[str, Attribute | None] = dict(row.attributes)
    for change in fact.event.changes:
        if change.field.startswith(ATTRIBUTE):
            attributes[change.field.removeprefix(ATTRIBUTE)] = change.new
    return replace(
        row,
        version=fact.version,
        attributes={name: value for name, value in attributes.items() if value is not None},
        personal={name: kept for name, kept in merged.items() if kept is not None},
    )


def _row(row: Mapping[str, object]) -> Row:
    columns = {name: value for name, value in row.items() if name not in {"tenant_id", "customer_id"}}
    columns["attributes"] = orjson.loads(str(row["attributes"]))
    columns["personal"] = personal_of(row)
    return Row(**columns)  # type: ignore[arg-type]  # the columns bear the fields' names


def _stored(tenant: str, customer: str, row: Row) -> Sequence[object]:
    attributes, personal = orjson.dumps(row.attributes).decode(), orjson.dumps(row.personal).decode()
    known = (row.kind, row.source, row.known_at, row.recorded_at)
    return (tenant, customer, row.partition, row.version, *known, attributes, personal)


def _searched(tenant: str, customer: str, row: Row) -> Sequence[object]:
    return (row.partition, tenant, customer, row.version, *(row.found_by.get(name) for name in SEARCHED))


def _columns(rows: Sequence[Sequence[object]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]
