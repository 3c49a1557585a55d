"""Where the public keys of token issuers come from: a file or an address that serves a JWKS."""

import asyncio
import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, cast
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

FETCH_SECONDS_MAX: Final = 5
SET_BYTES_MAX: Final = 262_144
KEYS_MAX: Final = 100
_CONNECTIONS: Final[dict[str, type[http.client.HTTPConnection]]] = {
    "https": http.client.HTTPSConnection,
    "http": http.client.HTTPConnection,
}
_PUBLIC = ("kty", "crv", "x", "y", "kid")


class KeysUnreachable(Exception):
    """The keys of a token's issuer cannot be read now."""


class KeySource(Protocol):
    """Where a key set is."""

    async def fetch(self) -> bytes:
        """
        Return the key set's JSON.

        Raises:
            KeysUnreachable: There is no answer, or not a usable one.
        """
        ...


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A key set in a file."""

    path: Path

    async def fetch(self) -> bytes:
        """Read the file."""
        try:
            return await asyncio.to_thread(self._read)
        except OSError as error:
            raise KeysUnreachable from error

    def _read(self) -> bytes:
        with self.path.open("rb") as file:
            return file.read(SET_BYTES_MAX)


@dataclass(frozen=True, slots=True)
class KeyAddress:
    """A key set behind an http(s) address; redirects are not followed."""

    url: str

    async def fetch(self) -> bytes:
        """Ask for the set."""
        try:
            async with asyncio.timeout(FETCH_SECONDS_MAX + 1):
                return await asyncio.to_thread(self._get)
        except (OSError, KeyError, ValueError, http.client.HTTPException) as error:
            raise KeysUnreachable from error

    def _get(self) -> bytes:
        address = urlsplit(self.url)
        connection = _CONNECTIONS[address.scheme](address.netloc, timeout=FETCH_SECONDS_MAX)
        try:
            path = f"{address.path or '/'}{'?' if address.query else ''}{address.query}"
            connection.request("GET", path, headers={"Accept": "application/json"})
            answer = connection.getresponse()
            if answer.status != http.client.OK:
                msg = "the key set's address did not answer 200"
                raise ValueError(msg)
            return answer.read(SET_BYTES_MAX)
        finally:
            connection.close()


def public_keys(text: bytes) -> dict[str, ECKey]:
    """
    Return the P-256 signing keys of a JWKS by their key ids; all others are passed over.

    Raises:
        KeysUnreachable: It is no key set, or holds no such key.
    """
    try:
        members = json.loads(text)["keys"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise KeysUnreachable from error
    found: dict[str, ECKey] = {}
    for key in _objects(members):
        fits = key.get("kty") == "EC" and key.get("crv") == "P-256"
        signs = key.get("alg", "ES256") == "ES256" and key.get("use", "sig") == "sig"
        kid = key.get("kid")
        if fits and signs and isinstance(kid, str) and kid:
            try:
                found[kid] = ECKey.import_key({name: str(key[name]) for name in _PUBLIC})
            except (JoseError, KeyError, ValueError):
                continue
    if not found:
        raise KeysUnreachable
    return found


def _objects(members: object) -> Iterator[dict[str, object]]:
    for member in cast("list[object]", members)[:KEYS_MAX] if isinstance(members, list) else ():
        if isinstance(member, dict):
            yield cast("dict[str, object]", member)
