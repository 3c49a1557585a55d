"""Carries erasures through: keys are destroyed, nobody can hold one any more, only then the erasure is completed."""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import structlog

from rapport_chassis.chores import Aid
from rapport_events.certificates import CERTIFIED, certificate_hash
from rapport_events.codec import encode, key_ids, schema_of, sealed_values
from rapport_events.contracts.privacy import Held, PrivacyErasureCompleted
from rapport_events.database import Pool
from rapport_events.envelope import Meta, Recorded
from rapport_events.faults import is_away
from rapport_events.ids import CustomerId, EventId, TenantId, new_id, partition_of_customer
from rapport_events.keyring import Keyring, Tombstone
from rapport_events.ledger import ANY, Append, Claim, ClaimRef, Ledger, NewEvent, StreamAppend
from rapport_events.statements import load

log = structlog.get_logger()

LOOK_SECONDS: Final = 1.0
AT_ONCE: Final = 100
PAGE: Final = 1_000
ACTOR: Final = "erasure"


class KeyLeft(Exception):
    """A value of an erased person still opens, though its key was destroyed: the keyring is not what it should be."""


@dataclass(frozen=True, slots=True)
class Wish:
    """An erasure that is not completed."""

    tenant: TenantId
    request_id: UUID
    customers: tuple[CustomerId, ...]
    event_id: UUID
    correlation_id: str
    recorded_at: datetime


async def erase(aid: Aid) -> None:
    """Carry erasures through until cancelled; the chore of contacts in the role `effects`."""
    if aid.eraser is None:
        # Nothing is lost: requests stay open until somebody may destroy keys here.
        log.warning("no_keyring_eraser", outcome="erasures_wait")
        await asyncio.Event().wait()
        return
    erasing = Erasing(aid.ledger, aid.pool, aid.eraser, wait_seconds=aid.wait_seconds)
    while True:
        try:
            await erasing.go_on()
        except Exception as error:
            if not is_away(error):
                raise
            log.warning("erasures_wait", error=type(error).__name__)
        await asyncio.sleep(LOOK_SECONDS)


