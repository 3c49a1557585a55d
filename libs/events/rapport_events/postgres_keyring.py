"""The keyring in PostgreSQL: keys are made, wrapped and opened here, so that the database never sees one."""

import os
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from typing import TypeVar

import asyncpg
import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from rapport_events.database import Pool, borrow
from rapport_events.faults import is_away
from rapport_events.fresh import Fresh
from rapport_events.ids import CustomerId, TenantId
from rapport_events.keyring import Erased, KeyringAway, SealKey, TenantKeys, Tombstone
from rapport_events.statements import load

T = TypeVar("T", CustomerId, str)

FRESH_SECONDS = 20
"""How long an opened key is used without asking again; an erasure is completed 30 s after the keys were destroyed."""
KEYS_MAX = 100_000
"""Opened keys in memory: so many to seal with (by customer, 50 MB), and so many to open with (by key id, 35 MB)."""
BATCH_MAX = 2_000
"""Keys in one round trip; wrapping or opening so many holds up other tasks for less than 10 ms."""
WAIT_SECONDS = 5.0
REWRITE_SECONDS = 60.0

_KEY_BYTES = 32
_NONCE_BYTES = 12

log = structlog.get_logger()


class KeyDamaged(Exception):
    """A customer's key does not open: the keyring was changed by somebody else, or restored wrongly."""


