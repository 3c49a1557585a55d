"""Servers that tests share: real PostgreSQL and a real broker, made once for each run."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from rapport_cli.embedded.broker import Broker
from rapport_cli.embedded.postgres import Postgres
from tests import brokers, containers
from tests.brokers.apache import apache_kafka
from tests.databases import Databases, KeyringDatabase, ServiceDatabase

MakeDatabase = Callable[[], Awaitable[str]]
MakeServiceDatabase = Callable[[str], Awaitable[ServiceDatabase]]

# Speed: a test's database need not survive a power cut. Tests of crashes start servers of their own.
_TEST_SETTINGS = {"fsync": "off", "full_page_writes": "off", "max_connections": "300"}


@pytest.fixture(scope="session")
async def postgres(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Address of a server for its superuser: RAPPORT_TEST_POSTGRES, a container, or the embedded one."""
    given = os.environ.get("RAPPORT_TEST_POSTGRES")
    if given:
        yield given
    elif containers.are_wanted():
        container, dsn = await asyncio.to_thread(containers.start_postgres)
        yield dsn
        await asyncio.to_thread(container.stop)
    else:
        server = Postgres(tmp_path_factory.mktemp("postgres"), settings=_TEST_SETTINGS)
        await server.start()
        yield server.dsn
        await server.kill()


@pytest.fixture(scope="session")
async def kafka(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Address of a broker: RAPPORT_TEST_KAFKA, a container, Apache Kafka from its jars, or the embedded one."""
    given = os.environ.get("RAPPORT_TEST_KAFKA")
    if given:
        yield given
    elif containers.are_wanted():
        container, address = await asyncio.to_thread(containers.start_kafka)
        yield address
        await asyncio.to_thread(container.stop)
    elif brokers.is_apache_wanted():
        async with apache_kafka(tmp_path_factory.mktemp("kafka")) as cluster:
            yield cluster.address
    else:
        broker = Broker(tmp_path_factory.mktemp("broker"))
        await broker.start()
        yield broker.address
        await broker.kill()


@pytest.fixture
def topic_prefix() -> str:
    """Prefix of the topics of one test, so that tests share a broker without meeting."""
    return f"t{secrets.token_hex(4)}"


@pytest.fixture(scope="session")
async def databases(postgres: str) -> AsyncIterator[Databases]:
    """Makes and drops databases."""
    databases = Databases(postgres)
    yield databases
    await databases.drop_templates()


@pytest.fixture
async def make_database(databases: Databases) -> AsyncIterator[MakeDatabase]:
    """Make empty databases for one test; each call returns the superuser's address of a new one."""
    names: list[str] = []

    async def make() -> str:
        names.append(await databases.make())
        return databases.dsn(names[-1])

    yield make
    for name in names:
        await databases.drop(name)


@pytest.fixture
async def make_service_database(databases: Databases) -> AsyncIterator[MakeServiceDatabase]:
    """Make migrated databases for one test; each call takes a service's name and returns a new one."""
    names: list[str] = []

    async def make(service: str) -> ServiceDatabase:
        name, database = await databases.service(service)
        names.append(name)
        return database

    yield make
    for name in names:
        await databases.drop(name)


@pytest.fixture
async def keyring_database(databases: Databases) -> AsyncIterator[KeyringDatabase]:
    """Make a keyring's database for one test."""
    name, database = await databases.keyring()
    yield database
    await databases.drop(name)


@pytest.fixture
def data_folder() -> Path:
    """Folder of the public data sets: RAPPORT_TEST_DATA, or beside the project."""
    return Path(os.environ.get("RAPPORT_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
