"""A road to PostgreSQL that can lose an answer: the server has committed, the client never hears of it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit


class Road:
    """Passes bytes on between clients and the server at `dsn`."""

    def __init__(self, dsn: str) -> None:
        self._target = urlsplit(dsn)
        self._marks: set[bytes] = set()
        self.lost = 0
        self.dsn = dsn

    @asynccontextmanager
    async def open(self) -> AsyncGenerator["Road"]:
        server = await asyncio.start_server(self._meet, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        self.dsn = urlunsplit(
            self._target._replace(netloc=f"{self._target.netloc.rpartition('@')[0]}@127.0.0.1:{port}")
        )
        async with server:
            yield self

    def lose_answer_to(self, mark: str) -> None:
        """Cut the connection that says this to the server when the server answers, and keep the answer back."""
        self._marks.add(mark.encode())

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection(self._target.hostname, self._target.port)
        is_doomed = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._ask(reader, there[1], is_doomed))
                tasks.create_task(self._answer(there[0], writer, is_doomed))
        except* ConnectionError:
            pass
        finally:
            writer.close()
            there[1].close()

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, is_doomed: asyncio.Event) -> None:
        while data := await reader.read(65_536):
            if said := {mark for mark in self._marks if mark in data}:
                self._marks -= said
                is_doomed.set()
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, is_doomed: asyncio.Event
    ) -> None:
        while data := await reader.read(65_536):
            if is_doomed.is_set():
                self.lost += 1
                raise ConnectionResetError
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError
