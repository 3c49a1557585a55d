"""A whole suite on this machine for the time of a measurement, as `rapport up` starts it."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

RAPPORT = (sys.executable, "-m", "rapport_cli")
PORT_BASE = 7950
START_SECONDS = 180


@dataclass(frozen=True, slots=True)
class Suite:
    """Where a running suite is."""

    folder: Path

    def rapport(self, *words: str, token: str | None = None, seconds: float = 1_800) -> str:
        """Run the `rapport` command, and return what it prints."""
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.folder.parent)} | (
            {"RAPPORT_TOKEN": token} if token else {}
        )
        done = subprocess.run(
            [*RAPPORT, *words], capture_output=True, text=True, timeout=seconds, check=False, env=environment
        )
        if done.returncode:
            msg = f"rapport {words[0]} failed: {done.stderr[-2_000:]}"
            raise RuntimeError(msg)
        return done.stdout

    def token(self, tenant: str) -> str:
        """Make a token of a tenant."""
        return self.rapport("token", "--tenant", tenant, "--data", str(self.folder)).strip()

    def url(self, service: str) -> str:
        """Return the address of a service."""
        services = ("console", "contacts", "interactions", "workflow", "analytics")
        return f"http://127.0.0.1:{PORT_BASE + services.index(service)}"


@contextmanager
def running() -> Generator[Suite]:
    """Start a suite in a folder of its own, and stop it afterwards."""
    home = Path(tempfile.mkdtemp(prefix="rapport-bench-"))
    folder = home / "data"
    suite = Suite(folder)
    try:
        suite.rapport("up", "--detach", "--data", str(folder), "--port-base", str(PORT_BASE), seconds=START_SECONDS)
        yield suite
    finally:
        subprocess.run([*RAPPORT, "down", "--data", str(folder)], capture_output=True, timeout=120, check=False)
        shutil.rmtree(home, ignore_errors=True)
