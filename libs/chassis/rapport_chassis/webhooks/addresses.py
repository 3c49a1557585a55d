"""Where a webhook may go: to public addresses that were looked at before they are connected to."""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from rapport_events.errors import Malformed

Resolve = Callable[[str, int], Awaitable[list[str]]]

_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*", re.ASCII)
_PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?", re.ASCII)
_LENGTH_MAX: Final = 1_000
_GLOBAL_UNICAST = ip_network("2000::/3")
"""All other IPv6 addresses are local, translated (64:ff9b::/96), mapped (::ffff:0:0/96) or of no use here."""
_LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class AddressRefused(Malformed):
    """A webhook's address is https://host/path on a permitted port, without user, query or fragment, and public."""

    code = "webhook_address_refused"


class TargetRefused(Exception):
    """The name leads to an address that is not public; nothing was connected to."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Where this suite may call."""

    allows_loopback: bool = False
    """This machine itself, without TLS and on any port: for tests, and for a suite on a desk."""
    ports: frozenset[int] = frozenset({443, 8443})


@dataclass(frozen=True, slots=True)
class Target:
    """An address, taken apart."""

    host: str
    port: int
    path: str
    is_secure: bool
    is_loopback: bool

    @property
    def authority(self) -> str:
        """What the header Host says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_secure else 80) else f"{host}:{self.port}"


def target_of(address: str, outgoing: Outgoing) -> Target:
    """
    Take an address apart, without asking anybody what its name means.

    Raises:
        AddressRefused: It is none that a webhook may have.
    """
    if len(address) > _LENGTH_MAX or not address.isascii() or re.search(r"[\x00-\x20\x7f\\?#@]", address):
        raise AddressRefused
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise AddressRefused from None
    is_secure = parts.scheme == "https"
    is_loopback = outgoing.allows_loopback and host in _LOOPBACK_NAMES
    port = port if port is not None else (443 if is_secure else 80)
    literal = _literal(host)
    if (
        parts.scheme not in {"https", "http"}
        or not (is_secure or is_loopback)
        or not (is_loopback or port in outgoing.ports)
        or not _PATH.fullmatch(parts.path)
        or (literal is None and not _is_name(host))
        or (literal is not None and not is_loopback and not is_public(literal))
    ):
        raise AddressRefused
    return Target(host, port, parts.path or "/", is_secure, is_loopback)


async def check(target: Target, resolve: Resolve) -> str:
    """
    Ask once what a name means, and return the address to connect to.

    Raises:
        TargetRefused: One of its addresses is not public, so that none is trusted.
        OSError: There is no such name.
    """
    literal = _literal(target.host)
    found = [str(literal)] if literal is not None else await resolve(target.host, target.port)
    if not found:
        raise TargetRefused
    for address in found:
        parsed = _literal(address)
        if parsed is None or not (is_public(parsed) or (target.is_loopback and parsed.is_loopback)):
            raise TargetRefused
    return found[0]


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a name, as this machine resolves it."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Say whether an address belongs to the public network, directly."""
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast
    return (
        address.is_global
        and address in _GLOBAL_UNICAST
        and address.sixtofour is None
        and address.teredo is None
        and address.scope_id is None
    )


def _is_name(host: str) -> bool:
    """Say whether a host is a name; one that ends in a number would be read as an address by some."""
    last = host.rpartition(".")[2]
    return len(host) <= 253 and bool(_HOST.fullmatch(host)) and not re.fullmatch(r"\d+|0x[0-9a-f]*", last)  # noqa: PLR2004  # the length of a name in DNS


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
