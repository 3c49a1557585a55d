"""An issuer of tokens for tests, with its own keys."""

import json
import time
from collections.abc import Mapping

from joserfc import jwt
from joserfc.jwk import ECKey

ISSUER = "https://issuer.example"


class KeySet:
    """Keys behind a key set that can be exchanged, and counts how often it was asked for."""

    def __init__(self, *keys: ECKey) -> None:
        self.keys = list(keys)
        self.fetches = 0

    async def fetch(self) -> bytes:
        self.fetches += 1
        return json.dumps({"keys": [key.as_dict(private=False) for key in self.keys]}).encode()


def make_key(kid: str = "first") -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": "ES256"}, private=True)


Claim = str | int | float | list[str] | None


def claims(**changes: Claim) -> dict[str, Claim]:
    now = int(time.time())
    usual: dict[str, Claim] = {
        "iss": ISSUER,
        "aud": "rapport",
        "sub": "clerk-7",
        "tenant": "acme",
        "scope": "interactions:write interactions:read personal:read operator",
        "iat": now,
        "exp": now + 600,
    }
    return {name: value for name, value in (usual | changes).items() if value is not None}


def sign(key: ECKey, header: Mapping[str, object] | None = None, /, **changes: Claim) -> str:
    return jwt.encode({"alg": "ES256", "kid": key.kid, **(header or {})}, claims(**changes), key, algorithms=["ES256"])