class Erasing:
    """
    Takes each erasure one step further; a process that is killed between two steps is followed by any other.

    What was requested and what is completed stands in the ledger, which keys are destroyed in the keyring, and what was
    there before in a table; nothing is remembered here.
    """

    def __init__(self, ledger: Ledger, pool: Pool, keyring: Keyring, *, wait_seconds: float) -> None:
        """
        Take what it works with.

        Args:
            pool: As keeper.
            keyring: That may destroy.
            wait_seconds: How long after its destruction some process can still hold a key, or write what it opened.
        """
        self._ledger = ledger
        self._pool = pool
        self._keyring = keyring
        self._wait_seconds = wait_seconds

    async def go_on(self) -> int:
        """Take every open erasure a step further; return how many were completed."""
        rows = await self._pool.fetch(load("rapport_contacts", "erasing/open"), AT_ONCE)
        completed = 0
        for row in rows:
            # The driver's UUIDs are a class of their own, which JSON does not know.
            customers = tuple(CustomerId(UUID(bytes=customer.bytes)) for customer in row["customer_ids"])
            request_id = UUID(bytes=row["request_id"].bytes)
            cause = (row["event_id"], row["correlation_id"], row["recorded_at"])
            completed += await self._step(Wish(TenantId(row["tenant_id"]), request_id, customers, *cause))
        return completed

    async def _step(self, wish: Wish) -> bool:
        left = await self._keyring.tombstones(wish.tenant, wish.customers)
        if len(left) < len(set(wish.customers)):
            events, sealed, _ = await self._count(wish)
            counts = (wish.tenant, wish.request_id, events, sealed)
            await self._pool.execute(load("rapport_contacts", "erasing/keep_counts"), *counts)
            await self._keyring.destroy(wish.tenant, wish.customers)
            log.info("keys_destroyed", tenant=wish.tenant, count=len(wish.customers))
            return False
        if min(tombstone.age_seconds for tombstone in left.values()) < self._wait_seconds:
            return False
        await self._complete(wish, left)
        return True

    async def _complete(self, wish: Wish, left: dict[CustomerId, Tombstone]) -> None:
        events, _, readable = await self._count(wish)
        if readable:
            msg = f"{readable} values of erasure {wish.request_id} still open"
            raise KeyLeft(msg)
        noted = await self._pool.fetchrow(load("rapport_contacts", "erasing/counts"), wish.tenant, wish.request_id)
        before = Held(events=noted["events"], values=noted["sealed"]) if noted else Held(events=events, values=0)
        completed = _completed(wish, left, before, Held(events=events, values=0))
        await self._ledger.append(wish.tenant, [_to_append(wish, completed)])
        log.info("erasure_completed", tenant=wish.tenant, count=len(wish.customers))

    async def _count(self, wish: Wish) -> tuple[int, int, int]:
        """Count the events about the person, the personal values in them, and those that can be opened."""
        events = sealed = readable = 0
        async for page in self._read(wish):
            events += len(page)
            sealed += sum(len(sealed_values(event.data)) for event in page)
            wanted = set[str]().union(*(key_ids(event.data) for event in page))
            opened = await self._keyring.open_keys(wish.tenant, wanted) if wanted else {}
            readable += sum(key is not None for key in opened.values())
        return events, sealed, readable

    async def _read(self, wish: Wish) -> AsyncIterator[Sequence[Recorded]]:
        """Yield all events about the person that contacts holds, page by page."""
        by_partition: defaultdict[int, list[str]] = defaultdict(list)
        for customer in wish.customers:
            by_partition[partition_of_customer(wish.tenant, customer)].append(str(customer))
        for partition, subjects in by_partition.items():
            after = 0
            while page := await self._ledger.read_about(wish.tenant, subjects, partition, after=after, limit=PAGE):
                yield page
                after = page[-1].position


def _completed(wish: Wish, left: dict[CustomerId, Tombstone], before: Held, after: Held) -> PrivacyErasureCompleted:
    """Make the certificate; its hash binds everything else in it."""
    draft = PrivacyErasureCompleted(
        request_id=wish.request_id,
        customer_ids=tuple(sorted(wish.customers)),
        erased_at=max(tombstone.at for tombstone in left.values()),
        key_ids=tuple(sorted(tombstone.key_id for tombstone in left.values() if tombstone.key_id)),
        before=before,
        after=after,
        certificate_hash="0" * 64,
    )
    members = draft.model_dump(mode="json", include=set(CERTIFIED))
    return draft.model_copy(update={"certificate_hash": certificate_hash(wish.tenant, members)})


def _to_append(wish: Wish, completed: PrivacyErasureCompleted) -> Append:
    """Make one append for all ids; its claim makes it happen once, whoever else is at work."""
    claim = ClaimRef("erasure", hashlib.sha256(wish.request_id.bytes).digest()[:16])
    streams: list[StreamAppend] = []
    claims: tuple[Claim, ...] = ()
    for customer in wish.customers:
        event_id, stream = EventId(new_id()), f"customer-{customer}"
        meta = Meta(actor=ACTOR, correlation_id=wish.correlation_id, causation_id=str(wish.event_id))
        if not claims:
            claims = (Claim(claim, stream, event_id),)
            meta = Meta(meta.actor, meta.correlation_id, meta.causation_id, claims=(f"erasure:{claim.digest.hex()}",))
        event = NewEvent(
            event_id=event_id,
            type=completed.type,
            schema=schema_of(PrivacyErasureCompleted),
            subject=str(customer),
            data=encode(completed, tenant=wish.tenant, event_id=event_id, key=None),
            meta=meta.to_json(),
            occurred_at=datetime.now(UTC),
            caused_at=wish.recorded_at,
        )
        streams.append(StreamAppend(stream, partition_of_customer(wish.tenant, customer), ANY, (event,)))
    return Append(tuple(streams), None, claims)
