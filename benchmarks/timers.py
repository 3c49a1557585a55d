"""Fire 100,000 timers that are due at once, beside the same appends alone; each fires once, and none early."""

import asyncio
import json
import tempfile
import time
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import asyncpg
import uvloop

from rapport_cli.embedded.postgres import Postgres
from rapport_events.contracts.base import Event
from rapport_events.contracts.workflow import TimerAbout, TimerCancelled, TimerFired, TimerScheduled
from rapport_events.database import Pool, open_pool
from rapport_events.gate import reopen
from rapport_events.ids import PARTITIONS, CustomerId, TenantId, new_id, partition_of_customer
from rapport_events.ledger import Append
from rapport_events.migrate import migrate, prepare
from rapport_events.postgres_ledger import PostgresLedger, append_within
from rapport_events.reactions import Cause, caused_append
from rapport_events.reader import ViewReader
from rapport_events.testing import TENANT, arrived
from rapport_events.timers import TIMERS_AT_ONCE, Timers, fire_all, timer_stream

TIMERS = 100_000
CUSTOMERS = 5_000
PASSWORD = "bench"  # noqa: S105  # the server listens on loopback and dies with the run
LATE = timedelta(minutes=1)


def appends(kind: type[TimerScheduled] | type[TimerCancelled], due_at: datetime) -> list[tuple[TenantId, Append]]:
    """Make one append of one event for each timer, each in a stream of its own."""
    customers = [new_id() for _ in range(CUSTOMERS)]
    made: list[tuple[TenantId, Append]] = []
    for n in range(TIMERS):
        customer = customers[n * 7919 % CUSTOMERS]
        timer_id = new_id(partition_of_customer(TENANT, CustomerId(customer)))
        about = TimerAbout(kind="run", id=timer_id)
        event: Event = (
            TimerScheduled(timer_id=timer_id, about=about, due_at=due_at)
            if kind is TimerScheduled
            else TimerCancelled(timer_id=timer_id, about=about)
        )
        cause = Cause(TENANT, str(customer), str(new_id()), "bench", due_at, due_at - LATE)
        made.append((TENANT, caused_append(timer_stream(timer_id), [event], cause=cause, actor="bench")))
    return made


async def append_all(pool: Pool, made: list[tuple[TenantId, Append]]) -> None:
    """Append in groups of the size in which timers fire."""
    for start in range(0, len(made), TIMERS_AT_ONCE):
        async with pool.acquire() as connection:
            await append_within(connection, made[start : start + TIMERS_AT_ONCE])


async def fold(pool: Pool) -> None:
    """Let the view read the ledger."""
    reader = ViewReader(Timers(), pool)
    await reader.begin({"workflow": 1})
    ledger = PostgresLedger(service="workflow", keeper=pool)
    for partition in range(PARTITIONS):
        after = reader.positions["workflow", 1, partition]
        while facts := await ledger.read_partition(partition, after=after, limit=5_000):
            await reader.take([arrived(fact) for fact in facts])
            after = facts[-1].position


async def look(pool: Pool) -> None:
    """See that each timer fired once, not before it was due, and that the view holds none any more."""
    fired = await pool.fetchrow(
        "SELECT count(*), count(DISTINCT stream),"
        " count(*) FILTER (WHERE occurred_at < (data ->> 'due_at')::timestamptz) FROM events WHERE type = $1",
        TimerFired.model_fields["type"].default,
    )
    assert fired is not None
    assert tuple(fired) == (TIMERS, TIMERS, 0), tuple(fired)
    await fold(pool)
    assert await pool.fetchval("SELECT count(*) FROM timers_v1") == 0


async def measure() -> dict[str, object]:
    """Fire with two workers; the reference is one connection that appends as many events, as fast as it can."""
    with tempfile.TemporaryDirectory() as folder:
        server = Postgres(Path(folder) / "postgres")
        await server.start()
        try:
            admin = await asyncpg.connect(server.dsn)
            await prepare(admin, "workflow", app_password=PASSWORD, keeper_password=PASSWORD)
            await admin.close()
            dsn = server.dsn_of("rapport_workflow")
            folders = [
                files("rapport_events").joinpath("migrations", "ledger"),
                files("rapport_workflow").joinpath("migrations"),
            ]
            await migrate(dsn, "workflow", folders, extensions=("pg_trgm", "btree_gin"))
            pool = await open_pool(dsn, name="bench")
            async with pool.acquire() as connection:
                await reopen(connection)
            due_at = datetime.now(UTC) - LATE
            made = appends(TimerCancelled, due_at)
            began = time.perf_counter()
            await append_all(pool, made)
            reference = time.perf_counter() - began
            await append_all(pool, appends(TimerScheduled, due_at))
            await fold(pool)
            began = time.perf_counter()
            async with asyncio.TaskGroup() as group:
                for _ in range(2):
                    group.create_task(fire_all(pool, lambda: datetime.now(UTC)))
            seconds = time.perf_counter() - began
            await look(pool)
            await pool.close()
        finally:
            await server.stop()
    return {
        "name": "timers",
        "ratio": round(reference / seconds, 3),
        "value": round(TIMERS / seconds),
        "unit": "timers/s",
        "reference": f"the same appends alone: {TIMERS / reference:.0f} events/s",
        "goal": 0.3,
    }


if __name__ == "__main__":
    print(json.dumps(uvloop.run(measure())))
