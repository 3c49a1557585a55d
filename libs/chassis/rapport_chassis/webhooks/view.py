"""Who gets events delivered: the webhooks of a service, folded from its own ledger's events."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, Self
from uuid import UUID

import msgspec

from rapport_events.contracts.platform import (
    WebhookDisabled,
    WebhookEnabled,
    WebhookRegistered,
    WebhookRemoved,
    WebhookRewound,
    WebhookSecretRotated,
)
from rapport_events.database import Connection
from rapport_events.ids import TenantId
from rapport_events.view import Batch, Fact, View


class Registered(msgspec.Struct):
    """A webhook begins."""

    webhook_id: UUID
    address: str
    types: list[str]
    is_open: bool
    since: datetime | None = None


class Rotated(msgspec.Struct):
    """Its secret follows another one."""

    webhook_id: UUID
    secret_version: int
    former_until: datetime


class Disabled(msgspec.Struct):
    """It gets nothing for now."""

    webhook_id: UUID
    reason: str


class Rewound(msgspec.Struct):
    """It begins anew at a moment."""

    webhook_id: UUID
    since: datetime


class Named(msgspec.Struct):
    """Nothing but which webhook."""

    webhook_id: UUID


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One webhook as it is now."""

    tenant: TenantId
    webhook_id: UUID
    address: str
    types: tuple[str, ...]
    is_open: bool
    secret_version: int
    former_until: datetime | None
    state: str
    """`active`, or why it is not: `asked`, `exhausted`, `gone`."""
    since: datetime
    rewinds: int
    restarts: int
    registered_at: datetime

    def secret_versions(self, now: datetime) -> tuple[int, ...]:
        """Return the versions of the secrets to sign with, the newest first."""
        is_rotating = self.former_until is not None and now < self.former_until
        return (self.secret_version, self.secret_version - 1) if is_rotating else (self.secret_version,)


Key = tuple[TenantId, UUID]
State = dict[Key, Endpoint | None]
"""None: it was removed."""

COLUMNS = (
    *("tenant_id", "webhook_id", "address", "types", "is_open", "secret_version", "former_until", "state", "since"),
    *("rewinds", "restarts", "registered_at"),
)


def endpoint_of(row: Sequence[object]) -> Endpoint:
    """Return a row whose columns are `COLUMNS`."""
    tenant, webhook_id, address, types, *rest = row
    return Endpoint(tenant, UUID(str(webhook_id)), address, tuple(types), *rest)  # type: ignore[arg-type]  # a row knows no types


class Webhooks(View[list[Key], State]):
    """The webhooks of one service."""

    name = "webhooks"
    package = "rapport_chassis"
    reads: ClassVar = {
        WebhookRegistered: Registered,
        WebhookSecretRotated: Rotated,
        WebhookDisabled: Disabled,
        WebhookEnabled: Named,
        WebhookRewound: Rewound,
        WebhookRemoved: Named,
    }

    def __init__(self, service: str, rebuild: int = 1) -> None:
        """Name the service: webhooks of others are told in their ledgers by the same events."""
        super().__init__(rebuild)
        self._service = service

    def again(self, rebuild: int) -> Self:
        """Return the same view over the tables of another rebuild."""
        return type(self)(self._service, rebuild)

    @property
    def sources(self) -> tuple[str, ...]:
        """Its own ledger alone."""
        return (self._service,)

    def keys(self, batch: Batch) -> list[Key]:
        """Name the webhooks of the batch."""
        return list({_key(fact) for fact in batch})

    async def load(self, connection: Connection, keys: list[Key]) -> State:
        """Read them."""
        tenants, ids = [tenant for tenant, _ in keys], [webhook_id for _, webhook_id in keys]
        rows = await connection.fetch(self.sql("webhooks/load"), tenants, ids)
        return {_key_of(endpoint): endpoint for endpoint in map(endpoint_of, map(tuple, rows))}

    def fold(self, state: State, batch: Batch) -> State:
        """Change them, one fact after another."""
        for fact in batch:
            state[_key(fact)] = _changed(state.get(_key(fact)), fact)
        return state

    async def write(self, connection: Connection, state: State) -> None:
        """Store those that are, and delete those that are not any more."""
        there = [endpoint for endpoint in state.values() if endpoint is not None]
        gone = [key for key, endpoint in state.items() if endpoint is None]
        if there:
            await connection.execute(self.sql("webhooks/store"), _to_json(there))
        if gone:
            await connection.execute(self.sql("webhooks/remove"), *map(list, zip(*gone, strict=True)))


def _key(fact: Fact) -> Key:
    webhook_id: UUID = fact.event.webhook_id
    return (fact.tenant, webhook_id)


def _key_of(endpoint: Endpoint) -> Key:
    return (endpoint.tenant, endpoint.webhook_id)


def _changed(endpoint: Endpoint | None, fact: Fact) -> Endpoint | None:
    event = fact.event
    if isinstance(event, Registered):
        return Endpoint(
            tenant=fact.tenant,
            webhook_id=event.webhook_id,
            address=event.address,
            types=tuple(event.types),
            is_open=event.is_open,
            secret_version=1,
            former_until=None,
            state="active",
            since=event.since or fact.recorded_at,
            rewinds=0,
            restarts=0,
            registered_at=fact.recorded_at,
        )
    if endpoint is None:
        return None
    match event:
        case Rotated():
            return replace(endpoint, secret_version=event.secret_version, former_until=event.former_until)
        case Disabled():
            return replace(endpoint, state=event.reason)
        case Rewound():
            return replace(endpoint, since=event.since, rewinds=endpoint.rewinds + 1)
        case _ if fact.type.startswith("crm.webhook.enabled."):
            return replace(endpoint, state="active", restarts=endpoint.restarts + 1)
        case _:
            return None


def _to_json(endpoints: list[Endpoint]) -> str:
    rows = [
        dict(zip(COLUMNS, (endpoint.tenant, *(getattr(endpoint, name) for name in COLUMNS[1:])), strict=True))
        for endpoint in endpoints
    ]
    return msgspec.json.encode(rows).decode()
