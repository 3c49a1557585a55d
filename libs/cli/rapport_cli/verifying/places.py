"""Where the databases and the broker of a suite are."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_OWN: Final = "RAPPORT_"
_KEEPER: Final = "_KEEPER"
_FILE: Final = "_FILE"
_ADDRESS_BYTES_MAX: Final = 65_536


@dataclass(frozen=True, slots=True)
class Places:
    """What is looked at."""

    databases: Mapping[str, str]
    """Addresses of the services' databases, as keeper, by service."""
    kafka: str | None = None
    """Address of the broker; without one topics are not looked at."""
    prefix: str = "crm"
    """How the names of all topics begin."""


def places_of(settings: Mapping[str, str]) -> Places:
    """
    Find them in the environment of a suite's processes.

    Args:
        settings: RAPPORT_<SERVICE>_KEEPER or RAPPORT_<SERVICE>_KEEPER_FILE, RAPPORT_KAFKA, RAPPORT_TOPIC_PREFIX.

    Raises:
        OSError: A file that is named cannot be read.
    """
    databases: dict[str, str] = {}
    for name, value in sorted(settings.items()):
        plain = name.removesuffix(_FILE)
        if value and plain.startswith(_OWN) and plain.endswith(_KEEPER):
            service = plain.removeprefix(_OWN).removesuffix(_KEEPER).lower()
            databases.setdefault(service, value if plain == name else _read(value))
    return Places(databases, settings.get("RAPPORT_KAFKA") or None, settings.get("RAPPORT_TOPIC_PREFIX") or "crm")


def _read(path: str) -> str:
    with Path(path).open(encoding="utf-8") as file:
        return file.read(_ADDRESS_BYTES_MAX).strip()
