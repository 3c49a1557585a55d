"""Files to be imported: invoices of a shop under ever new ids, and people of whom each row tells two personal facts."""

import csv
import gzip
import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

INVOICES = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
PEOPLE = ("id", "name", "email", "phone", "at", "subject", "note")
PEOPLE_MAPPING = """
name = "people"
version = 1
system = "people"
zone = "UTC"
currency = "EUR"

[[event]]
type = "customer.created"
subject = "id"
time = "at"
fields = { kind = { value = "person" } }
pii = { name = "name", emails = ["email"], phones = ["phone"] }

[[event]]
type = "customer.contacted"
key = "id"
subject = "id"
time = "at"
fields = { channel = { value = "phone" }, direction = { value = "inbound" } }
pii = { subject = "subject", body = "note" }
"""
SEED = 7
_DATA = Path(os.environ.get("RAPPORT_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))


def write_invoices(path: Path, wanted: int) -> None:
    """Write so many rows of the public set `online_retail`, again and again under new ids; without it, of our own."""
    published = _DATA / "online_retail" / "online_retail.csv.gz"
    lines = _repeated(published) if published.exists() else _made_up()
    _write(path, INVOICES, lines, wanted)


def write_people(path: Path, wanted: int) -> None:
    """Write people, each with a name, two addresses and a note."""
    begin = datetime(2026, 1, 1, 9, tzinfo=UTC)
    lines = (
        [
            str(n),
            f"Ann {n} Young",
            f"ann.{n}@example.com",
            f"+4930{n:08}",
            (begin + timedelta(seconds=n)).isoformat(),
            f"Question {n}",
            f"Where does order {n} remain? It was to be here on Monday.",
        ]
        for n in count(1)
    )
    _write(path, PEOPLE, lines, wanted)


def _write(path: Path, columns: tuple[str, ...], lines: Iterator[list[str]], wanted: int) -> None:
    with gzip.open(path, "wt", encoding="utf-8", newline="", compresslevel=1) as file:
        rows = csv.writer(file)
        rows.writerow(columns)
        for _, line in zip(range(wanted), lines, strict=False):
            rows.writerow(line)


def _repeated(published: Path) -> Iterator[list[str]]:
    for turn in count():
        with gzip.open(published, "rt", encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            next(rows)
            for row in rows:
                row[0] += f"-{turn}"
                row[6] += f"-{turn}" if row[6] else ""
                yield row


def _made_up() -> Iterator[list[str]]:
    dice = random.Random(SEED)  # noqa: S311  # no secret: the same file every time
    at, invoice = datetime(2026, 1, 1, 9, tzinfo=UTC), 500_000
    while True:
        invoice += 1
        at += timedelta(minutes=dice.randrange(1, 12))
        number = f"C{invoice}" if dice.random() < 0.1 else str(invoice)
        customer = "" if dice.random() < 0.1 else str(dice.randrange(10_000, 14_000))
        for _ in range(dice.randrange(1, 24)):
            qty = -dice.randrange(1, 5) if number.startswith("C") else dice.randrange(1, 25)
            price = f"{dice.randrange(5, 2_000) / 100:.2f}"
            stock = str(dice.randrange(20_000, 24_000))
            moment = at.strftime("%Y-%m-%d %H:%M:%S")
            yield [number, stock, f"ITEM {stock}", str(qty), moment, price, customer, "UK"]
