"""An HTTP server inside a process that also does other things: it takes no signals and ends when told."""

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import Literal

import uvicorn
from starlette.types import ASGIApp

from rapport_chassis.settings import SettingsRefused

_BACKLOG = 2_048
_KEEP_ALIVE_SECONDS = 75


class Server(uvicorn.Server):
    """uvicorn without its own signal handlers."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals to the process."""
        yield

    async def wait_until_started(self) -> None:
        """Return as soon as connections are taken."""
        while not self.started and not self.should_exit:
            await asyncio.sleep(0.01)


def listen(host: str, port: int, variable: str) -> socket.socket:
    """
    Bind a port, before anything else is started.

    Raises:
        SettingsRefused: Somebody else has it; `variable` is the setting to change.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise SettingsRefused([f"{variable}: port {port} cannot be listened on; it may be in use"]) from error


def make_server(app: ASGIApp, *, stop_seconds: int, lifespan: Literal["on", "off"] = "off") -> Server:
    """Return a server for an application; uvloop is the process's loop already."""
    config = uvicorn.Config(
        app,
        loop="none",
        http="httptools",
        ws="none",
        lifespan=lifespan,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=stop_seconds,
    )
    return Server(config)


class Probes:
    """A server of its own for health, beside or instead of a service's."""

    def __init__(self, app: ASGIApp, listener: socket.socket, stop_seconds: int) -> None:
        self._server = make_server(app, stop_seconds=stop_seconds)
        self._listener = listener

    async def serve(self) -> None:
        """Answer until told to stop."""
        await self._server.serve([self._listener])

    def stop(self) -> None:
        """Let `serve` end."""
        self._server.should_exit = True
