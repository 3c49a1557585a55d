"""How long it takes after a fault until everything is as before."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tests.faults.scene import Scene
from tests.faults.watch import LATE_SECONDS

RECOVERY_SECONDS_MAX: Final = 180
STEADY_SECONDS: Final = 1.5
"""What is missing somewhere shows after a second; so whoever looks must find all well for longer than that."""
_PAUSE_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Recovery:
    """When all was as before, and what that waited for."""

    at: float
    """Since when all has been well (monotonic)."""
    last: str
    """What was wrong last; empty where nothing was."""


class NotRecovered(Exception):
    """Something is still wrong long after the fault; the message says what."""


async def recovered(scene: Scene, starts: Mapping[str, int]) -> Recovery:
    """
    Wait until every part answers, every ledger takes facts and no read model is later than a second.

    Args:
        starts: How often each part that was killed had been started again before.

    Raises:
        NotRecovered
    """
    began = time.monotonic()
    since: float | None = None
    last = ""
    while time.monotonic() < began + RECOVERY_SECONDS_MAX:
        asked_at = time.monotonic()
        if scene.watch.looked_at < began:
            last = scene.watch.trouble
        elif wrong := await _what_is_wrong(scene, starts):
            since, last = None, wrong
        elif since is None:
            since = asked_at
        elif scene.watch.looked_at - since > STEADY_SECONDS:
            return Recovery(since, last)
        await asyncio.sleep(_PAUSE_SECONDS)
    troubles = {name: part.troubles[-1] for name, part in scene.house.parts.items() if part.troubles}
    raise NotRecovered(f"{last}; failed starts: {troubles}")


async def _what_is_wrong(scene: Scene, starts: Mapping[str, int]) -> str:
    watch = scene.watch
    if watch.trouble:
        return watch.trouble
    if not watch.is_open:
        return "a ledger takes no facts"
    if watch.late_seconds > LATE_SECONDS:
        return f"late: {', '.join(watch.late)}"
    parts = [scene.part(name) for name in starts]
    answering = await asyncio.gather(*(part.is_answering() for part in parts))
    down = [
        part.name for part, is_up in zip(parts, answering, strict=True) if not is_up or part.starts <= starts[part.name]
    ]
    return f"down: {', '.join(down)}" if down else ""
