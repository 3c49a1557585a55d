"""A database server whose launcher died before it: ended before a new one takes over its files."""

import asyncio
import os
import sys
from pathlib import Path
from signal import SIGINT, SIGKILL

_PATIENCE_SECONDS = 20
_PAUSE_SECONDS = 0.1


async def end_orphan(cluster: Path) -> None:
    """
    Make sure that no server runs on a cluster's files; the caller holds the launcher's lock on them.

    A `postmaster.pid` that names no PostgreSQL is left over from a crash (ids of processes are soon used again,
    in containers almost surely), and would keep the next server from starting.
    """
    note = cluster / "postmaster.pid"
    pid = _read(note)
    if pid is None:
        return
    if not await _is_postgres(pid, cluster):
        note.unlink(missing_ok=True)
        return
    os.kill(pid, SIGINT)
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while await _is_postgres(pid, cluster):
                await asyncio.sleep(_PAUSE_SECONDS)
    except TimeoutError:
        os.kill(pid, SIGKILL)


def _read(note: Path) -> int | None:
    try:
        return int(note.read_text(encoding="utf-8").splitlines()[0])
    except (FileNotFoundError, ValueError, IndexError):
        return None


async def _is_postgres(pid: int, cluster: Path) -> bool:
    """Say whether a process is a PostgreSQL server on this cluster."""
    command = _command_of(pid) if sys.platform == "linux" else await _ask_for_command_of(pid)
    return "postgres" in command and str(cluster) in command


def _command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


async def _ask_for_command_of(pid: int) -> str:
    asked = ("ps", "-o", "command=", "-p", str(pid))
    process = await asyncio.create_subprocess_exec(*asked, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    return output.decode(errors="replace")
