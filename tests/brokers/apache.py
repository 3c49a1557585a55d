"""Apache Kafka in KRaft mode on the loopback address: one node, or three that may be killed in turn."""

import asyncio
import base64
import secrets
import shutil
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import ClassVar

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from rapport_cli.embedded.child import ServerFailed, free_port, spawn
from rapport_cli.embedded.single import Single
from tests.brokers.jars import jars

_HERE = Path(__file__).parent
_JVM = ("-XX:+UseSerialGC", "-Xms96m", "-XX:TieredStopAtLevel=1")
_READY_SECONDS = 90


class Node(Single):
    """One process that is broker and controller."""

    stop_signal: ClassVar = SIGTERM

    def __init__(self, folder: Path, libs: Path, number: int, ports: tuple[int, int]) -> None:
        super().__init__()
        self.number = number
        self.port, self.controller_port = ports
        self._folder = folder / f"node-{number}"
        self._libs = libs
        self._heap = "-Xmx256m"
        self.archive = f"-XX:SharedArchiveFile={_archive(libs)}"
        """Classes that the JVM takes as they were loaded once; without the file it loads them anew."""

    @property
    def log(self) -> Path:
        """The file with its output."""
        return self._folder / "node.log"

    async def format(self, cluster_id: str, nodes: Sequence["Node"]) -> None:
        """Write its properties, and prepare its folder for a cluster."""
        self._folder.mkdir(parents=True)
        properties = _properties(self, nodes, self._folder / "data")
        self._properties.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))
        if len(nodes) > 1:
            self._heap = "-Xmx192m"
        tool = ("kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(self._properties))
        child = await spawn("format", self._java(*tool), log=self.log, dies_by=SIGKILL)
        if await child.wait():
            raise child.failure("failed")

    async def start(self) -> None:
        """Start the process; the cluster says when it is ready."""
        await self.stop()
        command = self._java("kafka.Kafka", str(self._properties))
        self._child = await spawn(f"kafka-{self.number}", command, log=self.log, dies_by=SIGKILL)

    @property
    def _properties(self) -> Path:
        return self._folder / "node.properties"

    def _java(self, *arguments: str) -> list[str]:
        log4j = f"-Dlog4j2.configurationFile={_HERE / 'log4j2.properties'}"
        return ["/usr/bin/env", "java", *_JVM, self._heap, self.archive, log4j, "-cp", f"{self._libs}/*", *arguments]


class ApacheKafka:
    """A cluster of nodes in one folder; its data survives a restart of its nodes."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.nodes = tuple(nodes)

    @property
    def address(self) -> str:
        """Where clients begin: all nodes."""
        return ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    async def start(self) -> None:
        """
        Start the nodes that do not run, and wait until the cluster describes all of them.

        Raises:
            ServerFailed: They were not ready in time; the message ends with a node's log.
        """
        for node in self.nodes:
            if not node.pid:
                await node.start()
        try:
            async with asyncio.timeout(_READY_SECONDS):
                while await self._count() != len(self.nodes):
                    await asyncio.sleep(0.1)
        except TimeoutError:
            said = self.nodes[0].log.read_text(errors="replace")[-2_000:]
            await self.kill()
            msg = f"Apache Kafka was not ready within {_READY_SECONDS} s:\n{said}"
            raise ServerFailed(msg) from None

    async def kill(self) -> None:
        """End all nodes as a power cut would."""
        for node in self.nodes:
            await node.kill()

    async def _count(self) -> int:
        """Return how many nodes the cluster knows; 0 while nobody answers."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.address, request_timeout_ms=2_000)
        try:
            await admin.start()
            return len((await admin.describe_cluster())["brokers"])
        except (KafkaError, OSError):
            return 0
        finally:
            await admin.close()


@asynccontextmanager
async def apache_kafka(folder: Path, *, nodes: int = 1) -> AsyncGenerator[ApacheKafka]:
    """
    Run a cluster in a folder, and kill it at the end.

    Raises:
        NoJava: This machine cannot run it.
        ServerFailed: It did not become ready.
    """
    libs = await jars()
    await _keep_classes(libs, folder / "classes")
    made = [Node(folder, libs, number, (free_port(), free_port())) for number in range(1, nodes + 1)]
    cluster = ApacheKafka(made)
    try:
        await _format(made)
        await cluster.start()
        yield cluster
    finally:
        await cluster.kill()


async def _format(nodes: Sequence[Node]) -> None:
    # The tool would take an id that begins with a dash for an option.
    cluster_id = base64.urlsafe_b64encode(b"r" + secrets.token_bytes(15)).decode().rstrip("=")
    async with asyncio.TaskGroup() as group:
        for node in nodes:
            group.create_task(node.format(cluster_id, nodes))


def _archive(libs: Path) -> Path:
    return libs.with_name(f"{libs.name}.jsa")


async def _keep_classes(libs: Path, folder: Path) -> None:
    """Run a node once and end it in order, so that all later ones start in half the time."""
    if _archive(libs).exists():
        return
    node = Node(folder, libs, 1, (free_port(), free_port()))
    await _format([node])
    draft = folder / "classes.jsa"
    node.archive = f"-XX:ArchiveClassesAtExit={draft}"
    try:
        await ApacheKafka([node]).start()
        await node.stop()
        await asyncio.to_thread(shutil.move, draft, _archive(libs))
    finally:
        await node.kill()


def _properties(node: Node, nodes: Sequence[Node], data: Path) -> dict[str, object]:
    copies = min(3, len(nodes))
    return {
        "process.roles": "broker,controller",
        "node.id": node.number,
        "controller.quorum.voters": ",".join(f"{each.number}@127.0.0.1:{each.controller_port}" for each in nodes),
        "listeners": f"PLAINTEXT://127.0.0.1:{node.port},CONTROLLER://127.0.0.1:{node.controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{node.port}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "log.dirs": data,
        "default.replication.factor": copies,
        "min.insync.replicas": max(1, copies - 1),
        "offsets.topic.replication.factor": copies,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": max(1, copies - 1),
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": max(1, copies - 1),
        "group.initial.rebalance.delay.ms": 0,
        "auto.create.topics.enable": "false",
        "broker.session.timeout.ms": 6_000,
        # Its default of 128 MiB alone overflows a small heap.
        "log.cleaner.dedupe.buffer.size": 4 * 1024 * 1024,
        "num.network.threads": 2,
        "num.io.threads": 4,
    }
