"""How long it takes after a fault until everything is as before."""

import asyncio
import time
from collections.abc import Mapping
from typing import Final

from tests.faults.scene import Scene
from tests.faults.watch import LATE_SECONDS

RECOVERY_SECONDS_MAX: Final = 180
_PAUSE_SECONDS: Final = 0.1


class NotRecovered(Exception):
    """Something is still wrong long after the fault; the message says what."""


async def recovered(scene: Scene, starts: Mapping[str, int]) -> float:
    """
    Wait until every part answers, every ledger takes facts and no read model is later than a second.

    Args:
        starts: How often each part that was killed had been started again before.

    Returns:
        When that was (monotonic).

    Raises:
        NotRecovered
    """
    deadline = time.monotonic() + RECOVERY_SECONDS_MAX
    while time.monotonic() < deadline:
        asked_at = time.monotonic()
        if await _is_whole(scene, starts):
            watch = scene.watch
            while watch.looked_at < asked_at and time.monotonic() < deadline:
                await asyncio.sleep(_PAUSE_SECONDS)
            if watch.looked_at >= asked_at and watch.is_open and watch.late_seconds <= LATE_SECONDS:
                return time.monotonic()
        await asyncio.sleep(_PAUSE_SECONDS)
    down = [name for name, part in scene.house.parts.items() if not await part.is_answering()]
    troubles = {name: part.troubles[-1] for name, part in scene.house.parts.items() if part.troubles}
    watch = scene.watch
    raise NotRecovered(f"down: {down}; open: {watch.is_open}; late: {watch.late}; failed starts: {troubles}")


async def _is_whole(scene: Scene, starts: Mapping[str, int]) -> bool:
    parts = [scene.part(name) for name in starts]
    return all(part.starts > starts[part.name] for part in parts) and all(
        await asyncio.gather(*(part.is_answering() for part in parts))
    )