class PostgresKeyring:
    """Wrapped keys in a database, opened ones in memory for 20 s at most."""

    def __init__(
        self,
        pool: Pool,
        master_key: bytes,
        *,
        clock: Callable[[], float] = time.monotonic,
        keys_max: int = KEYS_MAX,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        """
        Take the pool and the key that wraps every tenant's key.

        Args:
            pool: Logged in as `rapport_keyring_app`, or as `rapport_keyring_eraser` in order to destroy.
            master_key: 32 bytes.
            clock: Seconds that never run backwards.
            wait_seconds: How long to wait for a connection, and then for an answer.
        """
        if len(master_key) != _KEY_BYTES:
            raise ValueError(f"the master key has {_KEY_BYTES} bytes")
        self._pool = pool
        self._master = AESGCM(master_key)
        self._clock = clock
        self._wait_seconds = wait_seconds
        self._tenants: dict[TenantId, TenantKeys] = {}
        # None: not erased, and no key was asked for.
        self._customers: Fresh[tuple[TenantId, CustomerId], SealKey | Erased | None]
        self._customers = Fresh(seconds=FRESH_SECONDS, entries_max=keys_max, clock=clock)
        self._opened: Fresh[tuple[TenantId, str], bytes | None]
        self._opened = Fresh(seconds=FRESH_SECONDS, entries_max=keys_max, clock=clock)

    async def tenant_keys(self, tenant: TenantId) -> TenantKeys:
        """See `Keyring.tenant_keys`."""
        known = self._tenants.get(tenant)
        if known is not None:
            return known
        place = b"tenant" + tenant.encode()
        candidate = _wrap(self._master, os.urandom(2 * _KEY_BYTES), place)
        rows = await self._fetch("tenant_key", tenant, candidate)
        try:
            opened = _unwrap(self._master, rows[0]["wrapped_key"], place)
        except InvalidTag as error:
            # Not a damaged key: as long as the wrong master key is set, nothing may be refused or set aside for good.
            raise KeyringAway(f"the master key does not open the key of tenant {tenant}") from error
        self._tenants[tenant] = TenantKeys(wrap=opened[:_KEY_BYTES], ident=opened[_KEY_BYTES:])
        return self._tenants[tenant]

    async def seal_keys(
        self, tenant: TenantId, customers: Collection[CustomerId]
    ) -> dict[CustomerId, SealKey | Erased]:
        """See `Keyring.seal_keys`."""
        fresh = self._customers.known([(tenant, customer) for customer in customers])
        answer = {customer: key for (_, customer), key in fresh.items() if key is not None}
        for batch in _batches(set(customers) - answer.keys()):
            answer |= await self._fetch_seal_keys(tenant, batch)
        return answer

    async def _fetch_seal_keys(
        self, tenant: TenantId, customers: list[CustomerId]
    ) -> dict[CustomerId, SealKey | Erased]:
        cipher = AESGCM((await self.tenant_keys(tenant)).wrap)
        made = [SealKey(_new_key_id(), os.urandom(_KEY_BYTES)) for _ in customers]
        places = [_place(tenant, customer, key.key_id) for customer, key in zip(customers, made, strict=True)]
        candidates = [_wrap(cipher, key.key, place) for key, place in zip(made, places, strict=True)]
        asked_at = self._clock()
        rows = await self._fetch("seal_keys", tenant, customers, [key.key_id for key in made], candidates)
        answer: dict[CustomerId, SealKey | Erased] = {}
        for row in rows:
            customer = CustomerId(row["customer_id"])
            if row["erased_at"] is not None:
                answer[customer] = Erased(row["erased_at"])
            else:
                key = _open(cipher, tenant, customer, row["key_id"], row["wrapped_key"])
                answer[customer] = SealKey(row["key_id"], key)
        self._customers.put({(tenant, customer): key for customer, key in answer.items()}, asked_at=asked_at)
        return answer

    async def open_keys(self, tenant: TenantId, key_ids: Collection[str]) -> dict[str, bytes | None]:
        """See `Keyring.open_keys`."""
        fresh = self._opened.known([(tenant, key_id) for key_id in key_ids])
        answer = {key_id: key for (_, key_id), key in fresh.items()}
        for batch in _batches(set(key_ids) - answer.keys()):
            answer |= await self._fetch_open_keys(tenant, batch)
        return answer

    async def _fetch_open_keys(self, tenant: TenantId, key_ids: list[str]) -> dict[str, bytes | None]:
        cipher = AESGCM((await self.tenant_keys(tenant)).wrap)
        asked_at = self._clock()
        rows = await self._fetch("open_keys", tenant, key_ids)
        if len(rows) < len(key_ids):
            # Nobody erased these: they were lost, or the values come from another suite.
            log.warning("keys_not_found", tenant=tenant, count=len(key_ids) - len(rows))
        answer: dict[str, bytes | None] = dict.fromkeys(key_ids)
        for row in rows:
            if row["wrapped_key"] is not None:
                key_id = row["key_id"]
                answer[key_id] = _open(cipher, tenant, CustomerId(row["customer_id"]), key_id, row["wrapped_key"])
        self._opened.put({(tenant, key_id): key for key_id, key in answer.items()}, asked_at=asked_at)
        return answer

    async def erased_at(self, tenant: TenantId, customers: Collection[CustomerId]) -> dict[CustomerId, datetime]:
        """See `Keyring.erased_at`."""
        fresh = self._customers.known([(tenant, customer) for customer in customers])
        answer = {customer: key.at for (_, customer), key in fresh.items() if isinstance(key, Erased)}
        for batch in _batches(set(customers) - {customer for _, customer in fresh}):
            asked_at = self._clock()
            rows = await self._fetch("erased_at", tenant, batch)
            found = {CustomerId(row["customer_id"]): row["erased_at"] for row in rows}
            states = {(tenant, customer): Erased(found[customer]) if customer in found else None for customer in batch}
            self._customers.put(states, asked_at=asked_at)
            answer |= found
        return answer

    async def destroy(self, tenant: TenantId, customers: Collection[CustomerId]) -> None:
        """See `Keyring.destroy`; when it raises, some of the keys may be destroyed already."""
        for batch in _batches(set(customers)):
            await self._fetch("destroy", tenant, batch)
        self._customers.clear()
        self._opened.clear()

    async def tombstones(self, tenant: TenantId, customers: Collection[CustomerId]) -> dict[CustomerId, Tombstone]:
        """See `Keyring.tombstones`."""
        answer: dict[CustomerId, Tombstone] = {}
        for batch in _batches(set(customers)):
            for row in await self._fetch("tombstones", tenant, batch):
                found = Tombstone(row["key_id"], row["erased_at"], row["age_seconds"])
                answer[CustomerId(row["customer_id"])] = found
        return answer

    async def rewrite(self) -> None:
        """
        Take what is left of destroyed (wrapped) keys out of the table's files, where VACUUM alone leaves it.

        Others wait meanwhile, 1 s for 300,000 keys: call it once a day, not at every erasure. The write-ahead log and
        backups hold the bytes until they expire.
        """
        await self._fetch("rewrite", timeout_seconds=REWRITE_SECONDS)

    async def _fetch(
        self, statement: str, *values: object, timeout_seconds: float | None = None
    ) -> list[asyncpg.Record]:
        """Ask in a transaction of its own: a key is stored for good before anything is sealed with it."""
        text = load("rapport_events", f"keyring/{statement}")
        try:
            async with borrow(self._pool, seconds=self._wait_seconds) as connection:
                return await connection.fetch(text, *values, timeout=timeout_seconds or self._wait_seconds)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            if not is_away(error):
                raise
            raise KeyringAway("the keyring does not answer") from error


def _new_key_id() -> str:
    return urlsafe_b64encode(os.urandom(16))[:22].decode()


def _batches(items: Collection[T]) -> Iterator[list[T]]:
    ordered = sorted(items)
    for start in range(0, len(ordered), BATCH_MAX):
        yield ordered[start : start + BATCH_MAX]


def _place(tenant: TenantId, customer: CustomerId, key_id: str) -> bytes:
    """Return the associated data of a wrapped key: it opens in its own row only. Fixed lengths first."""
    return b"customer" + customer.bytes + key_id.encode() + tenant.encode()


def _open(cipher: AESGCM, tenant: TenantId, customer: CustomerId, key_id: str, wrapped: bytes) -> bytes:
    try:
        return _unwrap(cipher, wrapped, _place(tenant, customer, key_id))
    except InvalidTag as error:
        raise KeyDamaged(f"key {key_id} of customer {customer} does not open") from error


def _wrap(cipher: AESGCM, key: bytes, place: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, key, place)


def _unwrap(cipher: AESGCM, wrapped: bytes, place: bytes) -> bytes:
    return cipher.decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], place)
