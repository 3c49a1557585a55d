"""How long it takes after a fault until everything is as before."""

import asyncio
import time
from collections.abc import Mapping
from typing import Final

from tests.faults.scene import Scene
from tests.faults.watch import LATE_SECONDS

RECOVERY_SECONDS_MAX: Final = 180
STEADY_SECONDS: Final = 1.5
"""What is missing somewhere shows after a second; so all must be well for longer than that."""
_PAUSE_SECONDS: Final = 0.1


class NotRecovered(Exception):
    """Something is still wrong long after the fault; the message says what."""


async def recovered(scene: Scene, starts: Mapping[str, int]) -> float:
    """
    Wait until every part answers, every ledger takes facts and no read model is later than a second.

    Args:
        starts: How often each part that was killed had been started again before.

    Returns:
        Since when that has been so (monotonic).

    Raises:
        NotRecovered
    """
    deadline = time.monotonic() + RECOVERY_SECONDS_MAX
    since: float | None = None
    while time.monotonic() < deadline:
        asked_at = time.monotonic()
        if not await _is_whole(scene, starts):
            since = None
        elif since is None:
            since = asked_at
        elif asked_at - since > STEADY_SECONDS:
            return since
        await asyncio.sleep(_PAUSE_SECONDS)
    down = [name for name, part in scene.house.parts.items() if not await part.is_answering()]
    troubles = {name: part.troubles[-1] for name, part in scene.house.parts.items() if part.troubles}
    watch = scene.watch
    raise NotRecovered(
        f"down: {down}; open: {watch.is_open}; late: {watch.late}; not seen: {watch.trouble}; failed starts: {troubles}"
    )


async def _is_whole(scene: Scene, starts: Mapping[str, int]) -> bool:
    watch = scene.watch
    is_current = time.monotonic() - watch.looked_at < LATE_SECONDS
    if not is_current or not watch.is_open or watch.late_seconds > LATE_SECONDS:
        return False
    parts = [scene.part(name) for name in starts]
    if any(part.starts <= starts[part.name] for part in parts):
        return False
    return all(await asyncio.gather(*(part.is_answering() for part in parts)))
