"""Personal values as read models keep them: sealed, each with the event and the place that it was sealed for."""

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

import orjson
from pydantic import JsonValue

from rapport_events.codec import open_text
from rapport_events.contracts.base import REDACTED, Redacted, Sealed
from rapport_events.ids import EventId, TenantId
from rapport_events.sealing import key_id_of

Kept = tuple[str, str, str]
"""Event id, JSON Pointer, sealed text."""
Personal = dict[str, Kept]
"""Kept values by the names of their fields."""
Keys = Mapping[str, bytes | None]

CHANGED: Final = "/pii/new"
"""Where a change keeps the new values of all its fields together."""
MASKED: Final = "masked"
"""What is shown of a value that stays closed to this caller, or as long as the keyring is away."""


def personal_of(row: Mapping[str, object]) -> Personal:
    """Read the column `personal`."""
    return {name: (kept[0], kept[1], kept[2]) for name, kept in orjson.loads(str(row["personal"])).items()}


def key_ids_of(values: Iterable[Kept]) -> set[str]:
    """Return the ids of the keys that values are sealed with."""
    return {key_id_of(text) for _, _, text in values if text != REDACTED.text}


def open_kept(kept: Kept, field: str, tenant: TenantId, keys: Keys) -> JsonValue | Redacted | Sealed:
    """Open a field's value; None where the change that holds it unset the field."""
    event_id, pointer, text = kept
    opened = open_text(text, keys, tenant=tenant, event_id=EventId(UUID(event_id)), pointer=pointer)
    if pointer == CHANGED and not isinstance(opened, Redacted | Sealed):
        return opened.get(field) if isinstance(opened, dict) else None
    return opened


def shown(value: Redacted | Sealed) -> str:
    """Return what is shown in place of a value that was not opened."""
    return REDACTED.text if isinstance(value, Redacted) else MASKED
