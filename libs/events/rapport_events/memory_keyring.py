"""A keyring in memory, for tests and for trying things out."""

import os
from base64 import urlsafe_b64encode
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime

from rapport_events.ids import CustomerId, TenantId
from rapport_events.keyring import Erased, KeyringAway, SealKey, TenantKeys, Tombstone


def _now() -> datetime:
    return datetime.now(UTC)


class MemoryKeyring:
    """A keyring that forgets everything when the process ends."""

    def __init__(self, *, now: Callable[[], datetime] = _now, random: Callable[[int], bytes] = os.urandom) -> None:
        """Choose a clock, and where keys come from: the same keys make the same customer ids."""
        self.is_away = False
        """Whether every call raises `KeyringAway`."""
        self._random = random
        self._now = now
        self._tenants: dict[TenantId, TenantKeys] = {}
        self._customers: defaultdict[TenantId, dict[CustomerId, SealKey | Erased]] = defaultdict(dict)
        self._tombstones: defaultdict[TenantId, dict[CustomerId, Tombstone]] = defaultdict(dict)
        self._keys: defaultdict[TenantId, dict[str, bytes]] = defaultdict(dict)

    async def tenant_keys(self, tenant: TenantId) -> TenantKeys:
        """Return the tenant's keys, made at the first call."""
        self._answer()
        if tenant not in self._tenants:
            self._tenants[tenant] = TenantKeys(self._random(32), self._random(32))
        return self._tenants[tenant]

    async def seal_keys(
        self, tenant: TenantId, customers: Collection[CustomerId]
    ) -> dict[CustomerId, SealKey | Erased]:
        """Return for each customer the one key to seal with, made at the first call."""
        self._answer()
        known = self._customers[tenant]
        for customer in customers:
            if customer not in known:
                key = SealKey(urlsafe_b64encode(self._random(16))[:22].decode(), self._random(32))
                known[customer] = key
                self._keys[tenant][key.key_id] = key.key
        return {customer: known[customer] for customer in customers}

    async def open_keys(self, tenant: TenantId, key_ids: Collection[str]) -> dict[str, bytes | None]:
        """Return for each id the key to open with; None for a key that was destroyed or never was."""
        self._answer()
        return {key_id: self._keys[tenant].get(key_id) for key_id in key_ids}

    async def erased_at(self, tenant: TenantId, customers: Collection[CustomerId]) -> dict[CustomerId, datetime]:
        """Say when customers were erased; only the erased ones are in the answer."""
        self._answer()
        known = self._customers[tenant]
        found = {customer: known.get(customer) for customer in customers}
        return {customer: key.at for customer, key in found.items() if isinstance(key, Erased)}

    async def destroy(self, tenant: TenantId, customers: Collection[CustomerId]) -> None:
        """Destroy customers' keys for ever."""
        self._answer()
        known = self._customers[tenant]
        for customer in customers:
            key = known.get(customer)
            if isinstance(key, SealKey):
                del self._keys[tenant][key.key_id]
            if not isinstance(key, Erased):
                erased = Erased(self._now())
                known[customer] = erased
                key_id = key.key_id if isinstance(key, SealKey) else None
                self._tombstones[tenant][customer] = Tombstone(key_id, erased.at, 0)

    async def tombstones(self, tenant: TenantId, customers: Collection[CustomerId]) -> dict[CustomerId, Tombstone]:
        """Say what is left of destroyed keys."""
        self._answer()
        found = {customer: self._tombstones[tenant].get(customer) for customer in customers}
        return {
            customer: replace(left, age_seconds=(self._now() - left.at).total_seconds())
            for customer, left in found.items()
            if left is not None
        }

    def _answer(self) -> None:
        if self.is_away:
            raise KeyringAway("the keyring is away")
