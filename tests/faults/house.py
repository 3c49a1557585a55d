"""The suite that is attacked: each role of each service a process of its own, on two database servers and a broker."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal

import asyncpg

from rapport_cli.embedded.broker import Broker
from rapport_cli.embedded.postgres import Postgres
from rapport_cli.launching.databases import Server, era_of
from rapport_cli.launching.environment import catcher_of, eraser_of
from rapport_cli.launching.home import Home
from rapport_cli.launching.installed import find_installed
from rapport_cli.launching.parts import Plan, ServiceProcess, plan_processes
from rapport_cli.launching.ports import url_of
from rapport_cli.launching.readiness import look_at
from rapport_events.database import Connection
from rapport_events.envelope import topic_of
from rapport_events.kafka import apply_topics
from tests.brokers.apache import ApacheKafka, apache_kafka
from tests.faults.parts import Part
from tests.small_disk import SmallDisk, small_disk
from tests.system.suites import OWNERS, free_base
from tests.system.two_servers import MOVED, TwoServers
from tests.waiting import until

Kind = Literal["embedded", "apache"]
KINDS: Final[tuple[Kind, ...]] = ("embedded", "apache")
SERVICES: Final = (*OWNERS, "console")
NODES: Final = 3
UP_SECONDS: Final = 180
TWINS: Final = ("analytics-readers", "interactions-mirror")
"""Of these there are two: whoever is stopped is stood in for, and comes back as a zombie."""
_TWIN_PORTS: Final = 50
_DISK_MEBIBYTES: Final = 2_560
_CONNECT_SECONDS: Final = 5


@dataclass(slots=True)
class House(TwoServers):
    """Everything that runs, by name; what ends is started again."""

    services: tuple[str, ...] = SERVICES
    kind: Kind = "embedded"
    parts: dict[str, Part] = field(default_factory=dict[str, Part])
    doors: dict[str, int] = field(default_factory=dict[str, int])
    """Port on which each process says whether it is ready."""
    disk: SmallDisk | None = None
    """What the database of interactions lies on, where this machine lets us mount it."""
    keeping: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])

    @property
    def kafka(self) -> str:
        """Where clients of the broker begin."""
        return self.broker.address

    @property
    def urls(self) -> Mapping[str, str]:
        """Address of each service, the public door among them."""
        return {name: url_of(self.base, name) for name in SERVICES}

    async def up(self) -> None:
        """Start all services, one process for each role, and somebody who keeps everything running."""
        self.environment["RAPPORT_CONSUMER_GROUPS"] = str(self.kind == "apache").lower()
        await self.apply_topics()
        servers = [Part("postgres", self.common), Part("postgres-interactions", self.own)]
        if isinstance(self.broker, Broker):
            servers.append(Part("broker", self.broker, self.apply_topics))
        elif isinstance(self.broker, ApacheKafka):
            servers += [Part(f"kafka-{node.number}", node) for node in self.broker.nodes]
        processes = self._processes()
        for part in processes:
            await part.start()
        self.parts = {part.name: part for part in (*servers, *processes)}
        self.keeping = [asyncio.create_task(part.keep()) for part in self.parts.values()]
        await until(self.is_answering, seconds=UP_SECONDS, what="all processes answer")

    def _processes(self) -> list[Part]:
        installed = find_installed(self.services)
        plans = plan_processes(self.base, installed, is_split=True)
        twins = [_twin(plan, self.base + _TWIN_PORTS + n) for n, plan in enumerate(plans) if plan.name in TWINS]
        parts: list[Part] = []
        for plan in (*plans, *twins):
            more = eraser_of(self.home, Server(self.common.dsn)) if plan.erases else {}
            more |= catcher_of(self.home, installed) if plan.shows_pages else {}
            process = ServiceProcess(plan, self.environment | more, self.home.logs)
            self.doors |= plan.doors
            parts.append(_part(process, plan))
        return parts

    async def is_answering(self) -> bool:
        """Say whether every process answers."""
        return all(await asyncio.gather(*(part.is_answering() for part in self.parts.values())))

    async def apply_topics(self) -> None:
        """Make the topics of all ledgers in their eras, as whoever sets a suite up does."""
        await apply_topics(self.kafka, [topic_of(name, await era_of(self.dsn(name))) for name in OWNERS])

    def dsn(self, service: str) -> str:
        """Return the address of a service's database for the superuser."""
        return self.server_of(service).dsn_of(f"rapport_{service}")

    def server_of(self, service: str) -> Postgres:
        """Return the server with a service's database."""
        return self.own if service == MOVED else self.common

    async def connect(self, service: str) -> Connection:
        """Connect to a service's database as the superuser."""
        return await asyncpg.connect(self.dsn(service), timeout=_CONNECT_SECONDS, command_timeout=60)

    async def down(self) -> None:
        """Stop everything that was started here."""
        for task in self.keeping:
            task.cancel()
        await asyncio.gather(*self.keeping, return_exceptions=True)
        services = [part for part in self.parts.values() if isinstance(part.server, ServiceProcess)]
        await asyncio.gather(*(part.server.stop() for part in services), return_exceptions=True)


def _twin(plan: Plan, port: int) -> Plan:
    name = f"{plan.name}-2"
    return replace(plan, name=name, doors={name: port}, environment={"RAPPORT_HEALTH_PORT": str(port)})


def _part(process: ServiceProcess, plan: Plan) -> Part:
    (port,) = plan.doors.values()

    async def is_answering() -> bool:
        return (await asyncio.to_thread(look_at, port)).is_able

    return Part(plan.name, process, is_answering=is_answering)


@asynccontextmanager
async def house(folder: Path, kind: Kind) -> AsyncGenerator[House]:
    """Start a suite with all its servers, and leave nothing behind."""
    async with AsyncExitStack() as stack:
        (folder / "own").mkdir(parents=True)
        disk = await stack.enter_async_context(small_disk(folder / "own", mebibytes=_DISK_MEBIBYTES))
        own = Postgres(folder / "own", settings={"max_wal_size": "192MB"})
        common = Postgres(folder / "common")
        for server in (own, common):
            stack.push_async_callback(server.kill)
        broker: Broker | ApacheKafka
        if kind == "apache":
            broker = await stack.enter_async_context(apache_kafka(folder / "kafka", nodes=NODES))
        else:
            broker = Broker(folder / "broker")
            stack.push_async_callback(broker.kill)
            await broker.start()
        await asyncio.gather(own.start(), common.start())
        made = House(folder, own, common, broker, Home(folder / "suite"), free_base(), kind=kind, disk=disk)
        await made.set_up()
        stack.push_async_callback(made.down)
        await made.up()
        yield made
