"""A server that lives no longer than the process that started it, with its output in a file."""

import asyncio
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, Signals

_LEASH = Path(__file__).with_name("leash.py")
_NOBODY = 65534
_LOG_TAIL_BYTES = 4_096


class ServerFailed(Exception):
    """A server did not start, or ended by itself; the last lines of its log say why."""


@dataclass(frozen=True, slots=True)
class Child:
    """A running server; its process id stays the same from start to end."""

    name: str
    process: asyncio.subprocess.Process
    log: Path

    @property
    def pid(self) -> int:
        """Process id of the server."""
        return self.process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it has not been seen to end."""
        return self.process.returncode is None

    async def wait(self) -> int:
        """Wait for its end, however long that takes, and return its exit code (negative: the signal)."""
        return await self.process.wait()

    async def end(self, signal: Signals, *, seconds: float) -> None:
        """Ask it to end by a signal; what is not gone after `seconds` is killed."""
        with suppress(ProcessLookupError):
            self.process.send_signal(signal)
        try:
            async with asyncio.timeout(seconds):
                await self.process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()

    async def kill(self) -> None:
        """End it as a power cut would."""
        await self.end(SIGKILL, seconds=10)

    def failure(self, what: str) -> ServerFailed:
        """Say what went wrong, with the end of the log."""
        return ServerFailed(f"{self.name} {what} ({self.log}):\n{log_tail(self.log)}")


async def spawn(  # noqa: PLR0913 - each says one thing about how the server runs
    name: str,
    command: Sequence[str | Path],
    *,
    log: Path,
    dies_by: Signals,
    folder: Path | None = None,
    user: int | None = None,
    reach: Sequence[Path] = (),
    environment: Mapping[str, str] | None = None,
) -> Child:
    """
    Start a server in a session of its own, so that Ctrl-C in a terminal reaches the launcher alone.

    Args:
        name: As people know it, for messages.
        command: Absolute path of the program, and its arguments.
        log: Its output is added to this file.
        dies_by: The signal that it gets when this process dies (Linux; elsewhere the next start ends it).
        folder: Where it runs; that of the log by default.
        user: The user id that it takes; None keeps ours.
        reach: Paths that this user must be able to read.
        environment: All of its environment, besides PATH.
    """
    leash = [sys.executable, "-I", "-S", _LEASH, os.getpid(), int(dies_by), "-" if user is None else user, *reach, "--"]
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *map(str, leash),
            *map(str, command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder or log.parent,
            env={"PATH": os.environ.get("PATH", os.defpath), **(environment or {})},
            start_new_session=True,
        )
    return Child(name, process, log)


def log_tail(log: Path) -> str:
    """Return the last lines of a log, at most 4 KiB."""
    try:
        return log.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace").strip()
    except FileNotFoundError:
        return ""


def free_port() -> int:
    """Return a TCP port of the loopback address that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def unprivileged_user() -> int | None:
    """Return whom a server shall be that refuses to be root: nobody when we are root, else None for ourselves."""
    return _NOBODY if os.geteuid() == 0 else None
