"""Somebody's machine that webhooks are delivered to, and what it was told."""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import orjson


@dataclass(frozen=True)
class Told:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        return dict(orjson.loads(self.body))

    @property
    def id(self) -> str:
        return self.headers.get("webhook-id", "")


@dataclass
class Receiver:
    """Answers 200 where it was not told to answer otherwise."""

    port: int = 0
    told: list[Told] = field(default_factory=list[Told])
    answers: deque[int] = field(default_factory=deque[int])
    """Statuses of the next answers; 0 closes the connection without one."""
    by_event: defaultdict[str, deque[int]] = field(default_factory=lambda: defaultdict(deque))
    silent_after: int | None = None
    """With so many requests told, the next ones get no answer, as long as their senders wait for one."""
    silent: int = 0
    """How many senders wait for an answer that does not come."""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks"

    @property
    def ids(self) -> list[str]:
        return [each.id for each in self.told]

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.splitlines()
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
        told = Told(first.split()[1], headers, await reader.readexactly(int(headers["content-length"])))
        self.told.append(told)
        if self.silent_after is not None and len(self.told) > self.silent_after:
            self.silent += 1
            with suppress(ConnectionError):
                await reader.read()
            self.silent -= 1
            writer.close()
            return
        own = self.by_event[told.id]
        status = own.popleft() if own else self.answers.popleft() if self.answers else 200
        if status:
            location = "Location: http://127.0.0.1:1/\r\n" if status in {301, 302, 307, 308} else ""
            writer.write(f"HTTP/1.1 {status} Said\r\n{location}Content-Length: 0\r\n\r\n".encode())
        writer.close()


@asynccontextmanager
async def open_receiver() -> AsyncGenerator[Receiver]:
    """Listen on this machine."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.take, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    async with server:
        yield receiver
