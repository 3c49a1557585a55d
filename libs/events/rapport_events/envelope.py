"""A fact with its envelope: the same thing as a ledger row and as a CloudEvents 1.0 record."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import orjson

from rapport_events.ids import EventId, TenantId

Headers = list[tuple[str, bytes]]


class Meta(msgspec.Struct, frozen=True, gc=False):
    """Who caused an event, and why; and the digests from which claims and command rows can be made again."""

    actor: str
    correlation_id: str
    causation_id: str | None = None
    traceparent: str | None = None
    claims: tuple[str, ...] = ()
    """`<kind>:<digest as hex>` each."""
    command_key: str | None = None
    """`<digest as hex>.<fingerprint as hex>` of the command's idempotency key."""

    def to_json(self) -> str:
        """Return the text of the column `meta`; members without a value are left out."""
        members = {
            "actor": self.actor,
            "correlation": self.correlation_id,
            "causation": self.causation_id,
            "trace": self.traceparent,
            "claims": self.claims,
            "key": self.command_key,
        }
        return orjson.dumps({name: value for name, value in members.items() if value}).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> "Meta":
        """Read the column `meta`."""
        members = orjson.loads(text)
        return cls(
            actor=members["actor"],
            correlation_id=members["correlation"],
            causation_id=members.get("causation"),
            traceparent=members.get("trace"),
            claims=tuple(members.get("claims", ())),
            command_key=members.get("key"),
        )


@dataclass(frozen=True, slots=True)
class Recorded:
    """One event as a ledger holds it. `data` is exactly the bytes that Kafka gets."""

    source: str
    """The service that published it, for example `contacts`."""
    era: int
    partition: int
    position: int
    tenant: TenantId
    stream: str
    version: int
    event_id: EventId
    type: str
    schema: str
    """Full version of the schema, for example `1.0`."""
    subject: str
    data: bytes
    meta: Meta
    occurred_at: datetime
    recorded_at: datetime

    @property
    def order(self) -> tuple[datetime, str, int, int]:
        """The one order of the whole suite."""
        return (self.recorded_at, self.source, self.partition, self.position)


def topic_of(service: str, era: int = 1, prefix: str = "crm") -> str:
    """Return the topic of a ledger: its name fences off requests from before an era."""
    return f"{prefix}.{service}" if era == 1 else f"{prefix}.{service}.e{era}"


def era_of_topic(topic: str, service: str, prefix: str = "crm") -> int | None:
    """Return the era of a ledger that a topic's name stands for; None where it is the name of something else."""
    first = topic_of(service, 1, prefix)
    if topic == first:
        return 1
    number = topic.removeprefix(f"{first}.e")
    if not number.isdecimal() or topic != topic_of(service, int(number), prefix):
        return None
    return int(number)


def key_of(event: Recorded) -> bytes:
    """Return the record key `tenant:subject`."""
    return f"{event.tenant}:{event.subject}".encode()


def to_headers(event: Recorded) -> Headers:
    """Return the CloudEvents attributes of an event in Kafka's binary mode, UTF-8."""
    meta = event.meta
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(event.event_id).encode()),
        ("ce_source", f"/crm/{event.source}".encode()),
        ("ce_type", event.type.encode()),
        ("ce_subject", event.subject.encode()),
        ("ce_time", _text(event.occurred_at)),
        ("ce_recordedtime", _text(event.recorded_at)),
        ("ce_dataschema", f"urn:rapport:{event.type}:{event.schema}".encode()),
        ("ce_partitionkey", key_of(event)),
        ("ce_era", b"%d" % event.era),
        ("ce_position", b"%d" % event.position),
        ("ce_stream", event.stream.encode()),
        ("ce_streamversion", b"%d" % event.version),
        ("ce_tenantid", event.tenant.encode()),
        ("ce_actor", meta.actor.encode()),
        ("ce_correlationid", meta.correlation_id.encode()),
        ("content-type", b"application/json"),
    ]
    if meta.causation_id:
        headers.append(("ce_causationid", meta.causation_id.encode()))
    if meta.traceparent:
        headers.append(("ce_traceparent", meta.traceparent.encode()))
    if meta.claims:
        headers.append(("ce_claims", ",".join(meta.claims).encode()))
    if meta.command_key:
        headers.append(("ce_commandkey", meta.command_key.encode()))
    return headers


def from_headers(headers: Iterable[tuple[str, bytes]], *, partition: int, value: bytes) -> Recorded:
    """
    Read a record back into the event that it carries.

    Raises:
        KeyError: A required attribute is missing.
        ValueError: An attribute is not what it must be (a number, a UUID, a time, UTF-8).
    """
    found = dict(headers)

    def text(name: str) -> str | None:
        raw = found.get(name)
        return raw.decode() if raw is not None else None

    claims = text("ce_claims")
    return Recorded(
        source=found["ce_source"].decode().rpartition("/")[2],
        era=int(found["ce_era"]),
        partition=partition,
        position=int(found["ce_position"]),
        tenant=TenantId(found["ce_tenantid"].decode()),
        stream=found["ce_stream"].decode(),
        version=int(found["ce_streamversion"]),
        event_id=EventId(UUID(found["ce_id"].decode())),
        type=found["ce_type"].decode(),
        schema=found["ce_dataschema"].decode().rpartition(":")[2],
        subject=found["ce_subject"].decode(),
        data=value,
        meta=Meta(
            actor=found["ce_actor"].decode(),
            correlation_id=found["ce_correlationid"].decode(),
            causation_id=text("ce_causationid"),
            traceparent=text("ce_traceparent"),
            claims=tuple(claims.split(",")) if claims else (),
            command_key=text("ce_commandkey"),
        ),
        occurred_at=datetime.fromisoformat(found["ce_time"].decode()),
        recorded_at=datetime.fromisoformat(found["ce_recordedtime"].decode()),
    )


def _text(moment: datetime) -> bytes:
    # Much faster than strftime, and every record has two.
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:-6].encode() + b"Z"
