"""Sealed texts of read models, opened when they are read, as far as the caller may see them."""

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

from rapport_events.codec import open_text
from rapport_events.contracts.base import REDACTED, Redacted, Sealed
from rapport_events.ids import EventId, TenantId
from rapport_events.sealing import key_id_of

Keys = Mapping[str, bytes | None]
MASKED: Final = "masked"
NOT_SHOWN: Final = 'An erased text is shown as "redacted", a closed one as "masked".'


def key_ids_of(texts: Iterable[str | None]) -> set[str]:
    """Return the ids of the keys that texts are sealed with."""
    return {key_id_of(text) for text in texts if text is not None and text != REDACTED.text}


def text_of(text: str | None, pointer: str | None, event_id: UUID, tenant: TenantId, keys: Keys) -> str | None:
    """Return what is shown of a sealed text; None where there is none."""
    if text is None or pointer is None:
        return None
    opened = open_text(text, keys, tenant=tenant, event_id=EventId(event_id), pointer=pointer)
    if isinstance(opened, Redacted):
        return REDACTED.text
    return MASKED if isinstance(opened, Sealed) else str(opened)
