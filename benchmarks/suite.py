"""A whole suite on this machine for the time of a measurement, as `rapport up` starts it."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

RAPPORT = (sys.executable, "-m", "rapport_cli")
PORT_BASE = 7950
START_SECONDS = 180


@dataclass(frozen=True, slots=True)
class Run:
    """What a command said, how long it took, and how much memory it had at most."""

    told: str
    seconds: float
    mebibytes: float


@dataclass(frozen=True, slots=True)
class Suite:
    """Where a running suite is."""

    folder: Path

    def rapport(self, *words: str, token: str | None = None, seconds: float = 1_800) -> str:
        """Run the `rapport` command, and return what it prints."""
        environment = self._environment(token)
        done = subprocess.run(
            [*RAPPORT, *words], capture_output=True, text=True, timeout=seconds, check=False, env=environment
        )
        if done.returncode:
            msg = f"rapport {words[0]} failed: {done.stderr[-2_000:]}"
            raise RuntimeError(msg)
        return done.stdout

    def measured(self, *words: str, token: str, codes: tuple[int, ...] = (0,)) -> Run:
        """Run the `rapport` command, and return what it printed and took; it must end with one of the codes."""
        began = time.perf_counter()
        with tempfile.TemporaryFile("w+") as said:
            process = subprocess.Popen([*RAPPORT, *words], stdout=said, env=self._environment(token))
            _, status, used = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - began
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode not in codes:
                msg = f"rapport {words[0]} failed: {process.returncode}"
                raise RuntimeError(msg)
            said.seek(0)
            return Run(said.read(), seconds, used.ru_maxrss / 1024)

    def _environment(self, token: str | None) -> dict[str, str]:
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.folder.parent)}
        return environment | {"RAPPORT_TOKEN": token} if token else environment

    def token(self, tenant: str) -> str:
        """Make a token of a tenant."""
        return self.rapport("token", "--tenant", tenant, "--data", str(self.folder)).strip()

    def url(self, service: str) -> str:
        """Return the address of a service."""
        services = ("console", "contacts", "interactions", "workflow", "analytics")
        return f"http://127.0.0.1:{PORT_BASE + services.index(service)}"


@contextmanager
def running(kafka: str | None = None, *, is_split: bool = False) -> Generator[Suite]:
    """Start a suite in a folder of its own, on its own broker or on another one, and stop it afterwards."""
    home = Path(tempfile.mkdtemp(prefix="rapport-bench-"))
    folder = home / "data"
    suite = Suite(folder)
    try:
        other = (*(["--kafka", kafka] if kafka else []), *(["--split"] if is_split else []))
        words = ("up", "--detach", "--data", str(folder), "--port-base", str(PORT_BASE), *other)
        suite.rapport(*words, seconds=START_SECONDS)
        yield suite
    finally:
        subprocess.run([*RAPPORT, "down", "--data", str(folder)], capture_output=True, timeout=120, check=False)
        shutil.rmtree(home, ignore_errors=True)
