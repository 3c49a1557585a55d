"""A disk without a free byte under a database."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Final

from tests.faults.recovery import recovered
from tests.faults.scene import Scene

RECOVERY_SECONDS_MAX: Final = 10.0


@dataclass(frozen=True, slots=True)
class FullDisk:
    """Fill the disk of a database for a while."""

    seconds: float

    kind: str = field(default="full disk", init=False)
    victims: tuple[str, ...] = field(default=(), init=False)

    def __str__(self) -> str:
        return f"fill the disk of interactions' database for {self.seconds:.0f} s"

    async def inject(self, scene: Scene) -> None:
        disk = scene.house.disk
        assert disk is not None, "it was asked before whether there is one"
        deadline = time.monotonic() + self.seconds
        try:
            while time.monotonic() < deadline:
                await asyncio.to_thread(disk.fill)
                await asyncio.sleep(0.2)
        finally:
            disk.empty()

    async def undo(self, scene: Scene) -> None:
        began = time.monotonic()
        seconds = (await recovered(scene, {})).at - began
        if seconds > RECOVERY_SECONDS_MAX:
            scene.findings.append(f"{seconds:.1f} s after there was space again all was as before")
