"""Requests for tests of ledgers, with as little said as the test needs."""

import hashlib
from datetime import UTC, datetime, timedelta

from rapport_events.envelope import Meta
from rapport_events.ids import EventId, TenantId, new_id, partition_of_key
from rapport_events.ledger import ANY, NONE, Append, Claim, ClaimRef, CommandKey, NewEvent, StreamAppend

TENANT = TenantId("acme")
OTHER_TENANT = TenantId("globex")
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
META = Meta(actor="ann", correlation_id="c-1").to_json()


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:16]


def subject_in(partition: int, tenant: TenantId = TENANT) -> str:
    """Return a customer id that lies in a partition."""
    return next(name for n in range(10_000) if partition_of_key(tenant, name := f"customer {n}") == partition)


def new_stream(partition: int = 0, noun: str = "purchase") -> str:
    return f"{noun}-{new_id(partition)}"


def event(subject: str, *, data: bytes = b'{"amount":"5.00"}', caused_at: datetime | None = None) -> NewEvent:
    return NewEvent(
        event_id=EventId(new_id()),
        type="crm.customer.purchased.v1",
        schema="1.0",
        subject=subject,
        data=data,
        meta=META,
        occurred_at=NOON,
        caused_at=caused_at,
    )


def to(
    stream: str | ClaimRef,
    partition: int = 0,
    *,
    expected: int = ANY,
    count: int = 1,
    ahead: timedelta | None = None,
    tenant: TenantId = TENANT,
) -> StreamAppend:
    """Append `count` events to a stream; `ahead` sets their cause so far into the future."""
    caused_at = datetime.now(UTC) + ahead if ahead is not None else None
    events = tuple(event(subject_in(partition, tenant), caused_at=caused_at) for _ in range(count))
    return StreamAppend(stream, partition, expected, events)


def beginning(partition: int = 0, *, count: int = 1, tenant: TenantId = TENANT) -> StreamAppend:
    """Begin a new stream."""
    return to(new_stream(partition), partition, expected=NONE, count=count, tenant=tenant)


def key(name: str, body: str = "body") -> CommandKey:
    return CommandKey(digest(name), digest(body))


def ref(name: str, kind: str = "purchase") -> ClaimRef:
    return ClaimRef(kind, digest(name))


def request(*streams: StreamAppend, key: CommandKey | None = None, facts: str = "", identities: str = "") -> Append:
    """Ask for an append with claims, named by words, on the last event of its first stream."""
    first = streams[0]
    name = first.stream if isinstance(first.stream, str) else ""
    claims = [
        Claim(ref(word), name, first.events[-1].event_id, is_fact=is_fact)
        for words, is_fact in ((facts, True), (identities, False))
        for word in words.split()
    ]
    return Append(streams, key, tuple(claims))
