"""How much memory an idle suite takes: all of it in one process, and each role in a process of its own."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from benchmarks.suite import running
from rapport_cli.launching.home import Home
from rapport_cli.launching.processes import read_run

SUITE_MEBIBYTES: Final = 700
ROLE_MEBIBYTES: Final = 120
_SETTLE_SECONDS: Final = 10


def measure() -> list[dict[str, object]]:
    """Start a suite in both ways, and add up what its processes hold."""
    together = _held(is_split=False)
    apart = {name: held for name, held in _held(is_split=True).items() if "-" in name}
    largest = max(apart, key=lambda name: apart[name])
    whole = ", ".join(f"{name} {held:.0f}" for name, held in sorted(together.items()))
    return [
        _row("memory_suite", sum(together.values()), SUITE_MEBIBYTES, whole),
        _row("memory_role_max", apart[largest], ROLE_MEBIBYTES, f"{largest}, the largest of {len(apart)}"),
    ]


def _held(*, is_split: bool) -> Mapping[str, float]:
    """Return for each part of a suite, by its name, the MiB that it and its children hold."""
    with running(is_split=is_split) as suite:
        time.sleep(_SETTLE_SECONDS)
        run = read_run(Home(suite.folder))
        if run is None:
            raise RuntimeError("the suite does not run")
        children = _children()
        held = {name: _family(known.pid, children) for name, known in run.processes.items()}
        return {**held, "launcher": _proportional(run.launcher.pid)}


def _family(pid: int, children: Mapping[int, list[int]]) -> float:
    return _proportional(pid) + sum(_family(child, children) for child in children.get(pid, []))


def _children() -> Mapping[int, list[int]]:
    found: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        found.setdefault(parent, []).append(int(status.parent.name))
    return found


def _proportional(pid: int) -> float:
    """Return the MiB of a process, those that it shares divided among all who share them (proc(5), Pss)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _row(name: str, value: float, limit: int, reference: str) -> dict[str, object]:
    return {
        "name": name,
        "ratio": round(value / limit, 3),
        "value": round(value),
        "unit": "MiB",
        "reference": f"at most {limit} MiB; {reference}",
        "goal": 1.0,
    }


if __name__ == "__main__":
    for row in measure():
        print(json.dumps(row))
