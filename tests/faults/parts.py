"""What a house runs, and somebody who starts again whatever ends, as a supervisor of containers would."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL, Signals
from typing import Final, Protocol

import asyncpg
from aiokafka.errors import KafkaError

from rapport_cli.embedded.child import ServerFailed

RESTART_SECONDS: Final = 0.5
_FAULTS: Final = (ServerFailed, KafkaError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)


class Server(Protocol):
    """Something that runs in a process of its own."""

    @property
    def pid(self) -> int: ...

    @property
    def log(self) -> Path: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def watch(self) -> None: ...


async def _nothing() -> None:
    return None


async def _always() -> bool:
    return True


@dataclass(slots=True)
class Part:
    """One process, by the name that faults know it by."""

    name: str
    server: Server
    after_start: Callable[[], Awaitable[None]] = _nothing
    is_answering: Callable[[], Awaitable[bool]] = _always
    starts: int = 0
    """How often it was started again."""
    is_held: bool = False
    """Whether somebody wants it to be down."""
    troubles: list[str] = field(default_factory=list[str])
    """Why a start failed."""

    def send(self, signal: Signals) -> None:
        """Send a signal to its process."""
        with suppress(ProcessLookupError):
            os.kill(self.server.pid, signal)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.send(SIGKILL)

    async def start(self) -> None:
        """Start it, and do what belongs to it."""
        await self.server.start()
        await self.after_start()

    async def keep(self) -> None:
        """Start it again whenever it ends, until cancelled; one that is held is left alone."""
        is_down = False
        while True:
            if self.is_held:
                is_down = True
                await asyncio.sleep(0.05)
                continue
            try:
                if is_down:
                    self.starts += 1
                    await self.start()
                    is_down = False
                await self.server.watch()
            except _FAULTS as error:
                if is_down:
                    self.troubles.append(f"{time.strftime('%H:%M:%S')} {str(error).partition(chr(10))[0]}")
            is_down = True
            await asyncio.sleep(RESTART_SECONDS)

    @asynccontextmanager
    async def down(self) -> AsyncGenerator[None]:
        """Keep it down for a while; whoever keeps it starts it afterwards."""
        self.is_held = True
        try:
            await self.server.stop()
            yield
        finally:
            self.is_held = False
