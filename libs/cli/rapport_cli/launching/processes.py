"""Which processes a launcher has started: written down, so that leftovers of a dead one are known and ended."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGINT, SIGKILL
from typing import Final, cast

from rapport_cli.launching.home import Home, write_closed

_PATIENCE_SECONDS: Final = 15
_PAUSE_SECONDS: Final = 0.05
_ASK_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class Known:
    """One process; ids are used again, so what counts is the id together with the moment of its start."""

    pid: int
    started: str

    @property
    def is_alive(self) -> bool:
        """Whether that very process still runs."""
        return self.started != "" and _start_of(self.pid) == self.started


@dataclass(frozen=True, slots=True)
class Run:
    """A launcher and its processes."""

    launcher: Known
    services: tuple[str, ...] = ()
    doors: Mapping[str, int] = field(default_factory=dict[str, int])
    """Port on which each thing that people wait for answers `/ready`, by its name."""
    is_ready: bool = False
    processes: Mapping[str, Known] = field(default_factory=dict[str, Known])
    """By name of the part."""


def know(pid: int) -> Known:
    """Note a process that runs now."""
    return Known(pid, _start_of(pid))


def write_run(home: Home, run: Run) -> None:
    """Write down what runs."""
    members = {
        "launcher": _members(run.launcher),
        "services": run.services,
        "doors": dict(run.doors),
        "ready": run.is_ready,
        "processes": {name: _members(known) for name, known in run.processes.items()},
    }
    write_closed(home.run, json.dumps(members, indent=2) + "\n")


def read_run(home: Home) -> Run | None:
    """Return what was written down last; None if nothing was, or nothing that can be read."""
    try:
        members = cast("dict[str, object]", json.loads(home.run.read_bytes()))
        processes = cast("dict[str, dict[str, object]]", members["processes"])
        return Run(
            launcher=_known(cast("dict[str, object]", members["launcher"])),
            services=tuple(cast("list[str]", members["services"])),
            doors=cast("dict[str, int]", members["doors"]),
            is_ready=bool(members["ready"]),
            processes={name: _known(known) for name, known in processes.items()},
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return None


async def end_leftovers(home: Home) -> list[str]:
    """
    End what a launcher left behind that died before it could; the caller holds the folder's lock.

    Returns:
        Names of the parts that still ran.
    """
    run = read_run(home)
    if run is None:
        return []
    left = {name: known for name, known in run.processes.items() if known.is_alive}
    # SIGINT: it also has PostgreSQL end at once, instead of waiting for its clients.
    for signal in (SIGINT, SIGKILL):
        for known in left.values():
            if known.is_alive:
                with suppress(ProcessLookupError):
                    os.kill(known.pid, signal)
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while any(known.is_alive for known in left.values()):
                    await asyncio.sleep(_PAUSE_SECONDS)
                break
    home.run.unlink(missing_ok=True)
    return sorted(left)


def _members(known: Known) -> dict[str, object]:
    return {"pid": known.pid, "started": known.started}


def _known(members: Mapping[str, object]) -> Known:
    return Known(int(str(members["pid"])), str(members["started"]))


def _start_of(pid: int) -> str:
    """Say when a process started, in words that no other process of that id can share; empty if it does not run."""
    if sys.platform != "linux":
        return _ask_for_start_of(pid)
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    # The name in the second field may hold anything, brackets and spaces included.
    state, *fields = text[text.rindex(")") + 2 :].split()
    return "" if state in {"Z", "X"} else f"{boot} {fields[18]}"


def _ask_for_start_of(pid: int) -> str:
    command = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    answer = subprocess.run(command, capture_output=True, check=False, text=True, timeout=_ASK_SECONDS)  # noqa: S603
    state, _, started = answer.stdout.strip().partition(" ")
    return "" if state.startswith("Z") else started.strip()
