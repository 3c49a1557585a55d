"""What the data folder keeps secret: made once, and never again while there is data that needs it."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Sequence
from typing import Final

from joserfc import jwt
from joserfc.jwk import ECKey

from rapport_cli.launching.home import Home, HomeRefused, write_closed

ISSUER: Final = "rapport-local"
AUDIENCE: Final = "rapport"
MASTER_KEY: Final = "master_key"
JWKS: Final = "jwks.json"
SERVICES: Final = ("contacts", "interactions", "workflow", "analytics")
SCOPES: Final = (*(f"{service}:{right}" for service in SERVICES for right in ("read", "write")), "personal:read")
"""What a token allows that nobody asked more of; `operator` is left out."""
OPERATOR: Final = "operator"

_SEED: Final = "password_seed"
SIGNING_KEY: Final = "signing_key.json"
_CLOCK_SECONDS: Final = 5


def make_keys(home: Home) -> None:
    """
    Make what is not there yet: master key, seed of the passwords, signing key with its public half.

    Raises:
        HomeRefused: One is missing beside data that was written with it.
    """
    names = (MASTER_KEY, _SEED, SIGNING_KEY)
    missing = [name for name in names if not (home.secrets / name).exists()]
    if missing and home.is_made:
        raise HomeRefused(f"{home.secrets / missing[0]} is gone, and the data here is of no use without: restore it")
    for name in missing:
        text = json.dumps(_new_signing_key()) if name == SIGNING_KEY else secrets.token_hex(32)
        write_closed(home.secrets / name, text + "\n")
    public = _signing_key(home).as_dict(private=False)
    write_closed(home.secrets / JWKS, json.dumps({"keys": [{**public, "use": "sig", "alg": "ES256"}]}) + "\n")


def password_of(home: Home, role: str) -> str:
    """Return the password of a database role; the same one for ever."""
    seed = bytes.fromhex((home.secrets / _SEED).read_text(encoding="ascii").strip())
    return base64.urlsafe_b64encode(hmac.digest(seed, role.encode(), hashlib.sha256))[:32].decode()


def sign_token(home: Home, *, tenant: str, subject: str, scopes: Sequence[str], seconds: float) -> str:
    """
    Make a token that the suite of this folder takes.

    Args:
        seconds: How long it is good for.

    Raises:
        HomeRefused: No suite was set up here.
    """
    key = _signing_key(home)
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": subject,
        "tenant": tenant,
        "scope": " ".join(scopes),
        "iat": now,
        # Clocks of two machines are never quite the same.
        "nbf": now - _CLOCK_SECONDS,
        "exp": now + int(seconds),
    }
    return jwt.encode({"alg": "ES256", "typ": "JWT", "kid": key.kid}, claims, key, algorithms=["ES256"])


def _new_signing_key() -> dict[str, str]:
    key = ECKey.generate_key("P-256", private=True)
    members = {name: str(value) for name, value in key.as_dict(private=True).items()}
    return {**members, "kid": key.thumbprint()}


def _signing_key(home: Home) -> ECKey:
    try:
        text = (home.secrets / SIGNING_KEY).read_text(encoding="ascii")
    except FileNotFoundError as error:
        raise HomeRefused(f"no suite was set up in {home.folder}; `rapport up` does that") from error
    return ECKey.import_key(json.loads(text))
