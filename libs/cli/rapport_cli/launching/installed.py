"""Which services are installed, and which of them own a ledger; known without loading any of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from rapport_cli.launching.ports import CONSOLE, OFFSETS

GROUP: Final = "rapport.services"


class NotInstalled(Exception):
    """A service was named that is not there."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A service, as its package shows it."""

    name: str
    package: str

    @property
    def migrations(self) -> Traversable | None:
        """Its numbered changes; None for a service without a database."""
        folder = files(self.package).joinpath("migrations")
        return folder if folder.is_dir() else None

    @property
    def owns_ledger(self) -> bool:
        """Whether it has a database."""
        return self.migrations is not None


def find_installed(names: Sequence[str] = ()) -> list[Installed]:
    """
    Find services; all that are installed where no names are given, the console last.

    Raises:
        NotInstalled: One that was named is not there.
    """
    points = [point for point in entry_points(group=GROUP) if point.name in OFFSETS]
    found = {point.name: Installed(point.name, point.module.partition(".")[0]) for point in points}
    unknown = [name for name in names if name not in found]
    if unknown:
        raise NotInstalled(f"{', '.join(unknown)}: not installed; there are {', '.join(sorted(found))}")
    chosen = names or sorted(found, key=lambda name: (name == CONSOLE, OFFSETS[name]))
    return [found[name] for name in dict.fromkeys(chosen)]
