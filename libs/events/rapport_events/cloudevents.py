"""An event as CloudEvents' JSON format has it: one object with all attributes and the data."""

from collections.abc import Mapping
from typing import cast

import orjson
import structlog

from rapport_events.codec import Keys, open_text
from rapport_events.contracts.base import Redacted, Sealed
from rapport_events.envelope import Recorded, key_of
from rapport_events.sealing import BrokenSeal

log = structlog.get_logger()

MEDIA_TYPE = "application/cloudevents+json"


def to_structured(event: Recorded, data: bytes | None = None) -> bytes:
    """
    Return an event as one JSON object, in one line.

    Args:
        data: Stand in for the event's own, for example those that `open_data` returns.
    """
    return orjson.dumps(attributes(event, data), default=str)


def attributes(event: Recorded, data: bytes | None = None) -> dict[str, object]:
    """Return the members of an event; those without a value are left out."""
    members: dict[str, object] = {
        "specversion": "1.0",
        "id": event.event_id,
        "source": f"/crm/{event.source}",
        "type": event.type,
        "subject": event.subject,
        "time": event.occurred_at,
        "recordedtime": event.recorded_at,
        "dataschema": f"urn:rapport:{event.type}:{event.schema}",
        "datacontenttype": "application/json",
        "partitionkey": key_of(event).decode(),
        "era": event.era,
        "partition": event.partition,
        "position": event.position,
        "stream": event.stream,
        "streamversion": event.version,
        "tenantid": event.tenant,
        "actor": event.meta.actor,
        "correlationid": event.meta.correlation_id,
        "causationid": event.meta.causation_id,
        "traceparent": event.meta.traceparent,
        "data": orjson.Fragment(event.data if data is None else data),
    }
    return {name: value for name, value in members.items() if value is not None}


def open_data(event: Recorded, keys: Keys) -> bytes:
    """Return an event's data with personal values open; null where a key was destroyed."""
    if b'"pii"' not in event.data:
        return event.data
    members: dict[str, object] = orjson.loads(event.data)
    personal = members.get("pii")
    if isinstance(personal, dict):
        texts = cast("Mapping[str, str]", personal)
        members["pii"] = {name: _opened(event, name, text, keys) for name, text in texts.items()}
    return orjson.dumps(members)


def _opened(event: Recorded, name: str, text: str, keys: Keys) -> object:
    try:
        found = open_text(text, keys, tenant=event.tenant, event_id=event.event_id, pointer=f"/pii/{name}")
    except BrokenSeal:
        # One value that was tampered with must not keep a subscriber from all that follows: it stays closed.
        log.exception("event_seal_broken", source=event.source, event_id=str(event.event_id))
        return text
    if isinstance(found, Redacted):
        return None
    return found.text if isinstance(found, Sealed) else found
