"""A suite as `rapport up` starts it: processes, database and broker of its own, in a folder of its own."""

import asyncio
import os
import random
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg

from rapport_cli.embedded.child import Child, log_tail, spawn
from rapport_cli.launching.home import Home
from rapport_cli.launching.keys import OPERATOR, SCOPES, sign_token
from rapport_cli.launching.ports import HOST, OFFSETS, url_of
from rapport_cli.launching.processes import Run, read_run
from rapport_events.database import Connection
from tests import brokers
from tests.brokers.any import AnyBroker, one_apache_node
from tests.system.client import Client
from tests.waiting import until

OWNERS: Final = ("contacts", "interactions", "workflow", "analytics")
"""Services with a ledger and a database."""
UP_SECONDS: Final = 180
DOWN_SECONDS: Final = 60
VERB_SECONDS: Final = 120
_PORTS: Final = 60
_CONNECT_SECONDS: Final = 20
# Below the ports that systems give to clients, so that nobody takes one between our look and the start.
_BASES: Final = range(20_000, 32_000, _PORTS)


@dataclass(frozen=True, slots=True)
class Said:
    """What a verb of the command line said."""

    code: int
    out: str
    error: str


class Suite:
    """One suite; `up` again continues with its data."""

    def __init__(self, folder: Path, *, is_split: bool = False, settings: Mapping[str, str] | None = None) -> None:
        self.home = Home(folder / "suite")
        self.state = folder / "state"
        self.log = folder / "up.log"
        self.base = free_base()
        self._is_split = is_split
        self._settings = settings or {}
        self._launcher: Child | None = None
        self._apache = AsyncExitStack()
        self._cluster: AnyBroker | None = None

    @property
    def urls(self) -> dict[str, str]:
        """Address of each service."""
        return {name: url_of(self.base, name) for name in (*OWNERS, "console")}

    @property
    def kafka(self) -> str:
        """Address of the broker."""
        return self._cluster.address if self._cluster else f"{HOST}:{self.base + OFFSETS['broker']}"

    @property
    def run(self) -> Run:
        """What runs at this moment, as the launcher wrote it down."""
        run = read_run(self.home)
        assert run is not None, f"nothing runs in {self.home.folder}"
        return run

    @property
    def launcher(self) -> Child:
        """The process that was started last."""
        assert self._launcher is not None, "it was never started"
        return self._launcher

    async def up(self) -> None:
        """Start it, and wait until all of it is ready; it ends when this process does, however that ends."""
        command = ["up", "--data", str(self.home.folder), "--port-base", str(self.base), *await self._foreign_broker()]
        self._launcher = await spawn(
            "rapport up",
            [sys.executable, "-m", "rapport_cli", *command, *(["--split"] if self._is_split else [])],
            log=self.log,
            dies_by=signal.SIGTERM,
            environment=self._environment(self._settings),
        )
        await until(self._is_up_or_dead, seconds=UP_SECONDS, what="the suite is up")
        assert self._launcher.is_alive, log_tail(self.log)

    async def stop(self, by: signal.Signals = signal.SIGTERM) -> int:
        """Ask the launcher to stop; returns its exit code."""
        self.launcher.process.send_signal(by)
        async with asyncio.timeout(DOWN_SECONDS):
            return await self.launcher.wait()

    async def kill(self) -> None:
        """Kill everything at once, as a power cut would; only what this suite's launcher had started."""
        known = [self.run.launcher, *self.run.processes.values()]
        for process in known:
            if process.is_alive:
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
        if self._cluster:
            await self._cluster.kill()
        await until(lambda: not any(each.is_alive for each in known), seconds=30, what="all processes are gone")
        await self.launcher.wait()

    async def end(self) -> None:
        """Leave nothing behind, whatever happened before."""
        if self._launcher is not None and self._launcher.is_alive:
            await self._launcher.end(signal.SIGTERM, seconds=DOWN_SECONDS)
        if read_run(self.home) is not None:
            await self.verb("down")
        await self._apache.aclose()

    async def _foreign_broker(self) -> Sequence[str]:
        """Start the broker of the tests where it is not the embedded one, and say how to point at it."""
        if not brokers.is_apache_wanted():
            return ()
        if self._cluster is None:
            folder = self.home.folder.parent / "kafka"
            self._cluster = await self._apache.enter_async_context(one_apache_node(folder))
        await self._cluster.start()
        return ("--kafka", self._cluster.address)

    def token(self, tenant: str, *scopes: str) -> str:
        """Make a token; one that may do everything where no scopes are named."""
        chosen = scopes or (*SCOPES, OPERATOR)
        return sign_token(self.home, tenant=tenant, subject="tester", scopes=chosen, seconds=3600)

    def client(self, tenant: str, *scopes: str) -> Client:
        """Return a caller for a tenant."""
        return Client(self.urls, self.token(tenant, *scopes))

    def dsn(self, service: str, login: str) -> str:
        """Return the address of a service's database for one of its roles."""
        return (self.home.secrets / f"{service}_{login}").read_text(encoding="ascii").strip()

    def admin_dsn(self, service: str) -> str:
        """Return the address of a service's database for the superuser."""
        password = (self.home.folder / "postgres" / "password").read_text(encoding="ascii").strip()
        return f"postgresql://postgres:{password}@{HOST}:{self.base + OFFSETS['PostgreSQL']}/rapport_{service}"

    async def connect(self, service: str, login: str | None = None) -> Connection:
        """Connect to a service's database, as the superuser unless a role is named."""
        dsn = self.admin_dsn(service) if login is None else self.dsn(service, login)
        return await asyncpg.connect(dsn, timeout=_CONNECT_SECONDS)

    async def verb(self, *arguments: str, tenant: str | None = None, seconds: float = VERB_SECONDS) -> Said:
        """Call the command line as a person would, and wait for its end."""
        process = await self.begin_verb(*arguments, tenant=tenant)
        try:
            async with asyncio.timeout(seconds):
                out, error = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise
        return Said(process.returncode or 0, out.decode(), error.decode())

    async def begin_verb(self, *arguments: str, tenant: str | None = None) -> asyncio.subprocess.Process:
        """Call the command line, and let the caller wait."""
        more = {"RAPPORT_TOKEN": self.token(tenant)} if tenant else {}
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "rapport_cli", *arguments),
            env=self._environment({"RAPPORT_HOME": str(self.home.folder), **more}),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("RAPPORT_", "PG"))}
        return {**ours, "XDG_STATE_HOME": str(self.state), **more}

    def _is_up_or_dead(self) -> bool:
        if not self.launcher.is_alive:
            return True
        run = read_run(self.home)
        return run is not None and run.launcher.pid == self.launcher.pid and run.is_ready


def free_base() -> int:
    """Find a stretch of ports that nobody uses."""
    for base in random.sample(_BASES, len(_BASES)):
        if all(_is_free(base + offset) for offset in range(_PORTS)):
            return base
    msg = "no stretch of free ports"
    raise RuntimeError(msg)


def _is_free(port: int) -> bool:
    try:
        with socket.create_server((HOST, port)):
            return True
    except OSError:
        return False
