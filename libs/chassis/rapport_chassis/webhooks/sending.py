"""One delivery over HTTP: to the address that was checked, without following anything, within a hard limit of time."""

import asyncio
import re
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from rapport_chassis.webhooks.addresses import (
    AddressRefused,
    Outgoing,
    Resolve,
    Target,
    TargetRefused,
    check,
    target_of,
)

SECONDS_MAX: Final = 15.0
"""The specification asks for 15 to 30 s."""
_HEADER_BYTES_MAX: Final = 16_384
_INTERIM_MAX: Final = 5
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?: |\r\n)")
_OK = range(200, 300)
_GONE: Final = 410


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one attempt."""

    status: int | None
    """What the receiver answered."""
    error: str | None = None
    """A code, where it did not answer."""

    @property
    def is_delivered(self) -> bool:
        """Whether the receiver has taken it."""
        return self.status in _OK

    @property
    def is_gone(self) -> bool:
        """Whether the receiver wants nothing more, for good."""
        return self.status == _GONE


class Sender:
    """Posts to addresses of webhooks."""

    def __init__(self, outgoing: Outgoing, resolve: Resolve, *, trusted: ssl.SSLContext | None = None) -> None:
        self._outgoing = outgoing
        self._resolve = resolve
        self._trusted = trusted or ssl.create_default_context()

    async def post(self, address: str, headers: Mapping[str, str], body: bytes) -> Verdict:
        """Deliver once; whatever goes wrong is the verdict."""
        try:
            async with asyncio.timeout(SECONDS_MAX):
                target = target_of(address, self._outgoing)
                return await self._exchange(target, await check(target, self._resolve), headers, body)
        except (AddressRefused, TargetRefused):
            return Verdict(None, "address_refused")
        except TimeoutError:
            return Verdict(None, "timeout")
        except ssl.SSLError:
            return Verdict(None, "tls_failed")
        except (OSError, EOFError, asyncio.LimitOverrunError, ValueError):
            return Verdict(None, "connection_failed")

    async def _exchange(self, target: Target, address: str, headers: Mapping[str, str], body: bytes) -> Verdict:
        reader, writer = await asyncio.open_connection(
            address,
            target.port,
            limit=_HEADER_BYTES_MAX,
            ssl=self._trusted if target.is_secure else None,
            server_hostname=target.host if target.is_secure else None,
        )
        try:
            writer.write(_request(target, headers, body))
            # A receiver may answer before it has read everything.
            with suppress(ConnectionError):
                await writer.drain()
            for _ in range(_INTERIM_MAX):
                status = _status(await reader.readuntil(b"\r\n\r\n"))
                if status >= _OK.start:
                    return Verdict(status)
            return Verdict(None, "no_answer")
        finally:
            writer.transport.abort()


def _request(target: Target, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = {"Host": target.authority, "Content-Length": str(len(body)), "Connection": "close", **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {target.path} HTTP/1.1\r\n{head}\r\n".encode("ascii") + body


def _status(head: bytes) -> int:
    found = _STATUS.match(head)
    if found is None:
        raise ValueError("this is no answer in HTTP")
    return int(found[1])
