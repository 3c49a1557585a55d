"""One leader per ledger: a lock that lives and dies with a connection of its own."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import asyncpg

from rapport_events.database import Connection
from rapport_events.statements import load

_CONNECT_SECONDS = 10
_BEAT_SECONDS = 5.0


class LeadershipLost(Exception):
    """The connection that holds the lock was lost; another process may lead by now."""


@asynccontextmanager
async def leading(
    dsn: str,
    *,
    name: str,
    try_seconds: float,
    on_notify: Mapping[str, Callable[[str], None]],
    lock: str = "",
    connect: Callable[..., Awaitable[Connection]] = asyncpg.connect,
) -> AsyncGenerator[None]:
    """
    Wait until no other process leads, then lead; what is done inside is cancelled when the connection is lost.

    Args:
        dsn: Of the ledger's database, as keeper; without a pooler in between, which would share the lock.
        name: Shown in pg_stat_activity.
        try_seconds: How often the lock is tried.
        on_notify: By channel, what to do with a notification's payload.
        lock: The statement that tries the lock; that of the mirror where none is given.
        connect: The way to the database.

    Raises:
        LeadershipLost: The connection was lost.
    """
    settings = {"application_name": name, "idle_session_timeout": "0", "tcp_keepalives_idle": "10"}
    connection = await connect(dsn, timeout=_CONNECT_SECONDS, command_timeout=10, server_settings=settings)
    lost = asyncio.Event()
    connection.add_termination_listener(lambda _: lost.set())
    try:
        while not await connection.fetchval(lock or load("rapport_events", "mirror/lead")):
            await asyncio.sleep(try_seconds)
        for channel, tell in on_notify.items():
            await connection.add_listener(channel, _listener(tell))
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(_watch(connection, lost))
            yield
            watch.cancel()
    finally:
        # Not closed in order: that would wait for an answer, and the lock is given back either way.
        connection.terminate()


async def _watch(connection: Connection, lost: asyncio.Event) -> None:
    """Notice a lost connection at once where the server says so, else by its silence."""
    while True:
        try:
            async with asyncio.timeout(_BEAT_SECONDS):
                await lost.wait()
        except TimeoutError:
            try:
                await connection.execute(load("rapport_events", "mirror/beat"), timeout=_BEAT_SECONDS)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
                raise LeadershipLost from error
        else:
            raise LeadershipLost


def _listener(tell: Callable[[str], None]) -> Callable[..., None]:
    def hear(_connection: object, _process: int, _channel: str, payload: object) -> None:
        tell(str(payload))

    return hear
