"""The same servers from containers, for those who ask for them by RAPPORT_TEST_CONTAINERS=1 and have Docker."""

import os

from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from rapport_cli.embedded.child import free_port

_POSTGRES = "postgres:18"
_KAFKA = "apache/kafka:4.1.1"
_START_SECONDS = 120


def are_wanted() -> bool:
    """Say whether tests shall use containers."""
    return os.environ.get("RAPPORT_TEST_CONTAINERS") == "1"


def start_postgres() -> tuple[DockerContainer, str]:
    """Start PostgreSQL; returns it with the superuser's address."""
    port = free_port()
    container = (
        DockerContainer(_POSTGRES)
        .with_bind_ports(5432, port)
        .with_env("POSTGRES_PASSWORD", "rapport")
        .with_command("postgres -c max_locks_per_transaction=256 -c max_connections=200 -c fsync=off")
        .waiting_for(_log("PostgreSQL init process complete"))
    )
    container.start()
    return container, f"postgresql://postgres:rapport@127.0.0.1:{port}/postgres"


def start_kafka() -> tuple[DockerContainer, str]:
    """Start Apache Kafka as one node; returns it with its address."""
    port = free_port()
    settings = {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": f"PLAINTEXT://:{port},CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{port}",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
    }
    container = DockerContainer(_KAFKA).with_bind_ports(port, port).waiting_for(_log("Kafka Server started"))
    for name, value in settings.items():
        container = container.with_env(name, value)
    container.start()
    return container, f"127.0.0.1:{port}"


def _log(sentence: str) -> LogMessageWaitStrategy:
    return LogMessageWaitStrategy(sentence).with_startup_timeout(_START_SECONDS)
