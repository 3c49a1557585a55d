"""Whoever ends an attack finds nothing left behind."""

import asyncio
import sys
from pathlib import Path
from signal import SIGTERM
from typing import Final

from tests.architecture.tree import ROOT
from tests.waiting import until

START_SECONDS: Final = 60
END_SECONDS: Final = 60


def is_mounted(folder: Path) -> bool:
    """Say whether a disk is mounted in a folder."""
    return str(folder) in Path("/proc/mounts").read_text(encoding="utf-8")


def processes(folder: Path) -> list[str]:
    """Return the command lines of all processes that work in a folder."""
    found: list[str] = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line:
            found.append(line)
    return found


async def test_an_attack_that_is_ended_by_sigterm_leaves_no_process_and_no_mount(tmp_path: Path) -> None:
    options = ("--broker", "embedded", "--keep", str(tmp_path), "--report", str(tmp_path / "report.json"))
    log = (tmp_path / "log").open("wb")
    attack = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults", *options), cwd=ROOT, stdout=log, stderr=log
    )
    log.close()
    try:
        server = tmp_path / "embedded" / "own" / "cluster" / "postmaster.pid"
        await until(server.exists, seconds=START_SECONDS, what="its database runs")
        attack.send_signal(SIGTERM)
        async with asyncio.timeout(END_SECONDS):
            assert await attack.wait() == 128 + SIGTERM
    finally:
        if attack.returncode is None:
            attack.kill()
            await attack.wait()

    assert not is_mounted(tmp_path)
    assert processes(tmp_path) == []
