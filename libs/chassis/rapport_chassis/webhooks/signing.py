"""Sign what is delivered, as Standard Webhooks says; secrets are worked out when they are needed, and kept nowhere."""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Sequence
from uuid import UUID

from rapport_events.keyring import TenantKeys

PREFIX = "whsec_"


def secret_of(keys: TenantKeys, webhook: UUID, version: int) -> bytes:
    """Return one secret of a webhook (32 bytes): nobody without the tenant's key can work it out."""
    root = hmac.digest(keys.ident, b"webhook secrets", hashlib.sha256)
    return hmac.digest(root, webhook.bytes + version.to_bytes(4), hashlib.sha256)


def to_text(secret: bytes) -> str:
    """Return a secret as its receiver configures it."""
    return PREFIX + b64encode(secret).decode()


def headers_of(message_id: str, timestamp: int, body: bytes, secrets: Sequence[bytes]) -> dict[str, str]:
    """
    Return the headers by which a receiver knows that a delivery is ours, and new.

    Args:
        timestamp: Seconds since 1970, of this attempt.
        secrets: While one follows another, both: the receiver takes either signature.
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    signatures = [b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode() for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
