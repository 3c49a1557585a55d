"""Connections that break: all of a database server, or all of a broker, from one moment to the next."""

import asyncio
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import asyncpg

from rapport_cli.embedded.broker import Broker
from tests.faults.house import House
from tests.faults.scene import Scene
from tests.system.two_servers import MOVED

CANNOT_CUT: Final = "connections of a broker are not cut: that takes root and `ss -K`"
_CUT_SECONDS: Final = 10
_EVERYBODY: Final = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE 'rapport%'"
_LEADER: Final = """
    SELECT pg_terminate_backend(pid) FROM pg_locks
     WHERE locktype = 'advisory' AND classid = 7102 AND objid = 0 AND granted
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@dataclass(frozen=True, slots=True)
class CutDatabase:
    """Close every connection to a database server."""

    server: str

    kind: str = field(default="cut", init=False)
    victims: tuple[str, ...] = field(default=(), init=False)

    def __str__(self) -> str:
        return f"cut all connections of {self.server}"

    async def inject(self, scene: Scene) -> None:
        service = MOVED if self.server == f"postgres-{MOVED}" else "contacts"
        await hang_up(scene.house, service)

    async def undo(self, scene: Scene) -> None:
        pass


@dataclass(frozen=True, slots=True)
class CutBroker:
    """Reset every connection to the broker, several times within a second."""

    kind: str = field(default="cut", init=False)
    victims: tuple[str, ...] = field(default=(), init=False)

    def __str__(self) -> str:
        return "cut all connections of the broker"

    async def inject(self, scene: Scene) -> None:
        for _ in range(3):
            for port in _ports(scene.house):
                await _cut(port)
            await asyncio.sleep(0.3)

    async def undo(self, scene: Scene) -> None:
        pass


def can_cut() -> bool:
    """Say whether this machine lets us break connections of others."""
    return os.geteuid() == 0 and shutil.which("ss") is not None


async def hang_up(house: House, service: str) -> None:
    """Close all connections to a service's server, but for those of superusers."""
    await _close(house, service, _EVERYBODY)


async def dismiss(house: House, service: str) -> None:
    """Close the connection by which a mirror leads."""
    await _close(house, service, _LEADER)


async def _close(house: House, service: str, whose: str) -> None:
    connection = await house.connect(service)
    try:
        await connection.execute(whose)
    except asyncpg.PostgresConnectionError:
        return
    finally:
        connection.terminate()


def _ports(house: House) -> Sequence[int]:
    broker = house.broker
    addresses = [broker.address] if isinstance(broker, Broker) else broker.address.split(",")
    return [int(address.rpartition(":")[2]) for address in addresses]


async def _cut(port: int) -> None:
    process = await asyncio.create_subprocess_exec(
        *("ss", "-K", "dst", "127.0.0.1", "dport", "=", str(port)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(_CUT_SECONDS):
        await process.wait()
