"""A broker of a test's own, of the kind that is wanted, which may be killed and started again."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from rapport_cli.embedded.broker import Broker
from tests import brokers, containers
from tests.brokers.apache import apache_kafka
from tests.brokers.jars import are_possible


class AnyBroker(Protocol):
    """What tests need of a broker."""

    @property
    def address(self) -> str:
        """Where clients begin."""
        ...

    async def start(self) -> None:
        """Start it, and wait until it is ready."""
        ...

    async def kill(self) -> None:
        """End it as a power cut would."""
        ...


@asynccontextmanager
async def any_broker(folder: Path) -> AsyncGenerator[AnyBroker]:
    """Run a broker in a folder; the embedded one forgets everything when it is killed."""
    if brokers.is_apache_wanted():
        async with one_apache_node(folder) as node:
            yield node
    else:
        broker = Broker(folder)
        await broker.start()
        try:
            yield broker
        finally:
            await broker.kill()


@asynccontextmanager
async def one_apache_node(folder: Path) -> AsyncGenerator[AnyBroker]:
    """Run one node of Apache Kafka: from its jars, or in a container where those are wanted or there is no Java."""
    if containers.are_wanted() or not are_possible():
        async with containers.contained_kafka() as contained:
            yield contained
    else:
        async with apache_kafka(folder) as cluster:
            yield cluster
