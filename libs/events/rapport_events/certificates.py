"""The certificate of an erasure: what it says is bound by its hash, so that nobody can change it unnoticed."""

import hashlib
from collections.abc import Mapping

import orjson

from rapport_events.ids import TenantId

CERTIFIED = ("request_id", "customer_ids", "erased_at", "key_ids", "before", "after")
"""Members of `PrivacyErasureCompleted` that the hash binds, besides the tenant."""


def certificate_hash(tenant: TenantId, members: Mapping[str, object]) -> str:
    """
    Return the SHA-256 (hex) of a certificate.

    Args:
        members: As they stand in the event's data: ids and times as texts.
    """
    certified = {name: members[name] for name in CERTIFIED} | {"tenant": tenant}
    return hashlib.sha256(orjson.dumps(certified, option=orjson.OPT_SORT_KEYS)).hexdigest()
