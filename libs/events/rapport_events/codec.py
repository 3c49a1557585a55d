"""Events to and from bytes: personal values are sealed on the way out, and opened on the way in by their keys."""

from collections.abc import Mapping
from decimal import Decimal
from typing import cast

import msgspec
import orjson
from pydantic import JsonValue

from rapport_events.contracts.base import REDACTED, Event, Pii, Redacted, Sealed
from rapport_events.envelope import Recorded
from rapport_events.ids import EventId, TenantId
from rapport_events.keyring import Erased, SealKey
from rapport_events.narrow import narrow_decoder
from rapport_events.sealing import key_id_of, seal, unseal
from rapport_events.upcasts import Data
from rapport_events.vocabulary import EVENTS, RELEASED, UnknownMajor, Vocabulary, schema_of, type_of

__all__ = [
    "EVENTS",
    "UnknownMajor",
    "UnknownType",
    "class_of",
    "decode",
    "encode",
    "is_known",
    "key_ids",
    "narrow_decoder",
    "open_text",
    "pii_of",
    "published_by",
    "schema_of",
    "sealed_values",
    "source_of",
    "type_of",
    "types_of",
]

Keys = Mapping[str, bytes | None]
"""Opened keys by key id; None where the key was destroyed."""

class_of = RELEASED.class_of
is_known = RELEASED.is_known
source_of = RELEASED.source_of
types_of = RELEASED.types_of

_WITHOUT = {"type", "pii"}


class UnknownType(ValueError):
    """The type is not in the vocabulary; readers pass over such records by their header."""

    def __init__(self, type_name: str) -> None:
        super().__init__(f"{type_name} is not known")
        self.type = type_name


class _PersonalPart(msgspec.Struct, gc=False):
    pii: dict[str, str] = {}


_personal_part = msgspec.json.Decoder(_PersonalPart)


def published_by(service: str) -> tuple[type[Event], ...]:
    """Return the events that a service publishes."""
    return RELEASED.published[service]


def encode(event: Event, *, tenant: TenantId, event_id: EventId, key: SealKey | Erased | None) -> bytes:
    """
    Return the data of an event as they are kept for ever: JSON, without `type`, without members that have no value.

    Args:
        key: That of the event's subject: each member of `pii` is sealed with it. `Erased`: they are left redacted.

    Raises:
        ValueError: There are personal values and no key, or one of them is sealed already.
    """
    body = event.model_dump_json(exclude=_WITHOUT, exclude_none=True).encode()
    if b"E-" in body or b"E+" in body:
        # A very small or round amount may stand in it as 1E-7 or 1E+2, which not every reader of JSON takes.
        body = _without_exponents(event)
    pii = pii_of(event)
    if pii is None:
        return body
    sealed = _seal_all(pii, tenant, event_id, key)
    if not sealed:
        return body
    return b'%s%s"pii":%s}' % (body[:-1], b"," if len(body) > len(b"{}") else b"", orjson.dumps(sealed))


def pii_of(event: Event) -> Pii | None:
    """Return the personal part of an event; to ask pydantic for a member that is not there costs twenty times this."""
    pii: Pii | None = event.__dict__.get("pii")
    return pii


def _without_exponents(event: Event) -> bytes:
    plain = event.model_dump(exclude=_WITHOUT, exclude_none=True)
    return orjson.dumps(plain, _in_full, orjson.OPT_UTC_Z)


def _in_full(value: object) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    msg = f"{type(value).__name__} does not occur in events"
    raise TypeError(msg)


def _seal_all(pii: Pii, tenant: TenantId, event_id: EventId, key: SealKey | Erased | None) -> dict[str, str]:
    sealed: dict[str, str] = {}
    plain: dict[str, object] = pii.model_dump(mode="json", exclude_none=True)
    for name, value in plain.items():
        member: object = getattr(pii, name)
        if isinstance(member, Sealed):
            msg = f"pii.{name} is sealed already, for another place; open it first"
            raise ValueError(msg)  # noqa: TRY004 (a wrong state of the value, not a wrong type)
        if isinstance(member, Redacted) or isinstance(key, Erased):
            sealed[name] = REDACTED.text
        elif key is None:
            msg = f"pii.{name} has no key to be sealed with"
            raise ValueError(msg)
        else:
            pointer = f"/pii/{name}"
            sealed[name] = seal(orjson.dumps(value), key, tenant=tenant, event_id=event_id, pointer=pointer)
    return sealed


def decode(recorded: Recorded, keys: Keys | None = None, vocabulary: Vocabulary = RELEASED) -> Event:
    """
    Return the event that was recorded, in the current major of its type.

    Args:
        keys: A member of `pii` is opened where its key is given, `Redacted` where the key is None, else `Sealed`.

    Raises:
        UnknownType, UnknownMajor: Only `class_of` its type can be decoded.
        ValueError, msgspec.ValidationError: The data are no JSON, or not what the contract says.
        BrokenSeal: A sealed value was changed, or stands in another place than it was sealed for.
    """
    event = vocabulary.class_of(recorded.type)
    if event is None:
        raise UnknownType(recorded.type)
    read: object = orjson.loads(recorded.data)
    if not isinstance(read, dict):
        msg = f"the data of {recorded.type} are no object"
        raise ValueError(msg)  # noqa: TRY004 (a broken record, not a wrong argument)
    data = vocabulary.upcasts.apply(recorded.type, recorded.schema, cast("Data", read))
    if "pii" in data:
        data["pii"] = _open_all(recorded, keys or {})
    return event.model_validate(data)


def _open_all(recorded: Recorded, keys: Keys) -> dict[str, JsonValue | Redacted | Sealed]:
    tenant, event_id = recorded.tenant, recorded.event_id
    return {
        name: open_text(text, keys, tenant=tenant, event_id=event_id, pointer=f"/pii/{name}")
        for name, text in _personal_part.decode(recorded.data).pii.items()
    }


def open_text(
    text: str, keys: Keys, *, tenant: TenantId, event_id: EventId, pointer: str
) -> JsonValue | Redacted | Sealed:
    """
    Return what a sealed string holds; `Redacted` where its key is destroyed, `Sealed` where none is given.

    Args:
        pointer: The place in the event that it was sealed for, for example `/pii/names`.
    """
    if text == REDACTED.text:
        return REDACTED
    key_id = key_id_of(text)
    if key_id not in keys:
        return Sealed(text)
    key = keys[key_id]
    if key is None:
        return REDACTED
    plain: JsonValue = orjson.loads(unseal(text, key, tenant=tenant, event_id=event_id, pointer=pointer))
    return plain


def key_ids(data: bytes) -> set[str]:
    """Return the ids of the keys that the personal values of an event are sealed with."""
    return {key_id_of(text) for text in sealed_values(data).values()}


def sealed_values(data: bytes) -> dict[str, str]:
    """Return the personal values of an event that are sealed, by the names of their members."""
    if b'"pii"' not in data:
        return {}
    return {name: text for name, text in _personal_part.decode(data).pii.items() if text != REDACTED.text}
