"""Servers that tests share: real PostgreSQL and a real broker, made once for each run."""

import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from rapport_cli.embedded.postgres import Postgres
from tests import brokers, containers
from tests.brokers.any import AnyBroker, any_broker
from tests.chassis.houses import House
from tests.databases import Databases, KeyringDatabase, ServiceDatabase

MakeDatabase = Callable[[], Awaitable[str]]
MakeServiceDatabase = Callable[[str], Awaitable[ServiceDatabase]]

# Speed: a test's database need not survive a power cut. Tests of crashes start servers of their own.
_TEST_SETTINGS = {"fsync": "off", "full_page_writes": "off", "max_connections": "300"}
_WHOLE_SUITES = {Path(__file__).parent / name for name in ("system", "faults")}


def pytest_report_header() -> str:
    """Say on which broker the tests run."""
    name = "Apache Kafka" if brokers.is_apache_wanted() else "the embedded one"
    return f"broker: {name}{', for those tests that use one' if brokers.are_others_left_out() else ''}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what has nothing to say on this broker: on Apache Kafka, whatever uses none."""
    left_out = [item for item in items if not _belongs_here(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in set(left_out)]


def _belongs_here(item: pytest.Item) -> bool:
    if item.get_closest_marker("embedded_broker" if brokers.is_apache_wanted() else "apache_kafka") is not None:
        return False
    fixtures: Sequence[str] = getattr(item, "fixturenames", ())
    uses_broker = not {"kafka", "own_broker"}.isdisjoint(fixtures) or item.path.parent in _WHOLE_SUITES
    return uses_broker or not brokers.are_others_left_out()


@pytest.fixture(scope="session")
async def postgres(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Address of a server for its superuser: RAPPORT_TEST_POSTGRES, a container, or the embedded one."""
    given = os.environ.get("RAPPORT_TEST_POSTGRES")
    if given:
        yield given
    elif containers.are_wanted():
        async with containers.contained_postgres() as dsn:
            yield dsn
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
    else:
        async with any_broker(tmp_path_factory.mktemp("kafka")) as broker:
            yield broker.address


@pytest.fixture
async def own_broker(tmp_path: Path) -> AsyncIterator[AnyBroker]:
    """Start a broker that the test may kill and start again; the embedded one forgets everything then."""
    async with any_broker(tmp_path / "broker") as broker:
        yield broker


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
async def house(
    tmp_path: Path,
    make_service_database: MakeServiceDatabase,
    keyring_database: KeyringDatabase,
    kafka: str,
    topic_prefix: str,
) -> AsyncIterator[House]:
    """Build a shop of real processes; none runs yet."""
    built = await House.build(
        tmp_path, await make_service_database("interactions"), keyring_database, kafka, topic_prefix
    )
    yield built
    await built.end()


@pytest.fixture
def data_folder() -> Path:
    """Folder of the public data sets: RAPPORT_TEST_DATA, or beside the project."""
    return Path(os.environ.get("RAPPORT_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
