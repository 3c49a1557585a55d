"""Look at a running suite from outside: readiness, ledgers, mirrors and readers of each service."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Final, cast

from rapport_cli.launching.ports import CONSOLE, HOST
from rapport_cli.launching.readiness import Look, look_at
from rapport_cli.wire import PORTS, Access, NotFound, Unreachable, get_json

_ASK_SECONDS: Final = 5
_METRICS_BYTES_MAX: Final = 8 * 1024 * 1024
_MIRROR_LAG: Final = re.compile(
    r'^rapport_mirror_lag\{[^}]*service="(?P<service>\w+)"[^}]*\} (?P<lag>\S+)$', re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class ReaderState:
    """How far a read model has come."""

    reader: str
    lag: int | None
    """Events that are recorded and not yet folded; None where the owner does not answer."""
    parked: int


@dataclass(frozen=True, slots=True)
class ServiceState:
    """What is to be said of one service."""

    service: str
    status: str
    """`ready`, `degraded` (answers, but a part does not work), `not_ready` (runs, but does not answer) or `away`."""
    parts: Mapping[str, str] = field(default_factory=dict[str, str])
    era: int | None = None
    heads: Sequence[int] = ()
    mirror_lag: int | None = None
    """Events that are recorded and not yet in the topic."""
    readers: Sequence[ReaderState] = ()


@dataclass(frozen=True, slots=True)
class LedgerAnswer:
    """What is to be said of one ledger."""

    service: str
    state: str
    """`open`, `comparing` (opens by itself), `shut` (until an operator does something) or `away`."""
    era: int | None = None
    events: int = 0
    reason: str | None = None
    """Code of why it is shut."""
    why: str | None = None
    what_to_do: str | None = None


def look_at_ledger(access: Access, service: str) -> LedgerAnswer:
    """
    Ask a service how its ledger is.

    Raises:
        NotAllowed: The token is not taken.
    """
    try:
        found = get_json(access, service, "/v1/ledger", timeout_seconds=_ASK_SECONDS)
    except (Unreachable, NotFound) as error:
        return LedgerAnswer(service, "away", why=str(error))
    shut = cast("dict[str, str | None]", found.get("shut") or {})
    state = "open" if found.get("open") else "shut" if shut.get("reason") else "comparing"
    return LedgerAnswer(
        service,
        state,
        era=cast("int | None", found.get("era")),
        events=sum(cast("list[int]", found.get("heads") or [])),
        reason=shut.get("reason"),
        why=shut.get("why"),
        what_to_do=shut.get("what_to_do"),
    )


def observe(access: Access, doors: Mapping[str, int], services: Sequence[str] = ()) -> list[ServiceState]:
    """
    Look at each service.

    Args:
        doors: Ports on this machine under which processes tell how they are: `contacts`, or `contacts-mirror` where
            each role has a process of its own; none for a suite elsewhere.
        services: Those of the suite; all that Rapport has where none is named.

    Raises:
        NotAllowed: The token is not taken.
    """
    return [_look_at_service(name, access, _doors_of(name, doors)) for name in services or (*PORTS, CONSOLE)]


def _doors_of(service: str, doors: Mapping[str, int]) -> list[int]:
    return [port for name, port in doors.items() if name == service or name.startswith(f"{service}-")]


def _look_at_service(name: str, access: Access, doors: Sequence[int]) -> ServiceState:
    looks = [look_at(port) for port in doors]
    if name not in PORTS:
        return ServiceState(name, _status(looks), _parts(looks))
    try:
        ledger = get_json(access, name, "/v1/ledger", timeout_seconds=_ASK_SECONDS)
        readers = get_json(access, name, "/v1/readers", timeout_seconds=_ASK_SECONDS)
    except (Unreachable, NotFound):
        return ServiceState(name, "away" if not any(look.is_able for look in looks) else _status(looks), _parts(looks))
    lags = [lag for port in doors if (lag := mirror_lag(name, port)) is not None]
    return ServiceState(
        name,
        _status(looks) if looks else "ready",
        _parts(looks),
        era=cast("int | None", ledger.get("era")),
        heads=cast("list[int]", ledger.get("heads") or []),
        mirror_lag=sum(lags) if lags else None,
        readers=[
            ReaderState(str(each["reader"]), cast("int | None", each["lag"]), cast("int", each["parked"]))
            for each in cast("list[dict[str, object]]", readers.get("readers") or [])
        ],
    )


def _status(looks: Sequence[Look]) -> str:
    if looks and all(look.is_whole for look in looks):
        return "ready"
    if any(look.is_able for look in looks):
        return "degraded"
    return "not_ready" if any(look.parts for look in looks) else "away"


def _parts(looks: Sequence[Look]) -> dict[str, str]:
    return {name: state for look in looks for name, state in look.parts.items()}


def mirror_lag(service: str, port: int, host: str = HOST) -> int | None:
    """Read from the figures of a process how many events its mirror is behind; None where it runs no mirror."""
    connection = HTTPConnection(host, port, timeout=_ASK_SECONDS)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read(_METRICS_BYTES_MAX).decode(errors="replace")
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()
    lags = [float(found["lag"]) for found in _MIRROR_LAG.finditer(text) if found["service"] == service]
    return int(sum(lags)) if lags else None
