"""Check one read model of a million events: as `rapport verify` does, and against a history in memory."""

import asyncio
import io
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Final

import asyncpg

from rapport_cli.embedded.postgres import Postgres
from rapport_cli.verifying.checker import Entry, check_ledger, check_place
from rapport_cli.verifying.history import History, read_history
from rapport_cli.verifying.places import Places
from rapport_cli.verifying.suite import verify
from rapport_events.migrate import migrate, prepare

EVENTS: Final = 1_000_000
ROUNDS: Final = 3
GOAL_SECONDS: Final = 3.0
PASSWORD = "bench"  # noqa: S105  # the server listens on loopback and dies with the run

FILL = """
INSERT INTO events
SELECT (n % 32)::smallint, n / 32 + 1, 'acme', 'purchase-' || n, 1, uuidv7(), 'crm.customer.purchased.v1', '1.0',
       'c' || n % 5000, '{"total":"1.00","currency":"EUR"}',
       format('{"actor":"bench","correlation":"o%s"}', n)::json, now(), now()
  FROM generate_series(0, $1 - 1) AS n
"""
TAKE = """
INSERT INTO checkpoints (reader, source, era, partition, position, tally_count, tally_total, tally_weighted)
SELECT 'totals_v1_r1', 'interactions', 1, partition, count(*), count(*),
       (sum(crc32(event_id::text::bytea)) % 2305843009213693951)::bigint,
       (sum(crc32(event_id::text::bytea) * position) % 2305843009213693951)::bigint
  FROM events
 GROUP BY partition
"""


async def from_database() -> float:
    """Return the seconds of a whole `rapport verify` of one service with one read model; the median."""
    with tempfile.TemporaryDirectory() as folder:
        server = Postgres(Path(folder) / "postgres")
        await server.start()
        try:
            admin = await asyncpg.connect(server.dsn)
            await prepare(admin, "interactions", app_password=PASSWORD, keeper_password=PASSWORD)
            await admin.close()
            dsn = server.dsn_of("rapport_interactions")
            await migrate(dsn, "interactions", [files("rapport_events").joinpath("migrations", "ledger")])
            connection = await asyncpg.connect(dsn, command_timeout=300)
            await connection.execute(FILL, EVENTS)
            await connection.execute(TAKE)
            await connection.execute("VACUUM ANALYZE events")
            await connection.close()
            took: list[float] = []
            for _ in range(ROUNDS):
                began = time.perf_counter()
                report = await verify(Places({"interactions": dsn}))
                took.append(time.perf_counter() - began)
                assert report.is_clean, report.findings
                assert report.is_level
        finally:
            await server.stop()
    return statistics.median(took)


def from_history() -> float:
    """Return the seconds of holding a ledger against a history, and a read model against the ledger; the median."""
    ledger = [Entry(f"e{n:032}", f"c{n % 5000}", n, f"o{n}") for n in range(1, EVENTS + 1)]
    file = io.StringIO()
    history = History(file)
    for entry in ledger:
        history.invoke(entry.operation)
        history.end(entry.operation, "ok", [entry.event_id])
    told = read_history(file.getvalue().splitlines())
    took = [
        _seconds(lambda: check_ledger(told, ledger).is_clean and check_place(ledger, ledger, "totals").is_clean)
        for _ in range(ROUNDS)
    ]
    return statistics.median(took)


def _seconds(check: Callable[[], bool]) -> float:
    began = time.perf_counter()
    assert check()
    return time.perf_counter() - began


async def measure() -> dict[str, object]:
    """Measure both."""
    database, history = await from_database(), from_history()
    slower = max(database, history)
    return {
        "name": "verify_model",
        "ratio": round(GOAL_SECONDS / slower, 3),
        "value": round(EVENTS / slower),
        "unit": "events/s",
        "reference": f"10^6 events in 3 s; rapport verify: {database:.2f} s, checker of histories: {history:.2f} s",
        "goal": 1.0,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure())))
