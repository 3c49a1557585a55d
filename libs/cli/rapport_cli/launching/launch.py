"""Start a whole suite on this machine, keep each part of it running, and stop it in order."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Sequence
from typing import Final

import asyncpg
from aiokafka.errors import KafkaError

from rapport_cli.embedded.broker import Broker
from rapport_cli.embedded.child import ServerFailed
from rapport_cli.embedded.postgres import Postgres
from rapport_cli.launching.databases import Server, era_of, set_up_databases
from rapport_cli.launching.environment import address_of, catcher_of, environment_of, eraser_of, topic_prefix
from rapport_cli.launching.home import Home
from rapport_cli.launching.installed import Installed
from rapport_cli.launching.keys import password_of
from rapport_cli.launching.parts import Part, Plan, ServiceProcess, plan_processes
from rapport_cli.launching.ports import BROKER, OFFSETS, POSTGRES
from rapport_cli.launching.processes import Run, know, write_run
from rapport_cli.launching.screen import Screen
from rapport_events.envelope import topic_of
from rapport_events.kafka import apply_topics

_PAUSE_SECONDS_MIN: Final = 0.5
_PAUSE_SECONDS_MAX: Final = 30.0
_STEADY_SECONDS: Final = 60.0
"""A part that ran for this long begins again soon when it ends."""

_FAULTS: Final = (ServerFailed, KafkaError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


class Launch:
    """A suite from its start to its end; the caller holds the data folder's lock."""

    def __init__(self, home: Home, services: Sequence[Installed], screen: Screen, *, is_split: bool) -> None:
        self._home = home
        self._services = tuple(services)
        self._screen = screen
        self._is_split = is_split
        self._is_ready = False
        self._began = time.monotonic()
        self._me = know(os.getpid())
        suite = home.suite
        self._postgres = None
        self._broker = None
        if suite.postgres is None:
            self._postgres = Postgres(home.folder / "postgres", port=suite.port_base + OFFSETS[POSTGRES])
        if suite.kafka is None:
            self._broker = Broker(home.folder / "broker", port=suite.port_base + OFFSETS[BROKER])
        self._server = Server(suite.postgres or "")
        self._kafka = suite.kafka or (self._broker.address if self._broker else "")
        self._parts: list[Part] = []
        self._doors: dict[str, int] = {}

    async def run(self, on_up: Callable[[], None]) -> None:
        """
        Start everything, keep it, and stop it at SIGINT, SIGTERM or SIGHUP; the second signal ends us at once.

        Args:
            on_up: Is called as soon as everything is ready.

        Raises:
            ExceptionGroup: Something did not start (ServerFailed, KafkaError, OSError, asyncpg's errors).
        """
        stopping = _hear_signals()
        try:
            async with asyncio.TaskGroup() as group:
                work = group.create_task(self._work(on_up))
                await stopping.wait()
                self._screen.note("stopping")
                work.cancel()
        finally:
            await self._stop()

    async def _work(self, on_up: Callable[[], None]) -> None:
        await self._start_servers()
        await self._set_up()
        await self._start_services()
        self._is_ready = True
        self._write_run()
        on_up()
        async with asyncio.TaskGroup() as group:
            for part in self._parts:
                group.create_task(self._keep(part))

    async def _start_servers(self) -> None:
        own = {POSTGRES: self._postgres, BROKER: self._broker}
        after = {BROKER: self._apply_topics}
        self._parts = [Part(name, server, after.get(name)) for name, server in own.items() if server is not None]
        waiting = [part.name for part in self._parts]
        self._screen.waiting(waiting)

        async def start(part: Part) -> None:
            await part.server.start()
            waiting.remove(part.name)
            self._write_run()
            self._tell(part.name, f"127.0.0.1:{self._home.suite.port_base + OFFSETS[part.name]}", waiting)

        async with asyncio.TaskGroup() as group:
            for part in self._parts:
                group.create_task(start(part))
        if self._postgres is not None:
            self._server = Server(self._postgres.dsn)

    async def _set_up(self) -> None:
        self._screen.waiting(["databases"])
        changes = await set_up_databases(self._server, self._services, lambda role: password_of(self._home, role))
        self._tell("databases", f"{len(changes)} migrations applied" if changes else "up to date")
        await self._apply_topics()
        self._tell("topics", self._kafka)

    async def _apply_topics(self) -> None:
        owners = [service.name for service in self._services if service.owns_ledger]
        eras = [await era_of(address_of(self._home, self._server, name, "app")) for name in owners]
        topics = [topic_of(name, era, topic_prefix()) for name, era in zip(owners, eras, strict=True)]
        await apply_topics(self._kafka, topics)

    async def _start_services(self) -> None:
        environment = environment_of(self._home, self._server, self._kafka, self._services)
        plans = plan_processes(self._home.suite.port_base, self._services, is_split=self._is_split)
        self._doors = {name: port for plan in plans for name, port in plan.doors.items()}
        waiting = list(self._doors)
        self._screen.waiting(waiting)

        def tell(name: str, fault: str) -> None:
            waiting.remove(name)
            self._tell(name, fault, waiting)

        async def start(plan: Plan) -> None:
            more = eraser_of(self._home, self._server) if plan.erases else {}
            more |= catcher_of(self._home, self._services) if plan.shows_pages else {}
            process = ServiceProcess(plan, environment | more, self._home.logs)
            await process.start()
            self._parts.append(Part(plan.name, process))
            self._write_run()
            await process.become_ready(tell)

        async with asyncio.TaskGroup() as group:
            for plan in plans:
                group.create_task(start(plan))

    async def _keep(self, part: Part) -> None:
        """Start a part again whenever it ends by itself, later each time."""
        pause, is_down = _PAUSE_SECONDS_MIN, False
        while True:
            began = time.monotonic()
            try:
                if is_down:
                    await part.start()
                    self._write_run()
                    self._screen.note(f"{part.name} runs again")
                    is_down = False
                await part.server.watch()
                return
            except _FAULTS as error:
                # The rest of the message is the end of a log, whose place it tells.
                what = str(error).partition("\n")[0] or type(error).__name__
            is_down = True
            pause = _PAUSE_SECONDS_MIN if time.monotonic() - began > _STEADY_SECONDS else pause
            self._screen.note(f"{what}; {part.name} starts again in {pause:.1f} s")
            await asyncio.sleep(pause)
            pause = min(2 * pause, _PAUSE_SECONDS_MAX)

    async def _stop(self) -> None:
        """Services first, that they may still write down how far they are; then what they work with."""
        servers = {POSTGRES, BROKER}
        for is_server in (False, True):
            ending = [part.server.stop() for part in self._parts if (part.name in servers) is is_server]
            await asyncio.gather(*ending, return_exceptions=True)
        self._home.run.unlink(missing_ok=True)

    def _tell(self, name: str, more: str = "", waiting: Sequence[str] = ()) -> None:
        self._screen.ready(name, time.monotonic() - self._began, more)
        self._screen.waiting(list(waiting))

    def _write_run(self) -> None:
        running = {part.name: know(part.server.pid) for part in self._parts if part.server.pid}
        names = tuple(service.name for service in self._services)
        run = Run(self._me, services=names, doors=self._doors, is_ready=self._is_ready, processes=running)
        write_run(self._home, run)


def _hear_signals() -> asyncio.Event:
    """Return what is set by the first signal to stop; the next one has its usual effect."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hear() -> None:
        for number in numbers:
            loop.remove_signal_handler(number)
        stopping.set()

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, hear)
    return stopping
