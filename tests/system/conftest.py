"""One suite that all tests share which kill nothing, each as a tenant of its own."""

import secrets
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.system.client import Client
from tests.system.deployed import Deployed, is_given
from tests.system.suites import Suite

Say = Callable[[str], None]

SECONDS_MAX = 300
"""Whole suites start, die and catch up here: on a busy machine that takes its time."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests of this folder more time, unless they say how much they need."""
    for item in items:
        if item.path.parent == Path(__file__).parent and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(SECONDS_MAX))


@pytest.fixture(scope="session")
async def suite(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Suite]:
    """Start a suite in one process, once for the run; or take the one that is given."""
    folder = tmp_path_factory.mktemp("shared")
    suite = Deployed(folder) if is_given() else Suite(folder)
    try:
        await suite.up()
        yield suite
    finally:
        await suite.end()


@pytest.fixture
def tenant() -> str:
    """Name a tenant that no other test uses."""
    return f"t{secrets.token_hex(4)}"


@pytest.fixture
async def client(suite: Suite, tenant: str) -> AsyncIterator[Client]:
    """Call as the test's tenant, with every right."""
    async with suite.client(tenant) as client:
        yield client


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Say something that people should see, even where all tests pass."""

    def write(text: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{text}\n")

    return write
