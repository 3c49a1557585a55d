"""Ids and digests that every service computes alike from outside names, and that tell nobody the name."""

import hmac
from uuid import UUID

from rapport_events.ids import CustomerId
from rapport_events.keyring import TenantKeys

_DIGEST_BYTES = 16


def customer_id(keys: TenantKeys, *, kind: str, system: str, value: str, n: int = 0) -> CustomerId:
    """
    Return the id of the customer who is first met under an outside name: UUIDv8 (RFC 9562) of an HMAC-SHA256.

    The text counts byte for byte: the caller brings names into one form before, e-mail addresses trimmed and in lower
    case.

    Args:
        kind: What sort of name, for example `email` or `external`.
        system: Where it is valid; empty where it is valid everywhere.
        n: 0, and one more for each time that the person came back after an erasure.
    """
    raw = int.from_bytes(_hmac(keys, b"customer", kind, system, value, str(n))[:16])
    return CustomerId(UUID(int=raw & ~(0xF << 76) & ~(0x3 << 62) | 0x8 << 76 | 0x2 << 62))


def digest(keys: TenantKeys, *parts: str) -> bytes:
    """Return 16 bytes that stand for these parts, in this order, within the tenant; bring them into one form before."""
    return _hmac(keys, b"digest", *parts)[:_DIGEST_BYTES]


def _hmac(keys: TenantKeys, purpose: bytes, *parts: str) -> bytes:
    """Authenticate the purpose and each part behind its length: ("ab", "c") and ("a", "bc") must not agree."""
    encoded = [purpose, *[part.encode() for part in parts]]
    message = b"".join([len(part).to_bytes(4) + part for part in encoded])
    return hmac.digest(keys.ident, message, "sha256")
