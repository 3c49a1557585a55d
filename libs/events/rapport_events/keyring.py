"""Keys of persons: who gives them, and what becomes of those whose person was erased."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from rapport_events.ids import CustomerId, TenantId


@dataclass(frozen=True, slots=True)
class TenantKeys:
    """What a tenant's stored key holds; never printed."""

    wrap: bytes
    """32 bytes; wraps the keys of the tenant's customers."""
    ident: bytes
    """32 bytes; makes ids and digests. It never changes: they would no longer be found."""

    def __repr__(self) -> str:
        return "TenantKeys(...)"


@dataclass(frozen=True, slots=True)
class SealKey:
    """A customer's key, with which personal values are sealed and opened; the key itself is never printed."""

    key_id: str
    """22 characters of base64url; stands in each sealed value."""
    key: bytes
    """32 bytes."""

    def __repr__(self) -> str:
        return f"SealKey({self.key_id!r}, ...)"


@dataclass(frozen=True, slots=True)
class Erased:
    """The customer's key was destroyed, and there will never be another."""

    at: datetime
    """When (UTC); the first time, if it was destroyed more than once."""


@dataclass(frozen=True, slots=True)
class Tombstone:
    """What is left of a customer's key."""

    key_id: str | None
    """None for a customer who never had one."""
    at: datetime
    """When it was destroyed (UTC)."""
    age_seconds: float
    """How long ago that was, by the keyring's own clock."""


class KeyringAway(Exception):
    """Keys cannot be had now: nothing personal can be written, and what is sealed stays sealed."""


class Keyring(Protocol):
    """
    Gives keys, many in one round trip; `PostgresKeyring` and `MemoryKeyring` pass the same contract tests.

    Every method raises `KeyringAway`, after a bounded wait, when the keyring does not answer.
    """

    async def tenant_keys(self, tenant: TenantId) -> TenantKeys:
        """Return the tenant's keys, made at the first call; kept for the life of the process."""
        ...

    async def seal_keys(
        self, tenant: TenantId, customers: Collection[CustomerId]
    ) -> dict[CustomerId, SealKey | Erased]:
        """Return for each customer the one key to seal with, made at the first call; the answer may be 20 s old."""
        ...

    async def open_keys(self, tenant: TenantId, key_ids: Collection[str]) -> dict[str, bytes | None]:
        """
        Return for each id the key to open with; the answer may be 20 s old.

        Returns:
            None for a key that was destroyed, or that this tenant never had. No key is ever made here.
        """
        ...

    async def erased_at(self, tenant: TenantId, customers: Collection[CustomerId]) -> dict[CustomerId, datetime]:
        """
        Say when customers were erased, so that facts which happened later go to the person's next id.

        Returns:
            Only the erased ones. That somebody is not erased may be 20 s old.
        """
        ...

    async def destroy(self, tenant: TenantId, customers: Collection[CustomerId]) -> None:
        """
        Destroy customers' keys for ever, also of those who never had one; repeating it changes nothing.

        Other processes may hold the keys for 20 s more.
        """
        ...

    async def tombstones(self, tenant: TenantId, customers: Collection[CustomerId]) -> dict[CustomerId, Tombstone]:
        """Say what is left of destroyed keys; the answer is never old, and only for those who may destroy."""
        ...
