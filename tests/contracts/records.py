"""Events as a ledger holds them: Ann's, of tenant acme, sealed with her key."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from rapport_events.codec import encode, schema_of, type_of
from rapport_events.contracts.base import Event
from rapport_events.envelope import Meta, Recorded
from rapport_events.ids import EventId, TenantId
from rapport_events.keyring import SealKey

ACME = TenantId("acme")
ANN = UUID("0190f3b2-7c00-8000-8000-000000000001")
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
EVENT_ID = EventId(UUID("0190f3b2-7c00-7000-8000-00000000e001"))
ANNS_KEY = SealKey(key_id="A" * 22, key=b"a" * 32)
BOBS_KEY = SealKey(key_id="B" * 22, key=b"b" * 32)
META = Meta(actor="agent-7", correlation_id="0190f3b2-7c00-7000-8000-00000000c001")


def recorded(event: Event, key: SealKey = ANNS_KEY) -> Recorded:
    """Return an event of Ann's as it stands in the ledger."""
    data = encode(event, tenant=ACME, event_id=EVENT_ID, key=key)
    return written(type_of(type(event)), schema_of(type(event)), data)


def written(type_name: str, schema: str, data: bytes) -> Recorded:
    """Return a row with these data, whoever wrote them."""
    return Recorded(
        source="contacts",
        era=1,
        partition=7,
        position=42,
        tenant=ACME,
        stream=f"customer-{ANN}",
        version=3,
        event_id=EVENT_ID,
        type=type_name,
        schema=schema,
        subject=str(ANN),
        data=data,
        meta=META,
        occurred_at=NOON,
        recorded_at=NOON + timedelta(microseconds=1),
    )
