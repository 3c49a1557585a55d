"""Which ports a suite uses: all counted from one base, all on the loopback address."""

import socket
from collections.abc import Mapping
from typing import Final

HOST: Final = "127.0.0.1"
CONSOLE: Final = "console"
BROKER: Final = "broker"
POSTGRES: Final = "PostgreSQL"
MAIL: Final = "mail catcher"
OFFSETS: Final[Mapping[str, int]] = {
    CONSOLE: 0,
    "contacts": 1,
    "interactions": 2,
    "workflow": 3,
    "analytics": 4,
    BROKER: 9,
    POSTGRES: 10,
    MAIL: 11,
}
PROBES: Final = 20
"""Processes without an HTTP interface tell from here on whether they are ready."""
BASE_MIN: Final = 1_024
BASE_MAX: Final = 65_000


class PortTaken(Exception):
    """Somebody else listens where a part of ours wants to."""


def url_of(base: int, service: str) -> str:
    """Return where a service is found."""
    return f"http://{HOST}:{base + OFFSETS[service]}"


def refuse_taken(ports: Mapping[str, int]) -> None:
    """
    See that all ports are free.

    Args:
        ports: By the name of the part that will listen there.

    Raises:
        PortTaken: One is not.
    """
    taken = {name: port for name, port in ports.items() if not _is_free(port)}
    if taken:
        named = ", ".join(f"{port} ({name})" for name, port in sorted(taken.items(), key=lambda pair: pair[1]))
        word = "port" if len(taken) == 1 else "ports"
        raise PortTaken(f"{word} {named} on {HOST} taken: stop what listens there, or choose others with --port-base")


def _is_free(port: int) -> bool:
    try:
        with socket.create_server((HOST, port)):
            return True
    except OSError:
        return False
