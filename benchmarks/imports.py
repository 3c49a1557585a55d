"""Import 200,000 invoice lines through HTTP, beside parsing the file and COPYing its rows raw."""

import asyncio
import csv
import gzip
import json
import random
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from benchmarks.suite import running
from rapport_cli.embedded.postgres import Postgres

ROWS = 200_000
COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
SEED = 7


def write_file(path: Path) -> None:
    """Write invoices of a made-up shop, in the columns of the mapping `online_retail`."""
    dice = random.Random(SEED)  # noqa: S311  # no secret: the same file every time
    at, invoice, written = datetime(2026, 1, 1, 9, tzinfo=UTC), 500_000, 0
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        while written < ROWS:
            invoice += 1
            at += timedelta(minutes=dice.randrange(1, 12))
            number = f"C{invoice}" if dice.random() < 0.1 else str(invoice)
            customer = "" if dice.random() < 0.1 else str(dice.randrange(10_000, 14_000))
            for _ in range(min(dice.randrange(1, 24), ROWS - written)):
                qty = -dice.randrange(1, 5) if number.startswith("C") else dice.randrange(1, 25)
                price = f"{dice.randrange(5, 2_000) / 100:.2f}"
                stock = str(dice.randrange(20_000, 24_000))
                rows.writerow(
                    [number, stock, f"ITEM {stock}", qty, at.strftime("%Y-%m-%d %H:%M:%S"), price, customer, "UK"]
                )
                written += 1


async def copy_raw(path: Path, folder: Path) -> float:
    """Parse the file and COPY its rows; return the seconds."""
    server = Postgres(folder)
    await server.start()
    try:
        connection = await asyncpg.connect(server.dsn)
        columns = ", ".join(f'"{name}" text' for name in COLUMNS)
        await connection.execute(f"CREATE TABLE raw ({columns})")
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


def measure() -> dict[str, object]:
    """Run both, each alone."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "invoices.csv.gz"
        write_file(path)
        reference = asyncio.run(copy_raw(path, folder / "postgres"))
        with running() as suite:
            words = (
                "import",
                str(path),
                "--mapping",
                "online_retail",
                "--json",
                "--quiet",
                "--url",
                suite.url("console"),
            )
            began = time.perf_counter()
            told: dict[str, Any] = json.loads(suite.rapport(*words, token=suite.token("bench")))
            seconds = time.perf_counter() - began
            facts = sum(told["facts"].values())
    return {
        "name": "import",
        "ratio": round(reference / seconds, 3),
        "value": round(ROWS / seconds),
        "unit": "rows/s",
        "reference": f"parse and COPY raw: {ROWS / reference:.0f} rows/s; {facts / seconds:.0f} events/s recorded",
        "goal": 0.4,
    }


if __name__ == "__main__":
    print(json.dumps(measure()))
