"""What readers ask of their database: checkpoints, parked records, and the rows of the read model `Taken`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import asyncpg

from rapport_events.statements import load, load_rebuild
from rapport_events.tally import Tally
from tests.simulation import rebuild_server
from tests.simulation.database import Answer, Row, Statement, Transaction
from tests.simulation.parking_server import PARKING

REBUILDS_MAX: Final = 9


def reader_statements() -> Mapping[str, tuple[str, Statement]]:
    """Return the statements of readers by text."""
    own: dict[str, Statement] = {
        "reader/begin": _begin,
        "reader/positions": _positions,
        "reader/advance": _advance,
        "reader/eras": _eras,
    }
    named = {**own, **PARKING, **rebuild_server.REBUILDING}
    found = {load("rapport_events", name): (name, act) for name, act in named.items()}
    for rebuild in range(1, REBUILDS_MAX):
        table = f"taken_v1_r{rebuild}"
        for name, act in {"taken/counts": _counts(table), "taken/add": _add(table), "taken/rows": _rows(table)}.items():
            found[load_rebuild("tests.simulation", name, rebuild)] = (name, act)
    return found


async def _begin(transaction: Transaction, reader: str, sources: Sequence[str], eras: Sequence[int]) -> Answer:
    rows = transaction.scan("checkpoints")
    count = 0
    for source, era in zip(sources, eras, strict=True):
        if any(key[:2] == (reader, source) for key in rows):
            continue
        for partition in range(32):
            key = (reader, source, era, partition)
            await transaction.lock("checkpoints", key)
            if transaction.get("checkpoints", key) is None:
                transaction.put("checkpoints", key, _checkpoint(*key, 0))
                count += 1
    return Answer(count=count)


def _checkpoint(reader: str, source: str, era: int, partition: int, position: int) -> Row:
    place = Row(reader=reader, source=source, era=era, partition=partition, position=position)
    return Row(place, tally=Tally())


async def _positions(transaction: Transaction, reader: str) -> Answer:
    rows = transaction.scan("checkpoints").values()
    names = ("source", "era", "partition", "position")
    return Answer([Row({name: row[name] for name in names}) for row in rows if row["reader"] == reader])


async def _advance(transaction: Transaction, *columns: Sequence[Any]) -> Answer:
    named = sorted(zip(*columns, strict=True))
    moved = 0
    there = [row[:4] for row in named if transaction.get("checkpoints", row[:4]) is not None]
    await transaction.lock("checkpoints", *there)
    for *place, position_now, position_then, number, total, weighted in named:
        key = tuple(place)
        row = transaction.get("checkpoints", key)
        if row is not None and row["position"] == position_now:
            taken = row["tally"] + Tally(number, total, weighted)
            transaction.put("checkpoints", key, Row(row, position=position_then, tally=taken))
            moved += 1
    return Answer(count=moved)


async def _eras(transaction: Transaction, sources: Sequence[str]) -> Answer:
    eras: dict[str, int] = {}
    for row in transaction.scan("checkpoints").values():
        if row["source"] in sources:
            eras[row["source"]] = max(row["era"], eras.get(row["source"], 0))
    return Answer([Row(source=source, era=era) for source, era in eras.items()])


def _counts(table: str) -> Statement:
    async def counts(transaction: Transaction, tenants: Sequence[str], customers: Sequence[str]) -> Answer:
        wanted = list(zip(tenants, customers, strict=True))
        found = Counter(key[:2] for key in transaction.scan(table))
        return Answer([Row(tenant_id=key[0], customer=key[1], count=found[key]) for key in wanted if found[key]])

    return counts


_TAKEN: Final = ("tenant_id", "customer", "number", "partition", "position", "event_id")


def _add(table: str) -> Statement:
    async def add(transaction: Transaction, *columns: Sequence[Any]) -> Answer:
        count = 0
        for values in zip(*columns, strict=True):
            key = values[:3]
            await transaction.lock(table, key)
            if transaction.get(table, key) is not None:
                raise asyncpg.UniqueViolationError(f"duplicate key in {table}")
            transaction.put(table, key, Row(zip(_TAKEN, values, strict=True)))
            count += 1
        return Answer(count=count)

    return add


def _rows(table: str) -> Statement:
    async def rows(transaction: Transaction) -> Answer:
        return Answer([row for _, row in sorted(transaction.scan(table).items())])

    return rows
