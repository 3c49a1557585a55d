"""A road of TCP between a service and what it works with, that can be slow, silent, cut or closed."""

import asyncio
import random
import socket
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

from tests.waiting import until

_PIECE_BYTES = 65_536
_RESET_AT_CLOSE = struct.pack("ii", 1, 0)


class Proxy:
    """
    Passes bytes on under an address of its own, which stays the same while it is open.

    What was ever silenced or cut stays dead, as behind a firewall that has forgotten its connections; new ones pass.
    """

    def __init__(self, host: str, port: int, *, seed: int = 0) -> None:
        """
        Name the server behind it.

        Args:
            host: Of the server.
            port: Of the server.
            seed: Of the delays.
        """
        self._target = (host, port)
        self._random = random.Random(seed)  # noqa: S311  # delays are no secrets
        self._seconds = (0.0, 0.0)
        self._is_silent = False
        self._lines: set[_Line] = set()
        self._server: asyncio.Server | None = None
        self.port = 0
        self.met = 0
        """Connections that were ever made."""

    @classmethod
    def to(cls, dsn: str, *, seed: int = 0) -> "Proxy":
        """Return a proxy for the PostgreSQL server of a DSN."""
        parts = urlsplit(dsn)
        return cls(parts.hostname or "127.0.0.1", parts.port or 5432, seed=seed)

    @property
    def address(self) -> str:
        """Return `127.0.0.1:port`."""
        return f"127.0.0.1:{self.port}"

    def dsn_of(self, dsn: str) -> str:
        """Return the same DSN by way of the proxy."""
        parts = urlsplit(dsn)
        return urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@{self.address}"))

    @asynccontextmanager
    async def open(self) -> AsyncGenerator["Proxy"]:
        """Pass bytes on until left."""
        await self.admit()
        try:
            yield self
        finally:
            self.close()
            await until(lambda: not self._lines, seconds=5, what="all connections of the proxy are closed")

    async def admit(self) -> None:
        """Take connections; again, after `refuse`, under the same port."""
        if self._server is None:
            self._server = await asyncio.start_server(self._meet, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    def refuse(self) -> None:
        """Take no more connections: the port is closed. Those that there are go on."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def slow(self, seconds_min: float, seconds_max: float) -> None:
        """Let each answer take so much longer from now on; bandwidth stays as it is."""
        self._seconds = (seconds_min, seconds_max)

    def silence(self) -> None:
        """Swallow all bytes of all connections, those that come included: a black hole."""
        self._is_silent = True
        for line in self._lines:
            line.is_dead = True

    def pass_on(self) -> None:
        """Be neither slow nor silent for new connections."""
        self._is_silent = False
        self._seconds = (0.0, 0.0)

    def cut(self) -> None:
        """Reset all connections that there are."""
        for line in list(self._lines):
            line.reset()

    def close(self) -> None:
        """End it all."""
        self.refuse()
        self.cut()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = _Line(writer)
        line.is_dead = self._is_silent
        self._lines.add(line)
        self.met += 1
        try:
            there_reader, there_writer = await asyncio.open_connection(*self._target)
            line.writers.append(there_writer)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass(line, reader, there_writer, is_answer=False))
                group.create_task(self._pass(line, there_reader, writer, is_answer=True))
        except* (OSError, _Ended):
            pass
        finally:
            line.reset()
            self._lines.discard(line)

    async def _pass(
        self, line: "_Line", reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_answer: bool
    ) -> None:
        """Hand pieces on, each at its time: a slow road is long, not narrow."""
        pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        async def take() -> None:
            due = 0.0
            while True:
                data = await reader.read(_PIECE_BYTES)
                delay = self._random.uniform(*self._seconds) if is_answer else 0.0
                due = max(due, loop.time() + delay)
                pieces.put_nowait((due, data))
                if not data:
                    return

        async def give() -> None:
            while True:
                due, data = await pieces.get()
                await asyncio.sleep(due - loop.time())
                if line.is_dead and data:
                    continue
                if line.is_dead:
                    # Not even that the other side has gone is heard through a black hole.
                    await line.was_reset.wait()
                if not data:
                    raise _Ended
                writer.write(data)
                await writer.drain()

        async with asyncio.TaskGroup() as group:
            group.create_task(take())
            group.create_task(give())


class _Ended(Exception):
    """One side has closed the connection."""


class _Line:
    """One connection: its two ends."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writers = [writer]
        self.is_dead = False
        self.was_reset = asyncio.Event()

    def reset(self) -> None:
        """Close both ends, so that whoever holds one hears of it at once."""
        self.was_reset.set()
        for writer in self.writers:
            with suppress(OSError):
                end: socket.socket | None = writer.get_extra_info("socket")
                if end is not None:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
            writer.transport.abort()
