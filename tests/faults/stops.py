"""SIGSTOP: a process, a server or a broker stands still past its session, and goes on as if nothing had been."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from signal import SIGCONT, SIGSTOP, Signals

from tests.faults.cuts import dismiss
from tests.faults.house import House
from tests.faults.scene import Scene
from tests.system.two_servers import MOVED


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop a part with all its processes for a while; a zombie wakes up where somebody stood in for it."""

    victim: str
    seconds: float

    kind: str = field(default="stop", init=False)
    victims: tuple[str, ...] = field(default=(), init=False)

    def __str__(self) -> str:
        return f"stop {self.victim} for {self.seconds:.0f} s"

    async def inject(self, scene: Scene) -> None:
        await _stand_still(scene.part(self.victim).server.pid, self.seconds)

    async def undo(self, scene: Scene) -> None:
        pass


@dataclass(frozen=True, slots=True)
class StopLeader:
    """Stop the mirror that leads, and take its lock away: its twin leads, until the zombie wakes up."""

    seconds: float

    kind: str = field(default="stop the leader", init=False)
    victims: tuple[str, ...] = field(default=(), init=False)

    def __str__(self) -> str:
        return f"stop the mirror of {MOVED} that leads for {self.seconds:.0f} s"

    async def inject(self, scene: Scene) -> None:
        for name in (f"{MOVED}-mirror", f"{MOVED}-mirror-2"):
            part = scene.part(name)
            if await asyncio.to_thread(_leads, scene.house, name):
                stopped = asyncio.create_task(_stand_still(part.server.pid, self.seconds))
                await asyncio.sleep(0.2)
                await dismiss(scene.house, MOVED)
                await stopped
                return
        scene.findings.append("no mirror leads")

    async def undo(self, scene: Scene) -> None:
        pass


async def _stand_still(pid: int, seconds: float) -> None:
    family = [pid, *_children(pid)]
    try:
        _send(family, SIGSTOP)
        await asyncio.sleep(seconds)
    finally:
        _send(family, SIGCONT)


def _send(processes: list[int], signal: Signals) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal)


def _children(pid: int) -> Iterator[int]:
    """Yield the processes that a server has started, which for PostgreSQL are its connections."""
    with suppress(OSError):
        yield from map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split())


def _leads(house: House, name: str) -> bool:
    connection = HTTPConnection("127.0.0.1", house.doors[name], timeout=3)
    try:
        connection.request("GET", "/metrics")
        return f'rapport_mirror_leads{{service="{MOVED}"}} 1.0' in connection.getresponse().read().decode()
    except OSError:
        return False
    finally:
        connection.close()
