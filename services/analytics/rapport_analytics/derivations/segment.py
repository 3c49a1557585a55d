"""Decides who is in which segment, and publishes who enters and who leaves, with the facts that say so."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from rapport_analytics.conditions import Known, Verdict, judge
from rapport_analytics.knowing import Root, add_sales, read_known
from rapport_analytics.segment_marks import SEGMENTS
from rapport_events.contracts.analytics import Condition, SegmentEntered, SegmentLeft
from rapport_events.database import Connection
from rapport_events.ids import CustomerId, EventId, TenantId, partition_of_customer, partition_of_stream
from rapport_events.ledger import Append
from rapport_events.parties import Party
from rapport_events.reactions import Cause, caused_append, reaction_claim
from rapport_events.statements import load
from rapport_events.vocabulary import type_of

_ENTERED = type_of(SegmentEntered)


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment in use."""

    segment_id: str
    version: int
    condition: Condition
    event_id: UUID
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Seat:
    """The place of one id in one segment; only the root of a party is ever a member."""

    tenant: TenantId
    party: Party
    member: UUID
    segment: Segment

    @property
    def root(self) -> Root:
        """Tenant and root."""
        return (self.tenant, self.party.root)

    @property
    def stream(self) -> str:
        """The stream of this membership: always the same for the same id and segment."""
        return membership(self.tenant, self.member, self.segment.segment_id)


def membership(tenant: TenantId, customer: UUID, segment_id: str) -> str:
    """Return the stream of a membership (its id is a UUIDv8 with the customer's partition)."""
    digest = hashlib.sha256(f"membership:{tenant}:{customer}:{segment_id}".encode()).digest()[:16]
    value = int.from_bytes(digest) & ~(0xF << 76) & ~(0x3 << 62) | 0x8 << 76 | 0x2 << 62
    return f"membership-{UUID(int=value & ~0xFF | partition_of_customer(tenant, CustomerId(customer)))}"


class SegmentDerivation:
    """Holds what is known of all ids of a party against each condition; a merged id is a member no more."""

    view = SEGMENTS

    async def derive(
        self, connection: Connection, parties: Sequence[tuple[TenantId, Party]]
    ) -> list[tuple[TenantId, Append]]:
        """Say who enters and who leaves."""
        segments = await _segments(connection, {tenant for tenant, _ in parties})
        concerned = [(tenant, party) for tenant, party in parties if tenant in segments]
        if not concerned:
            return []
        known, now = await read_known(connection, concerned), datetime.now(UTC)
        seats = [
            Seat(tenant, party, member, segment)
            for tenant, party in concerned
            for member in party.members
            for segment in segments[tenant]
        ]
        published = await _published(connection, seats)
        changed = [
            seat
            for seat in seats
            if _verdict(seat, known, now).holds != published.get((seat.tenant, seat.stream), (0, False))[1]
        ]
        await add_sales(connection, [(seat.tenant, seat.party) for seat in changed], known)
        return [(seat.tenant, _append(seat, _verdict(seat, known, now), known, published, now)) for seat in changed]


def _verdict(seat: Seat, known: Mapping[Root, Known], now: datetime) -> Verdict:
    """Say whether an id is to be a member; nobody is of whom nothing has happened."""
    if seat.member != seat.party.root or seat.root not in known or not known[seat.root].steps:
        return Verdict(holds=False)
    return judge(seat.segment.condition, known[seat.root], now)


async def _segments(connection: Connection, tenants: Collection[TenantId]) -> dict[TenantId, list[Segment]]:
    found: dict[TenantId, list[Segment]] = defaultdict(list)
    for row in await connection.fetch(load("rapport_analytics", "segments/active"), list(tenants)):
        condition = Condition.model_validate_json(row["condition"])
        segment = Segment(row["segment_id"], row["version"], condition, row["event_id"], row["recorded_at"])
        found[TenantId(row["tenant_id"])].append(segment)
    return found


async def _published(connection: Connection, seats: Sequence[Seat]) -> dict[tuple[TenantId, str], tuple[int, bool]]:
    """Read version and membership from the ledger itself: the view of memberships may lag behind."""
    tenants, streams = [seat.tenant for seat in seats], [seat.stream for seat in seats]
    partitions = [partition_of_stream(tenant, stream) for tenant, stream in zip(tenants, streams, strict=True)]
    rows = await connection.fetch(load("rapport_analytics", "segments/published"), tenants, streams, partitions)
    return {(TenantId(row["tenant_id"]), row["stream"]): (row["version"], row["type"] == _ENTERED) for row in rows}


def _append(
    seat: Seat,
    verdict: Verdict,
    known: Mapping[Root, Known],
    published: Mapping[tuple[TenantId, str], tuple[int, bool]],
    now: datetime,
) -> Append:
    """Make the event; the latest of its reasons is its cause, or the definition where there is none."""
    version = published.get((seat.tenant, seat.stream), (0, False))[0]
    event = (SegmentEntered if verdict.holds else SegmentLeft)(
        segment_id=seat.segment.segment_id,
        version=seat.segment.version,
        because=tuple(EventId(event_id) for event_id in verdict.because),
    )
    cause, recorded_at = seat.segment.event_id, seat.segment.recorded_at
    if verdict.because:
        cause = verdict.because[-1]
        recorded_at = max(recorded_at, known[seat.root].recorded[cause])
    return caused_append(
        seat.stream,
        [event],
        cause=Cause(seat.tenant, str(seat.member), str(cause), str(cause), now, recorded_at),
        actor="derivation:segment",
        claim=reaction_claim("segment", f"{seat.stream}:{version}", 0),
        expected=version,
    )
