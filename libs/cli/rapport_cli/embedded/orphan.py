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
    try:
        pid = int(note.read_text(encoding="utf-8").splitlines()[0])
    except (FileNotFoundError, ValueError, IndexError):
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


async def _is_postgres(pid: int, cluster: Path) -> bool:
    """Say whether a process is a PostgreSQL server on this cluster."""
    if sys.platform == "linux":
        try:
            said = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return False
    else:
        process = await asyncio.create_subprocess_exec(
            "ps", "-o", "command=", "-p", str(pid), stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
        said = output.decode(errors="replace")
    return "postgres" in said and str(cluster) in said
