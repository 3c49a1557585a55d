"""Tokens: who calls, for which tenant, and what they may do."""

import asyncio
import json
import math
import re
import time
from base64 import urlsafe_b64decode
from binascii import Error as BadBase64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

import structlog
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from rapport_chassis.keysets import KeySource, KeysUnreachable, public_keys
from rapport_events.ids import TenantId

log = structlog.get_logger()

ALGORITHM: Final = "ES256"
"""The one algorithm. It is never taken from the token, so `none` and HS256 with a public key cannot be asked for."""
LEEWAY_SECONDS: Final = 300
"""By so much the issuer's clock and ours may differ, either way."""
TOKEN_LENGTH_MAX: Final = 8_192
CACHED_TOKENS_MAX: Final = 4_096
KEYS_SECONDS_MAX: Final = 300
"""After this time keys are fetched again and verified tokens forgotten, so a withdrawn key stops working."""
RELOAD_SECONDS_MIN: Final = 60
"""An unknown key id asks for the keys again at most this often."""
RETRY_SECONDS: Final = 5
"""The same as long as there are no keys at all."""

_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_SUBJECT = re.compile(r"[!-~]{1,200}")
_TYPES = ("jwt", "at+jwt")
_PARTS = 3
"""Header, claims and signature."""


class TokenRefused(Exception):
    """The token is not one of ours; the cause is a code for the log and never leaves the process."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls. The tenant comes from the verified token and from nowhere else."""

    tenant: TenantId
    subject: str
    scopes: frozenset[str] = frozenset()


@dataclass(slots=True)
class Issuer:
    """Someone whose tokens are taken, with the keys that are theirs alone."""

    name: str
    source: KeySource
    keys: dict[str, ECKey] = field(default_factory=dict[str, ECKey])
    loaded_at: float = -math.inf
    tried_at: float = -math.inf
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Verifier:
    """Checks tokens against the issuers' keys, and remembers for a while those that it has verified."""

    def __init__(
        self,
        issuers: Sequence[Issuer],
        *,
        audience: str = "rapport",
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuers = {issuer.name: issuer for issuer in issuers}
        self._clock = clock
        self._ticks = ticks
        self._verified: dict[str, tuple[Caller, float]] = {}
        self._forget_at = ticks() + KEYS_SECONDS_MAX
        self._claims = jwt.JWTClaimsRegistry(
            now=lambda: int(clock()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "values": sorted(self._issuers)},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            sub={"essential": True},
        )

    async def verify(self, token: str) -> Caller:
        """
        Say who holds a token.

        Raises:
            TokenRefused: It is malformed, forged, expired, not yet valid, or meant for others.
            KeysUnreachable: The issuer's keys were never read, so nothing can be said.
        """
        if self._ticks() >= self._forget_at:
            self._verified.clear()
            self._forget_at = self._ticks() + KEYS_SECONDS_MAX
        known = self._verified.get(token)
        if known is not None and self._clock() < known[1]:
            return known[0]
        caller, expires_at = await self._check(token)
        while len(self._verified) >= CACHED_TOKENS_MAX:
            self._verified.pop(next(iter(self._verified)))
        self._verified[token] = (caller, expires_at)
        return caller

    async def _check(self, token: str) -> tuple[Caller, float]:
        if len(token) > TOKEN_LENGTH_MAX:
            raise TokenRefused("too_long")
        header, claims = _peek(token)
        issuer = self._issuers.get(_text(claims, "iss"))
        if issuer is None:
            raise TokenRefused("unknown_issuer")
        if header.get("alg") != ALGORITHM or "crit" in header or "b64" in header:
            raise TokenRefused("wrong_algorithm")
        if str(header.get("typ", "jwt")).lower() not in _TYPES:
            raise TokenRefused("wrong_type")
        key = await self._key(issuer, _text(header, "kid"))
        try:
            verified = jwt.decode(token, key, algorithms=[ALGORITHM]).claims
            self._claims.validate(verified)
        except (JoseError, ValueError, OverflowError, RecursionError) as error:
            raise TokenRefused(getattr(error, "error", "") or "malformed") from error
        if verified["iss"] != issuer.name:
            raise TokenRefused("unknown_issuer")
        return _caller(verified), float(verified["exp"]) + LEEWAY_SECONDS

    async def _key(self, issuer: Issuer, kid: str) -> ECKey:
        if kid not in issuer.keys or self._ticks() - issuer.loaded_at >= KEYS_SECONDS_MAX:
            await self._reload(issuer)
        if not issuer.keys:
            raise KeysUnreachable
        key = issuer.keys.get(kid)
        if key is None:
            raise TokenRefused("unknown_key")
        return key

    async def _reload(self, issuer: Issuer) -> None:
        """Fetch an issuer's keys, once for all who wait, at a bounded rate; without an answer the old ones stay."""
        asked_at = self._ticks()
        async with issuer.turn:
            pause = RELOAD_SECONDS_MIN if issuer.keys else RETRY_SECONDS
            if issuer.tried_at >= asked_at or self._ticks() - issuer.tried_at < pause:
                return
            issuer.tried_at = self._ticks()
            try:
                issuer.keys = public_keys(await issuer.source.fetch())
            except KeysUnreachable as error:
                log.warning("token_keys_unreachable", error=type(error.__cause__ or error).__name__)
                return
            issuer.loaded_at = self._ticks()


def _peek(token: str) -> tuple[Mapping[str, object], Mapping[str, object]]:
    """Read header and claims before anything is verified, only to choose issuer and key."""
    parts = token.split(".")
    if len(parts) != _PARTS or not all(parts):
        raise TokenRefused("malformed")
    try:
        header, claims = (json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in parts[:2])
    except (ValueError, BadBase64, RecursionError) as error:
        raise TokenRefused("malformed") from error
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise TokenRefused("malformed")
    return cast("dict[str, object]", header), cast("dict[str, object]", claims)


def _text(members: Mapping[str, object], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not value:
        raise TokenRefused(f"no_{name}")
    return value


def _caller(claims: Mapping[str, object]) -> Caller:
    tenant, subject, scope = _text(claims, "tenant"), _text(claims, "sub"), claims.get("scope", "")
    if not _TENANT.fullmatch(tenant):
        raise TokenRefused("bad_tenant")
    if not _SUBJECT.fullmatch(subject):
        raise TokenRefused("bad_sub")
    if not isinstance(scope, str):
        raise TokenRefused("bad_scope")
    return Caller(TenantId(tenant), subject, frozenset(scope.split()))
