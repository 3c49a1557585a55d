"""Seal one personal value under its person's key, and open it again in the same place only."""

import os
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from rapport_events.ids import EventId, TenantId
from rapport_events.keyring import SealKey

_NONCE_BYTES = 12
# Key id of 16 bytes, nonce of 12, ciphertext with its tag of 16 at the end.
_SEALED = re.compile(r"s1\.([\w-]{22})\.([\w-]{16})\.([\w-]{22,})", re.ASCII)


class BrokenSeal(ValueError):
    """The value was changed, or it was sealed for another tenant, event or place, or with another key."""


def seal(plain: bytes, key: SealKey, *, tenant: TenantId, event_id: EventId, pointer: str) -> str:
    """
    Seal a value: `s1.<key id>.<nonce>.<ciphertext>`, AES-256-GCM, base64url without padding.

    Args:
        plain: Its length can be told from the sealed text.
        key: The key of the person whom the value is about.
        pointer: JSON Pointer (RFC 6901) of the value within the event's `data`.
    """
    nonce = os.urandom(_NONCE_BYTES)
    ciphertext = AESGCM(key.key).encrypt(nonce, plain, _place(tenant, event_id, pointer))
    return f"s1.{key.key_id}.{_to_text(nonce)}.{_to_text(ciphertext)}"


def unseal(text: str, key: bytes, *, tenant: TenantId, event_id: EventId, pointer: str) -> bytes:
    """
    Open a sealed value with the key of 32 bytes that `key_id_of` names.

    Raises:
        BrokenSeal: It is not exactly what `seal` made for this tenant, event and place.
    """
    _, nonce, ciphertext = _parts(text)
    try:
        return AESGCM(key).decrypt(_to_bytes(nonce), _to_bytes(ciphertext), _place(tenant, event_id, pointer))
    except InvalidTag as error:
        raise BrokenSeal(f"the value at {pointer} of event {event_id} does not open") from error


def key_id_of(text: str) -> str:
    """
    Return the id of the key that a value is sealed with.

    Raises:
        BrokenSeal: It is no sealed value.
    """
    return _parts(text)[0]


def _parts(text: str) -> tuple[str, str, str]:
    found = _SEALED.fullmatch(text)
    # A rest of one character carries less than a byte: no encoder ever writes it.
    if found is None or len(found[3]) % 4 == 1:
        raise BrokenSeal("this is no sealed value of the form s1.<key id>.<nonce>.<ciphertext>")
    return found[1], found[2], found[3]


def _place(tenant: TenantId, event_id: EventId, pointer: str) -> bytes:
    """Return the associated data; the tenant stands behind its length, so that no two places agree."""
    name = tenant.encode()
    return b"s1" + event_id.bytes + len(name).to_bytes(4) + name + pointer.encode()


def _to_text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _to_bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
