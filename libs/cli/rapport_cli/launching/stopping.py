"""Stop a suite from outside: ask its launcher, and end what a dead launcher left behind."""

import asyncio
import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal

from rapport_cli.embedded.orphan import end_orphan
from rapport_cli.launching.home import AlreadyUp, Home
from rapport_cli.launching.processes import end_leftovers, read_run

STOP_SECONDS: Final = 90
_PAUSE_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it."""

    word: Literal["stopped", "cleaned", "nothing", "running"]
    ended: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The same for people."""
        return {
            "stopped": "stopped; the data stays",
            "cleaned": f"the launcher was dead; ended what it had left behind: {', '.join(self.ended)}",
            "nothing": "nothing was running",
            "running": f"still running after {STOP_SECONDS} s",
        }[self.word]


async def stop_suite(home: Home) -> Outcome:
    """Ask the launcher to stop, wait until it has, and leave no process of it."""
    if not home.folder.is_dir():
        return Outcome("nothing")
    run = read_run(home)
    was_locked = home.is_locked
    if was_locked:
        # A launcher writes itself down as the first thing that it does; before, it is asked a moment later.
        if run is not None and run.launcher.is_alive:
            with suppress(ProcessLookupError):
                os.kill(run.launcher.pid, signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                while home.is_locked:
                    await asyncio.sleep(_PAUSE_SECONDS)
        except TimeoutError:
            return Outcome("running")
    try:
        with home.lock():
            left = await end_leftovers(home)
            await end_orphan(home.folder / "postgres" / "cluster")
    except AlreadyUp:
        return Outcome("running")
    if was_locked:
        return Outcome("stopped", tuple(left))
    return Outcome("cleaned", tuple(left)) if left else Outcome("nothing")
