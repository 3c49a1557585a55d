"""The settings that services are started with: addresses in the environment, secrets in files of the data folder."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from rapport_cli.launching.databases import KEYRING, SERVICE_LOGINS, Server
from rapport_cli.launching.home import Home, write_closed
from rapport_cli.launching.installed import Installed
from rapport_cli.launching.keys import ISSUER, JWKS, MASTER_KEY, password_of
from rapport_cli.launching.ports import CONSOLE, HOST, MAIL, OFFSETS, url_of

PREFIX: Final = "RAPPORT_"
_FILE: Final = "_FILE"
# Passwords of the person who starts the suite are no business of its services.
_KEPT_BACK: Final = ("PG",)


def environment_of(home: Home, server: Server, kafka: str, services: Sequence[Installed]) -> dict[str, str]:
    """
    Return the environment of every process, and write the files that it names.

    What the launcher's own environment says besides (RAPPORT_LOG_LEVEL, pool sizes, limits) holds for services too.
    """
    for name, login in [(KEYRING, "app"), *_logins(services)]:
        write_closed(_address_file(home, name, login), address_of(home, server, name, login) + "\n")
    ours = settings_of(home, kafka, services)
    return _inherited(ours) | ours


def settings_of(home: Home, kafka: str, services: Sequence[Installed]) -> dict[str, str]:
    """Return what every process is told besides its own environment."""
    base = home.suite.port_base
    ours = {
        "RAPPORT_KAFKA": kafka,
        # On the embedded broker joining a group takes half a session's timeout, and nobody is there to share with.
        "RAPPORT_CONSUMER_GROUPS": str(home.suite.kafka is not None).lower(),
        "RAPPORT_MASTER_KEY_FILE": str(home.secrets / MASTER_KEY),
        "RAPPORT_ISSUER": ISSUER,
        "RAPPORT_JWKS_FILE": str(home.secrets / JWKS),
        "RAPPORT_HEALTH_HOST": HOST,
        # A suite on a desk may tell programs on the same desk.
        "RAPPORT_WEBHOOK_LOOPBACK": os.environ.get("RAPPORT_WEBHOOK_LOOPBACK") or "true",
        "RAPPORT_STOP_SECONDS": os.environ.get("RAPPORT_STOP_SECONDS") or "5",
        "RAPPORT_KEYRING_FILE": str(_address_file(home, KEYRING, "app")),
    }
    for service in services:
        name = f"{PREFIX}{service.name.upper()}"
        ours[f"{name}_HOST"], ours[f"{name}_PORT"] = HOST, str(base + OFFSETS[service.name])
        if service.owns_ledger:
            ours[f"{name}_URL"] = url_of(base, service.name)
    if catches_mail(services):
        ours |= {"RAPPORT_SMTP_HOST": HOST, "RAPPORT_SMTP_PORT": str(base + OFFSETS[MAIL])}
        ours["RAPPORT_SMTP_SECURITY"] = "none"
    for owner, login in _logins(services):
        ours[f"{PREFIX}{owner.upper()}_{login.upper()}_FILE"] = str(_address_file(home, owner, login))
    return ours


def eraser_of(home: Home, server: Server) -> dict[str, str]:
    """Return what lets a process destroy keys, and write the file that it names; contacts alone is given it."""
    path = _address_file(home, KEYRING, "eraser")
    write_closed(path, address_of(home, server, KEYRING, "eraser") + "\n")
    return {"RAPPORT_KEYRING_ERASER_FILE": str(path)}


def catcher_of(home: Home, services: Sequence[Installed]) -> dict[str, str]:
    """Return where the console catches mail; the other processes would not know what that means."""
    port = str(home.suite.port_base + OFFSETS[MAIL])
    return {"RAPPORT_CONSOLE_CATCHER_PORT": port} if catches_mail(services) else {}


def catches_mail(services: Sequence[Installed]) -> bool:
    """Say whether the console catches mail: unless whoever starts the suite names a server that really sends it."""
    return not os.environ.get("RAPPORT_SMTP_HOST") and any(service.name == CONSOLE for service in services)


def topic_prefix() -> str:
    """Return how the names of all topics begin."""
    return os.environ.get("RAPPORT_TOPIC_PREFIX") or "crm"


def address_of(home: Home, server: Server, name: str, login: str) -> str:
    """Return the address of a database for one of its roles."""
    return server.login(name, login, password_of(home, f"rapport_{name}_{login}"))


def _logins(services: Sequence[Installed]) -> list[tuple[str, str]]:
    return [(service.name, login) for service in services if service.owns_ledger for login in SERVICE_LOGINS]


def _address_file(home: Home, name: str, login: str) -> Path:
    return home.secrets / f"{name}_{login}"


def _inherited(ours: Mapping[str, str]) -> dict[str, str]:
    """Leave out what we set ourselves, in either way of setting it."""
    said = {name.removesuffix(_FILE) for name in ours} | {"RAPPORT_JWKS_URL", "RAPPORT_KEYRING_ERASER"}
    return {
        name: value
        for name, value in os.environ.items()
        if name.removesuffix(_FILE) not in said and not name.startswith(_KEPT_BACK)
    }
