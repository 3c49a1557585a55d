"""The committed set of 300 rows, and short ways to import files in tests."""

import json
import os
from pathlib import Path
from typing import cast

from rapport_cli.importing.account import Account
from rapport_cli.importing.engine import Engine, Unit
from rapport_cli.importing.hint import folder
from rapport_cli.importing.mapping import Mapping, load, parse
from rapport_cli.importing.progress import Progress
from rapport_cli.importing.run import Order, Outcome, carry_out
from rapport_cli.importing.survey import survey
from rapport_cli.wire import Access

FOLDER = Path(__file__).parent.parent / "data" / "small"
FILE = FOLDER / "shop.csv"
MAPPING_FILE = FOLDER / "mapping.toml"

Json = dict[str, object]


def truth() -> Json:
    """Return the figures worked out from the file."""
    return cast("Json", json.loads((FOLDER / "truth.json").read_bytes()))


def mapping() -> Mapping:
    """Return the mapping of the set."""
    return load(str(MAPPING_FILE))


def run(access: Access | None, file: Path = FILE, rule: Mapping | None = None, **more: float) -> Outcome:
    """Import a file without showing progress."""
    order = Order(
        file=file,
        mapping=rule or mapping(),
        access=access,
        folder=folder(Path(os.environ.get("RAPPORT_HOME", "data"))),
        in_flight=int(more.get("in_flight", 2)),
        patience_seconds=more.get("patience_seconds", 10),
    )
    with Progress(is_silent=True) as progress:
        return carry_out(order, progress)


SALES = """
name = "sales"
version = 1
system = "till"
zone = "Europe/Vienna"
currency = "EUR"
[[event]]
type = "customer.purchased"
group_by = "bill"
subject = "who"
time = "at"
items = { sku = "what", qty = "n", line_total = { product = ["n", "price"] } }
"""


def sales(more: str = "") -> Mapping:
    """Return a mapping of bills."""
    return parse((more + SALES).encode(), "sales.toml")


def read(file: Path, rule: Mapping, *, open_rows_max: int = 100_000) -> tuple[list[Unit], Account]:
    """Read a file without sending anything."""
    found = survey(file, rule, lambda _, __: None)
    account = Account(found.rows)
    engine = Engine(file, rule, found, account, open_rows_max=open_rows_max)
    return list(engine.units(lambda _, __: None)), account


def bodies(units: list[Unit]) -> list[Json]:
    """Return the bodies of all lines."""
    return [cast("Json", json.loads(line)["body"]) for unit in units for _, line in unit.lines]
