"""Wakes the mirror after commits."""

import asyncio
from collections.abc import Callable

import structlog

from rapport_events.database import CONNECT_SECONDS, Pool
from rapport_events.faults import is_away
from rapport_events.kept import Kept
from rapport_events.statements import load

PAUSE_SECONDS = 0.005
"""One notification of the mirror stands for all commits of this time."""

log = structlog.get_logger()


class Waker:
    """Tells the mirror, over a connection of its own, that something was appended."""

    def __init__(self, service: str, pool: Callable[[], Pool]) -> None:
        self._service = service
        self._pool = pool
        self._appended = asyncio.Event()

    def hear(self) -> None:
        """Note that something was appended."""
        self._appended.set()

    async def run(self) -> None:
        """Notify after commits, from a connection of its own: inside them it would put all commits in a line."""
        waker = Kept(self._pool)
        try:
            while True:
                await self._appended.wait()
                self._appended.clear()
                try:
                    connection = await waker.get()
                    await connection.execute(load("rapport_events", "ledger/wake"), timeout=CONNECT_SECONDS)
                except Exception as error:
                    if isinstance(error, TimeoutError):
                        waker.close()
                    if not is_away(error):
                        raise
                    log.warning("mirror_not_woken", service=self._service, cause=type(error).__name__)
                await asyncio.sleep(PAUSE_SECONDS)
        finally:
            await waker.release()
