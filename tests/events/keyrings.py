"""A migrated keyring database for each test, and keyrings on it as processes have them."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest

from rapport_events.database import open_pool
from rapport_events.postgres_keyring import PostgresKeyring
from tests.databases import KeyringDatabase

MASTER_KEY = bytes(range(32))


@dataclass(slots=True)
class Clock:
    """Seconds that pass only when a test says so."""

    seconds: float = 1_000.0

    def __call__(self) -> float:
        return self.seconds

    def pass_by(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass(slots=True)
class Process:
    """What one process has: a pool and a keyring."""

    keyring: PostgresKeyring
    clock: Clock = field(default_factory=Clock)


StartProcess = Callable[..., Awaitable[Process]]


@pytest.fixture
async def start_process(keyring_database: KeyringDatabase) -> AsyncIterator[StartProcess]:
    """Start processes of contacts, which may also destroy; with `dsn` any other."""
    async with AsyncExitStack() as stack:

        async def start(
            *, dsn: str = keyring_database.eraser, master_key: bytes = MASTER_KEY, wait_seconds: float = 20
        ) -> Process:
            pool = await open_pool(dsn, name=f"test.{secrets.token_hex(4)}")
            stack.push_async_callback(pool.close)
            clock = Clock()
            return Process(PostgresKeyring(pool, master_key, clock=clock, wait_seconds=wait_seconds), clock)

        yield start
