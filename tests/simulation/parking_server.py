"""What readers and operators ask about parked records: whose wait, what was decided, which are tried again."""

import json
from collections.abc import Sequence
from typing import Any, Final

from tests.simulation.database import Answer, Key, Row, Statement, Transaction

_PARKED: Final = (
    *("source", "era", "partition", "position", "event_id", "tenant_id", "subject", "type"),
    *("cause", "headers", "value"),
)


def _waiting(transaction: Transaction) -> list[tuple[Key, Row]]:
    rows = sorted(transaction.scan("parked").items(), key=lambda item: item[0])
    return [(key, row) for key, row in rows if row["released_at"] is None]


async def _parked_customers(
    transaction: Transaction, reader: str, sources: Sequence[str], partitions: Sequence[int]
) -> Answer:
    found = {
        (row["tenant_id"], row["subject"]): Row(tenant_id=row["tenant_id"], subject=row["subject"])
        for _, row in _waiting(transaction)
        if row["reader"] == reader and row["source"] in sources and row["partition"] in partitions
    }
    return Answer(list(found.values()))


async def _park(transaction: Transaction, reader: str, *columns: Sequence[Any]) -> Answer:
    count = 0
    for values in zip(*columns, strict=True):
        key = (reader, *values[:4])
        await transaction.lock("parked", key)
        if transaction.get("parked", key) is None:
            row = dict(zip(_PARKED, values, strict=True))
            transaction.put("parked", key, Row(row, reader=reader, released_at=None, wanted_at=None))
            count += 1
    return Answer(count=count)


async def _repairs(transaction: Transaction, sources: Sequence[str], event_ids: Sequence[str]) -> Answer:
    found = [transaction.get("repairs", key) for key in zip(sources, event_ids, strict=True)]
    return Answer([row for row in found if row is not None])


async def _wanted(transaction: Transaction) -> Answer:
    names = ("reader", "tenant_id", "subject", "partition")
    found = {tuple(row[name] for name in names) for _, row in _waiting(transaction) if row["wanted_at"] is not None}
    return Answer([Row(zip(names, values, strict=True)) for values in sorted(found)])


async def _held(transaction: Transaction, reader: str, tenant: str, subject: str, partition: int, limit: int) -> Answer:
    rows = [
        row
        for _, row in _waiting(transaction)
        if (row["reader"], row["tenant_id"], row["subject"], row["partition"]) == (reader, tenant, subject, partition)
    ]
    return Answer(sorted(rows, key=_order)[:limit])


def _order(row: Row) -> tuple[str, str, int, int]:
    return (json.loads(row["headers"])["ce_recordedtime"], row["source"], row["era"], row["position"])


async def _lock(transaction: Transaction, reader: str, partition: int) -> Answer:
    keys = [key for key in transaction.scan("checkpoints") if (key[0], key[3]) == (reader, partition)]
    await transaction.lock("checkpoints", *sorted(keys))
    return Answer()


async def _change(transaction: Transaction, keys: Sequence[Key], **values: object) -> Answer:
    count = 0
    for key in keys:
        await transaction.lock("parked", key)
        row = transaction.get("parked", key)
        if row is not None:
            transaction.put("parked", key, Row(row, **values))
            count += 1
    return Answer(count=count)


async def _released(transaction: Transaction, reader: str, *columns: Sequence[Any]) -> Answer:
    keys = [(reader, *place) for place in zip(*columns[:4], strict=True)]
    return await _change(transaction, keys, released_at=True, wanted_at=None)


async def _failed(transaction: Transaction, reader: str, *columns: Sequence[Any]) -> Answer:
    for *place, cause in zip(*columns, strict=True):
        await _change(transaction, [(reader, *place)], cause=cause)
    return Answer(count=len(columns[0]))


async def _answered(transaction: Transaction, reader: str, tenant: str, subject: str, partition: int) -> Answer:
    keys = [
        key
        for key, row in sorted(transaction.scan("parked").items(), key=lambda item: item[0])
        if (row["reader"], row["tenant_id"], row["subject"], row["partition"]) == (reader, tenant, subject, partition)
        and row["wanted_at"] is not None
    ]
    return await _change(transaction, keys, wanted_at=None)


async def _ask_release(
    transaction: Transaction, _tenant: str, event_id: str, decision: str | None, value: bytes | None, *_: str
) -> Answer:
    there = [(key, row) for key, row in _waiting(transaction) if row["event_id"] == event_id]
    if decision is not None:
        for _, row in there:
            await transaction.lock("repairs", (row["source"], event_id))
            repair = Row(source=row["source"], event_id=event_id, decision=decision, value=value)
            transaction.put("repairs", (row["source"], event_id), repair)
    changed = await _change(transaction, [key for key, _ in there], wanted_at=True)
    return Answer([Row(asked=changed.count)], changed.count)


PARKING: Final[dict[str, Statement]] = {
    "reader/parked_customers": _parked_customers,
    "reader/park": _park,
    "parking/repairs": _repairs,
    "parking/wanted": _wanted,
    "parking/held": _held,
    "parking/lock": _lock,
    "parking/released": _released,
    "parking/failed": _failed,
    "parking/answered": _answered,
    "parking/ask_release": _ask_release,
}
