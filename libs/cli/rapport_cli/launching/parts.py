"""What a launcher starts: two servers, and the processes of the services."""

import asyncio
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGTERM
from typing import Final, Protocol

from rapport_cli.embedded.child import spawn
from rapport_cli.embedded.single import Single
from rapport_cli.launching.installed import Installed
from rapport_cli.launching.ports import CONSOLE, OFFSETS, PROBES
from rapport_cli.launching.readiness import look_at

ROLES: Final = ("http", "mirror", "readers", "effects")
ERASER: Final = "contacts"
"""The service that destroys keys, in its role `effects`."""
READY_SECONDS: Final = 120.0
"""How long a process may take until it answers; at its first start Python compiles a thousand files."""
WHOLE_SECONDS: Final = 45.0
"""After so long a process that answers is taken as it is, and what it still waits for is told."""
_LOOK_SECONDS: Final = 0.05
_LOG_BYTES_MAX: Final = 16 * 1024 * 1024


class Server(Protocol):
    """Something that runs in a process of its own."""

    @property
    def pid(self) -> int:
        """Process id; 0 when it does not run."""
        ...

    @property
    def log(self) -> Path:
        """Where its output goes."""
        ...

    async def start(self) -> None:
        """Start it; raises ServerFailed."""
        ...

    async def watch(self) -> None:
        """Return after `stop`; raises ServerFailed when it ended by itself."""
        ...

    async def stop(self) -> None:
        """End it in order."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """A server with its name, and what is to be done whenever it was started."""

    name: str
    server: Server
    after_start: Callable[[], Awaitable[None]] | None = None

    async def start(self) -> None:
        """Start it, and do what belongs to it."""
        await self.server.start()
        if self.after_start is not None:
            await self.after_start()


@dataclass(frozen=True, slots=True)
class Plan:
    """A process of services that is to be started."""

    name: str
    arguments: tuple[str, ...]
    """Of `python -m rapport_chassis.run`."""
    doors: Mapping[str, int]
    """Port on which each thing that people wait for answers `/ready`, by its name."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    """What it needs besides what all get."""
    erases: bool = False
    """Whether it is given the login that destroys keys."""
    shows_pages: bool = False
    """Whether the console is in it."""


class ServiceProcess(Single):
    """Roles of services in one process."""

    def __init__(self, plan: Plan, environment: Mapping[str, str], logs: Path) -> None:
        super().__init__()
        self.plan = plan
        # Killed and started again, its readers have their share of the partitions back at once.
        member = {"RAPPORT_MEMBER": f"{socket.gethostname()}-{plan.name}-{min(plan.doors.values())}"}
        self._environment = {**environment, **member, **plan.environment}
        self._log = logs / f"{plan.name}.log"

    @property
    def log(self) -> Path:
        """The file with its output."""
        return self._log

    async def start(self) -> None:
        """Start it; `become_ready` waits until it answers."""
        if self._log.exists() and self._log.stat().st_size > _LOG_BYTES_MAX:
            self._log.replace(self._log.with_suffix(".old.log"))
        self._child = await spawn(
            self.plan.name,
            [sys.executable, "-m", "rapport_chassis.run", *self.plan.arguments],
            log=self._log,
            dies_by=SIGTERM,
            environment=self._environment,
        )

    async def become_ready(self, tell: Callable[[str, str], None]) -> None:
        """
        Wait until all its doors answer.

        Args:
            tell: Is called with the name of each that does, and what that one still waits for, if anything.

        Raises:
            ServerFailed: It ended, or was not ready in time.
        """
        began, left = time.monotonic(), dict(self.plan.doors)
        while left and (child := self._child):
            if not child.is_alive:
                raise child.failure("did not start")
            waited = time.monotonic() - began
            for name, port in list(left.items()):
                look = await asyncio.to_thread(look_at, port)
                if look.is_whole or (look.is_able and waited > WHOLE_SECONDS):
                    del left[name]
                    tell(name, "" if look.is_whole else f"but: {look.waits_for}")
                elif waited > READY_SECONDS:
                    raise child.failure(f"was not ready within {READY_SECONDS:.0f} s: {name}: {look.waits_for}")
            await asyncio.sleep(_LOOK_SECONDS)


def plan_processes(base: int, services: Sequence[Installed], *, is_split: bool) -> list[Plan]:
    """Plan one process for all services, or one for each role of each."""
    if not is_split:
        names = tuple(service.name for service in services)
        doors = {name: base + OFFSETS[name] for name in names}
        return [Plan("services", names, doors, erases=ERASER in names, shows_pages=CONSOLE in names)]
    plans: list[Plan] = []
    for service in services:
        for role in ROLES if service.owns_ledger else ROLES[:1]:
            name, arguments = f"{service.name}-{role}", (service.name, "--roles", role)
            if role == "http":
                door, shows_pages = {name: base + OFFSETS[service.name]}, service.name == CONSOLE
                plans.append(Plan(name, arguments, door, shows_pages=shows_pages))
            else:
                port = base + PROBES + len(plans)
                erases = (service.name, role) == (ERASER, "effects")
                plans.append(Plan(name, arguments, {name: port}, {"RAPPORT_HEALTH_PORT": str(port)}, erases=erases))
    return plans
