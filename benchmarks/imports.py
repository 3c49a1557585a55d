"""
Import files through HTTP, beside parsing the same files and COPYing their rows raw.

`--rows 1000000` is the run that the goal speaks of; without it 200,000 invoice lines and 20,000 people are imported.
"""

import argparse
import asyncio
import csv
import gzip
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import asyncpg

from benchmarks.import_files import INVOICES, PEOPLE, PEOPLE_MAPPING, write_invoices, write_people
from benchmarks.suite import running
from rapport_cli.embedded.postgres import Postgres

ROWS = 200_000
PEOPLE_SHARE = 10
"""One person for so many invoice lines."""


async def copy_raw(path: Path, columns: Sequence[str], folder: Path) -> float:
    """Parse a file and COPY its rows; return the seconds."""
    server = Postgres(folder)
    await server.start()
    try:
        connection = await asyncpg.connect(server.dsn)
        typed = ", ".join(f'"{name}" text' for name in columns)
        await connection.execute(f"DROP TABLE IF EXISTS raw; CREATE TABLE raw ({typed})")
        began = time.perf_counter()
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            next(rows)
            page: list[tuple[str, ...]] = []
            for row in rows:
                page.append(tuple(row))
                if len(page) == 5_000:
                    await connection.copy_records_to_table("raw", records=page)
                    page = []
            await connection.copy_records_to_table("raw", records=page)
        seconds = time.perf_counter() - began
        await connection.close()
    finally:
        await server.stop()
    return seconds


def measure(rows: int) -> list[dict[str, object]]:
    """Import both files, each into a suite of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        invoices, people, mapping = folder / "invoices.csv.gz", folder / "people.csv.gz", folder / "people.toml"
        mapping.write_text(PEOPLE_MAPPING, encoding="utf-8")
        write_invoices(invoices, rows)
        write_people(people, rows // PEOPLE_SHARE)
        return [
            _row("import", 0.4, invoices, "online_retail", INVOICES),
            _row("import_personal", 0.08, people, str(mapping), PEOPLE),
        ]


def _row(name: str, goal: float, path: Path, mapping: str, columns: Sequence[str]) -> dict[str, object]:
    reference = asyncio.run(copy_raw(path, columns, path.parent / "postgres"))
    with running() as suite:
        words = ("import", str(path), "--mapping", mapping, "--json", "--quiet", "--url", suite.url("console"))
        # What cannot be used (a refund below zero) is counted, and the command says so by its code.
        run = suite.measured(*words, token=suite.token("bench"), codes=(0, 1))
        told = json.loads(run.told)
    rows, facts = told["rows"], sum(told["facts"].values())
    return {
        "name": name,
        "ratio": round(reference / run.seconds, 3),
        "value": round(rows / run.seconds),
        "unit": "rows/s",
        "reference": (
            f"parse and COPY raw: {rows / reference:.0f} rows/s; {rows} rows, {facts / run.seconds:.0f} events/s"
            f" recorded, at most {run.mebibytes:.0f} MiB"
        ),
        "goal": goal,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=ROWS)
    for line in measure(parser.parse_args().rows):
        print(json.dumps(line))
