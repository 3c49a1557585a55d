"""The same servers from containers, for those who ask for them by RAPPORT_TEST_CONTAINERS=1 and have Docker."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from testcontainers.core.container import DockerContainer

from rapport_cli.embedded.child import free_port

# The same as in docker-compose.yml.
_POSTGRES = "postgres:18.6-trixie"
_KAFKA = "apache/kafka:4.3.1"
_START_SECONDS = 120


def are_wanted() -> bool:
    """Say whether tests shall use containers."""
    return os.environ.get("RAPPORT_TEST_CONTAINERS") == "1"


@asynccontextmanager
async def contained_postgres() -> AsyncGenerator[str]:
    """Run PostgreSQL in a container, and remove it at the end; yields the superuser's address."""
    port = free_port()
    container = (
        DockerContainer(_POSTGRES)
        .with_bind_ports(5432, port)
        .with_env("POSTGRES_PASSWORD", "rapport")
        .with_command("postgres -c max_locks_per_transaction=256 -c max_connections=300 -c fsync=off")
    )
    dsn = f"postgresql://postgres:rapport@127.0.0.1:{port}/postgres"
    try:
        await asyncio.to_thread(container.start)
        async with asyncio.timeout(_START_SECONDS):
            # While it is set up it listens on its socket alone.
            while not await _answers(dsn):
                await asyncio.sleep(0.1)
        yield dsn
    finally:
        await asyncio.to_thread(container.stop)


async def _answers(dsn: str) -> bool:
    try:
        connection = await asyncpg.connect(dsn, timeout=5)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    await connection.close()
    return True


class ContainedKafka:
    """Apache Kafka as one node in a container; what it holds survives its death, as long as the container is there."""

    def __init__(self) -> None:
        self._port = free_port()
        self._container = DockerContainer(_KAFKA).with_bind_ports(self._port, self._port)
        for name, value in _settings(self._port).items():
            self._container.with_env(name, value)
        self._is_made = False

    @property
    def address(self) -> str:
        """Where clients begin: `127.0.0.1:port`."""
        return f"127.0.0.1:{self._port}"

    async def start(self) -> None:
        """
        Start it, or start it again, and wait until it describes its cluster.

        Raises:
            TimeoutError: It was not ready in time.
        """
        if self._is_made:
            await asyncio.to_thread(self._container.get_wrapped_container().start)
        else:
            await asyncio.to_thread(self._container.start)
            self._is_made = True
        async with asyncio.timeout(_START_SECONDS):
            while not await self._is_ready():
                await asyncio.sleep(0.1)

    async def kill(self) -> None:
        """End it as a power cut would; without effect where it does not run."""
        wrapped = self._container.get_wrapped_container()
        await asyncio.to_thread(wrapped.reload)
        if wrapped.status == "running":
            await asyncio.to_thread(wrapped.kill)

    async def remove(self) -> None:
        """Leave nothing of it."""
        await asyncio.to_thread(self._container.stop)

    async def _is_ready(self) -> bool:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.address, request_timeout_ms=2_000)
        try:
            await admin.start()
            return len((await admin.describe_cluster())["brokers"]) == 1
        except (KafkaError, OSError):
            return False
        finally:
            await admin.close()


@asynccontextmanager
async def contained_kafka() -> AsyncGenerator[ContainedKafka]:
    """Run Apache Kafka in a container, and remove it at the end."""
    broker = ContainedKafka()
    try:
        await broker.start()
        yield broker
    finally:
        await broker.remove()


def _settings(port: int) -> dict[str, str]:
    return {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": f"PLAINTEXT://:{port},CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{port}",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "4",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_HEAP_OPTS": "-Xms96m -Xmx256m",
    }
