"""What a fault is, and what it is given to work with."""

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from tests.faults.house import House
from tests.faults.load import Load
from tests.faults.parts import Part
from tests.faults.watch import Watch


@dataclass(slots=True)
class Scene:
    """A house under load, and somebody who watches it."""

    house: House
    load: Load
    watch: Watch
    chance: Random
    findings: list[str] = field(default_factory=list[str])
    """What a fault found out that must not be."""
    strangers: Counter[str] = field(default_factory=Counter[str])
    """How many records without a number were put into each service's topic; nobody may take one of them."""

    def part(self, name: str) -> Part:
        """Return a part by name."""
        return self.house.parts[name]


class Fault(Protocol):
    """Something that goes wrong."""

    @property
    def kind(self) -> str:
        """The fault without its victim: `kill`, `stop`."""
        ...

    @property
    def victims(self) -> tuple[str, ...]:
        """Whom it kills; empty where it kills nobody."""
        ...

    async def inject(self, scene: Scene) -> None:
        """Let it go wrong."""
        ...

    async def undo(self, scene: Scene) -> None:
        """Put right what does not heal by itself."""
        ...
