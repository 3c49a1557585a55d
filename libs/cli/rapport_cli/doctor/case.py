"""What an examination looks at, and what it finds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from rapport_cli.launching.databases import KEYRING, SERVICE_LOGINS
from rapport_cli.launching.environment import PREFIX
from rapport_cli.launching.installed import Installed
from rapport_cli.launching.ports import CONSOLE
from rapport_events.database import Connection

SECRET_BYTES_MAX: Final = 65_536

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    state: State
    subject: str
    what: str
    fix: str = ""
    """What to do about it; empty where all is well."""


@dataclass(frozen=True, slots=True)
class Case:
    """A suite that is examined."""

    settings: Mapping[str, str]
    """The environment of its processes."""
    services: Sequence[Installed]
    doors: Mapping[str, tuple[str, int]]
    """Host and port where each process answers `/ready` and `/metrics`, by the name of what is there."""
    folder: Path | None = None
    """The data folder, where the suite was set up by `rapport up`."""
    connections: dict[str, Connection] = field(default_factory=dict[str, Connection])
    """To the databases that answer, by service: as keeper, and to the keyring as app."""

    @property
    def owners(self) -> list[str]:
        """Names of the services that have a ledger."""
        return [service.name for service in self.services if service.owns_ledger]

    @property
    def reached(self) -> dict[str, Connection]:
        """Connections to the databases of services."""
        return {name: connection for name, connection in self.connections.items() if name != KEYRING}

    def secret(self, name: str) -> str | None:
        """
        Return a setting that may also be given as a file; None where it is not given.

        Raises:
            OSError: The file cannot be read.
        """
        if value := self.settings.get(name):
            return value
        path = self.settings.get(f"{name}_FILE")
        if not path:
            return None
        with Path(path).open(encoding="utf-8") as file:
            return file.read(SECRET_BYTES_MAX).strip()

    def address_names(self) -> dict[tuple[str, str], str]:
        """Return the settings that hold addresses of databases, by database and role."""
        found = {(KEYRING, "app"): f"{PREFIX}KEYRING"}
        for name in self.owners:
            found |= {(name, login): f"{PREFIX}{name.upper()}_{login.upper()}" for login in SERVICE_LOGINS}
        return found


def doors_of(settings: Mapping[str, str], services: Sequence[Installed]) -> dict[str, tuple[str, int]]:
    """Return where services of a suite that was started elsewhere answer, as the settings say it."""
    doors: dict[str, tuple[str, int]] = {}
    for service in services:
        url = settings.get("RAPPORT_URL" if service.name == CONSOLE else f"{PREFIX}{service.name.upper()}_URL")
        parts = urlsplit(url or "")
        if parts.hostname:
            doors[service.name] = (parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))
    return doors
