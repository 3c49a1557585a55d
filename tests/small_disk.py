"""A disk of a few MiB, which tests fill and empty."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

_SECONDS = 30
_BLOCK = bytes(65_536)
CANNOT_MOUNT = "no small disk: this machine does not let us mount one (a tmpfs, as root)"
"""What is said where there is none; nothing is shown then, so nothing may count as shown."""


class SmallDisk:
    """A tmpfs with a ballast that leaves it without a free byte."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    @property
    def free_bytes(self) -> int:
        """How much is free."""
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize

    def fill(self, *, leave_bytes: int = 0) -> None:
        """Take all space, or all but so much; again, where something was freed since."""
        with self._ballast.open("ab", buffering=0) as file:
            try:
                while (free := self.free_bytes - leave_bytes) > 0:
                    file.write(_BLOCK[: min(free, len(_BLOCK))])
            except OSError:
                # Full, which is what was wanted.
                return

    def empty(self) -> None:
        """Give the space back."""
        self._ballast.unlink(missing_ok=True)


@asynccontextmanager
async def small_disk(folder: Path, *, mebibytes: int) -> AsyncGenerator[SmallDisk | None]:
    """Mount a disk on a folder that is there; None where that is not possible."""
    if os.geteuid() != 0 or await _run("mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=755", "tmpfs", folder):
        yield None
        return
    try:
        yield SmallDisk(folder)
    finally:
        # Lazily: whatever still has a file open there must not keep the mount for ever.
        await _run("umount", "--lazy", folder)


async def _run(*command: str | Path) -> int:
    try:
        process = await asyncio.create_subprocess_exec(
            *map(str, command), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
    except FileNotFoundError:
        return 1
    async with asyncio.timeout(_SECONDS):
        return await process.wait()
