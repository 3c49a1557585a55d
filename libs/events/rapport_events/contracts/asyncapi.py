"""The AsyncAPI document of a service: its topic, and every event on it with headers, schema and meaning."""

from inspect import getdoc
from typing import Final, cast

from rapport_events.contracts.base import Event, JsonSchema
from rapport_events.contracts.schemas import json_schema_of
from rapport_events.envelope import topic_of
from rapport_events.ids import PARTITIONS
from rapport_events.vocabulary import RELEASED, schema_of, type_of

_TEXT: Final = {"type": "string"}
_NUMBER: Final = {"type": "string", "pattern": "^[0-9]+$"}
_TIME: Final = {"type": "string", "format": "date-time"}
HEADERS: Final[dict[str, JsonSchema]] = {
    "ce_specversion": {"const": "1.0", "description": "Version of CloudEvents."},
    "ce_id": {"type": "string", "format": "uuid", "description": "UUIDv7; with ce_source it is unique."},
    "ce_source": {**_TEXT, "description": "`/crm/<service>`."},
    "ce_type": {**_TEXT, "description": "`crm.<noun>.<past tense>.v<major>`; look at it before parsing anything."},
    "ce_subject": {**_TEXT, "description": "Customer id; for configuration the tenant; for jobs the job."},
    "ce_time": {**_TIME, "description": "When it happened, UTC."},
    "ce_recordedtime": {**_TIME, "description": "When we learned of it; it never runs backwards in a partition."},
    "ce_dataschema": {**_TEXT, "description": "`urn:rapport:<type>:<full version>`."},
    "ce_partitionkey": {**_TEXT, "description": "`tenant:subject`, as the record's key."},
    "ce_era": {**_NUMBER, "description": "Era of the ledger."},
    "ce_position": {
        **_NUMBER,
        "description": "Number in its partition, without gaps. Take exactly the next number: drop what is at or below "
        "it as a repeat, pass over what is above; the missing one comes later in the topic, with all that follows it.",
    },
    "ce_stream": {**_TEXT, "description": "`<noun>-<uuid>`: the thing whose history this is a part of."},
    "ce_streamversion": {**_NUMBER, "description": "Number of the event in its stream."},
    "ce_tenantid": {**_TEXT, "description": "Whose event it is."},
    "ce_actor": {**_TEXT, "description": "Opaque id of who caused it."},
    "ce_correlationid": {**_TEXT, "description": "The same for all that followed from one wish."},
    "ce_causationid": {**_TEXT, "description": "Id of the event that led to this one."},
    "ce_traceparent": {**_TEXT, "description": "W3C trace context."},
    "ce_claims": {**_TEXT, "description": "Digests of outside names, `<kind>:<hex>`, separated by commas."},
    "ce_commandkey": {**_TEXT, "description": "Digests of the command's idempotency key and body."},
    "content-type": {"const": "application/json"},
}
_OPTIONAL: Final = {"ce_causationid", "ce_traceparent", "ce_claims", "ce_commandkey"}


def document(service: str) -> JsonSchema:
    """Return the AsyncAPI 3.0 document of the topic that a service fills."""
    topic = topic_of(service)
    events = sorted(RELEASED.published[service], key=type_of)
    names = [type_of(event) for event in events]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": f"Rapport {service}",
            "version": "1",
            "description": f"The facts of {service}, as CloudEvents 1.0 in Kafka's binary mode. A later era of the "
            f"ledger has a topic of its own, `{topic_of(service, 2)}` and so on.",
        },
        "defaultContentType": "application/json",
        "channels": {
            service: {
                "address": topic,
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
                "bindings": {
                    "kafka": {
                        "topic": topic,
                        "partitions": PARTITIONS,
                        "topicConfiguration": {"cleanup.policy": ["delete"], "retention.ms": -1},
                    }
                },
            }
        },
        "operations": {service: {"action": "send", "channel": {"$ref": f"#/channels/{service}"}}},
        "components": {
            "messages": {name: _message(event) for name, event in zip(names, events, strict=True)},
            "schemas": {
                "envelope": {
                    "type": "object",
                    "required": [name for name in HEADERS if name not in _OPTIONAL],
                    "properties": HEADERS,
                }
            },
        },
    }


def _message(event: type[Event]) -> JsonSchema:
    name = type_of(event)
    described = (getdoc(event) or name).strip()
    return {
        "name": name,
        "title": event.__name__,
        "summary": described.splitlines()[0],
        "description": f"{described}\n\nSchema version {schema_of(event)}.",
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/envelope"},
        "bindings": {"kafka": {"key": {**_TEXT, "description": "`tenant:subject`."}}},
        "payload": _moved(json_schema_of(event), f"#/components/messages/{name}/payload"),
    }


def _moved(schema: object, place: str) -> JsonSchema:
    """Return a schema whose inner references begin where the schema lies in the document."""
    return cast("JsonSchema", _rewritten(schema, place))


def _rewritten(part: object, place: str) -> object:
    match part:
        case dict():
            members = cast("dict[str, object]", part)
            return {
                name: f"{place}{str(value)[1:]}" if name == "$ref" else _rewritten(value, place)
                for name, value in members.items()
            }
        case list():
            return [_rewritten(item, place) for item in cast("list[object]", part)]
        case _:
            return part
