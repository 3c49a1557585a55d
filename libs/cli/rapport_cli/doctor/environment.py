"""Whether every setting that a service needs is there, and none is misspelt."""

from typing import Final

from rapport_chassis.settings import (
    Broker,
    Edge,
    Keys,
    Peers,
    Process,
    Settings,
    SettingsRefused,
    Store,
    Tokens,
    Traces,
    read,
    refuse_unknown,
)
from rapport_cli.doctor.case import Case, Finding

_SUBJECT: Final = "settings"
_FIX: Final = "set it in the environment of every process, as its service's README says"


async def check(case: Case) -> list[Finding]:
    """Read all groups as a service does at its start."""
    from rapport_chassis.service import find_services

    faults: list[str] = []
    shared: tuple[type[Settings], ...] = (Process, Traces, Broker, Keys, Tokens, Peers)
    groups: list[tuple[type[Settings], str | None]] = [(group, None) for group in shared]
    services = find_services([service.name for service in case.services])
    known: set[str] = set()
    for service in services:
        own = (Edge, *((Store,) if service.owns_ledger else ()), *service.settings)
        groups += [(group, service.name) for group in own]
        known.update(name for group in service.settings for name in group.names(f"RAPPORT_{service.name.upper()}_"))
    for group, name in groups:
        try:
            read(group, name)
        except SettingsRefused as refused:
            faults += refused.faults
    try:
        refuse_unknown(known, {service.name for service in services})
    except SettingsRefused as refused:
        faults += refused.faults
    found = [Finding("fail", _SUBJECT, fault, _FIX) for fault in dict.fromkeys(faults)]
    return found or [Finding("ok", _SUBJECT, "nothing is missing, nothing is unknown")]
