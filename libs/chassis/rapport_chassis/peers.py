"""The only call between services: an owner's ledger state, and the wish that it sends something again."""

import asyncio
import hashlib
import hmac
import http.client
import time
from collections.abc import Callable
from typing import Final, cast
from urllib.parse import urlsplit

import orjson
import structlog

from rapport_events.ids import PARTITIONS
from rapport_events.ledger import LedgerState

log = structlog.get_logger()

ANSWER_SECONDS_MAX: Final = 2
SCHEME: Final = "Peer"
_DIGITS_MAX: Final = 12
_FRESH_SECONDS: Final = 0.8
"""An answer is shared for this long by all who ask in this process."""
_SKEW_SECONDS_MAX: Final = 300
_ANSWER_BYTES_MAX: Final = 65_536


class PeerSeal:
    """Shows that a call comes from a service of this suite: they alone hold the master key."""

    def __init__(self, master_key: bytes) -> None:
        self._key = hmac.digest(master_key, b"rapport peers", "sha256")

    def sign(self, method: str, path: str) -> str:
        """Return the value of the header Authorization for one call now."""
        now = str(int(time.time()))
        return f"{SCHEME} {now}.{self._mark(now, method, path)}"

    def is_genuine(self, value: str, method: str, path: str) -> bool:
        """Say whether a service of this suite made this call, less than five minutes ago."""
        scheme, _, signed = value.partition(" ")
        made_at, _, mark = signed.partition(".")
        if scheme != SCHEME or not made_at.isdecimal() or len(made_at) > _DIGITS_MAX or not mark.isascii():
            return False
        if abs(time.time() - int(made_at)) > _SKEW_SECONDS_MAX:
            return False
        return hmac.compare_digest(mark, self._mark(made_at, method, path))

    def _mark(self, made_at: str, method: str, path: str) -> str:
        return hmac.new(self._key, f"{made_at} {method} {path}".encode(), hashlib.sha256).hexdigest()


class Peers:
    """Asks owners of ledgers over HTTP, on behalf of all services in this process."""

    def __init__(self, url_of: Callable[[str], str], seal: PeerSeal) -> None:
        self.address_of = url_of
        """Base URL of a service, without a slash at its end."""
        self._seal = seal
        self._answers: dict[str, tuple[float, LedgerState | None]] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    async def heads(self, source: str) -> LedgerState | None:
        """Return the state of a source's ledger; None while its owner does not answer."""
        async with self._turns.setdefault(source, asyncio.Lock()):
            asked_at, state = self._answers.get(source, (float("-inf"), None))
            if time.monotonic() - asked_at >= _FRESH_SECONDS:
                state = await self._ask(source)
                self._answers[source] = (time.monotonic(), state)
            return state

    async def resend(self, source: str, partition: int, after: int) -> None:
        """Ask an owner to send a partition again, from after a position; without an answer it is asked again later."""
        body = orjson.dumps({"partition": partition, "after": after})
        if await self._call(source, "POST", "/v1/ledger/resend", body) is None:
            log.warning("resend_not_taken", source=source, partition=partition, after=after)

    async def _ask(self, source: str) -> LedgerState | None:
        answer = await self._call(source, "GET", "/v1/ledger", None)
        return None if answer is None else _state(answer)

    async def _call(self, source: str, method: str, path: str, body: bytes | None) -> object | None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX + 1):
                return await asyncio.to_thread(self._request, source, method, path, body)
        except (OSError, TimeoutError, ValueError, http.client.HTTPException) as error:
            log.debug("peer_silent", source=source, error=type(error).__name__)
            return None

    def _request(self, source: str, method: str, path: str, body: bytes | None) -> object:
        address = urlsplit(self.address_of(source))
        secure = address.scheme == "https"
        make = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = make(address.netloc, timeout=ANSWER_SECONDS_MAX)
        headers = {"Authorization": self._seal.sign(method, path), "Content-Type": "application/json"}
        try:
            connection.request(method, address.path.rstrip("/") + path, body=body, headers=headers)
            answer = connection.getresponse()
            if answer.status not in {http.client.OK, http.client.ACCEPTED}:
                msg = f"a peer answered {answer.status}"
                raise ValueError(msg)
            return orjson.loads(answer.read(_ANSWER_BYTES_MAX) or b"null") or {}
        finally:
            connection.close()


def _state(answer: object) -> LedgerState | None:
    if not isinstance(answer, dict):
        return None
    members = cast("dict[str, object]", answer)
    era, is_open = members.get("era"), members.get("open")
    heads, reach = _positions(members.get("heads")), _positions(members.get("reach"))
    if not isinstance(era, int) or not isinstance(is_open, bool) or heads is None or reach is None:
        return None
    return LedgerState(era, is_open, heads, reach)


def _positions(found: object) -> tuple[int, ...] | None:
    """Return one position for each partition; None if that is not what was found."""
    if not isinstance(found, list):
        return None
    positions = tuple(each for each in cast("list[object]", found) if isinstance(each, int))
    return positions if len(positions) == PARTITIONS else None
