"""What is asked about rebuilds: which there are, which one is read, and whether another one may take over."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tests.simulation.database import Answer, Key, Row, Statement, Transaction


def _new(model: str, rebuild: int, state: str, tables: Sequence[str]) -> Row:
    empty = (
        *("began_at", "work_began_at", "work_began_after", "filled_at", "switched_at", "verify_wanted_at"),
        *("verified_at", "verified_against", "rows_compared", "rows_differing"),
    )
    named = Row(model=model, rebuild=rebuild, reader=f"{model}_r{rebuild}", state=state, tables=list(tables))
    return Row(named, is_whole=True, **dict.fromkeys(empty))


def _of(transaction: Transaction, model: str) -> list[Row]:
    rows = sorted(transaction.scan("rebuilds").items())
    return [row for key, row in rows if key[0] == model]


async def _change(transaction: Transaction, row: Row, **values: object) -> None:
    transaction.put("rebuilds", (row["model"], row["rebuild"]), Row(row, **values))


async def _lock_all(transaction: Transaction, model: str) -> None:
    await transaction.lock("rebuilds", *sorted(key for key in transaction.scan("rebuilds") if key[0] == model))


async def _note(transaction: Transaction, model: str, rebuild: int, tables: Sequence[str]) -> Answer:
    if _of(transaction, model):
        return Answer()
    await transaction.lock("rebuilds", (model, rebuild))
    if transaction.get("rebuilds", (model, rebuild)) is None:
        transaction.put("rebuilds", (model, rebuild), _new(model, rebuild, "live", tables))
    return Answer(count=1)


async def _register(transaction: Transaction, models: Sequence[str], tables: Sequence[str]) -> Answer:
    for model, names in zip(models, tables, strict=True):
        await _note(transaction, model, 1, names.split(","))
    return Answer(count=1)


async def _rows(transaction: Transaction, models: Sequence[str]) -> Answer:
    rows = [row for model in models for row in _of(transaction, model) if row["state"] != "dropped"]
    return Answer(rows)


async def _begin(transaction: Transaction, model: str) -> Answer:
    await _lock_all(transaction, model)
    rows = _of(transaction, model)
    live = next((row for row in rows if row["state"] == "live"), None)
    if live is None:
        return Answer([Row(number=None)])
    filling = next((row["rebuild"] for row in rows if row["state"] == "filling"), None)
    if filling is not None:
        return Answer([Row(number=filling)])
    number = 1 + max(row["rebuild"] for row in rows)
    transaction.put("rebuilds", (model, number), _new(model, number, "filling", live["tables"]))
    return Answer([Row(number=number)], 1)


async def _filled(transaction: Transaction, reader: str) -> Answer:
    row = next((row for row in transaction.scan("rebuilds").values() if row["reader"] == reader), None)
    if row is None or row["state"] != "filling":
        return Answer()
    await _lock_all(transaction, row["model"])
    has_live = any(each["state"] == "live" for each in _of(transaction, row["model"]))
    await _change(transaction, row, state="beside" if has_live else "live")
    return Answer(count=1)


def level_of(transaction: Transaction, live: str, chosen: str) -> str:
    """Compare two readers: what they have set aside, and line by line, each in its last era, where they stand."""
    parked = {key: row for key, row in transaction.scan("parked").items() if row["released_at"] is None}
    lines = transaction.scan("checkpoints")
    for reader, *place in parked:
        if reader == chosen and (live, *place[:3]) in lines and (live, *place) not in parked:
            return "behind"
    old, new = _last_lines(transaction, live), _last_lines(transaction, chosen)
    if not old or any(new.get(line, (0, -1)) < at for line, at in old.items()):
        return "behind"
    return "ahead" if any(new[line][0] == era and new[line][1] > at for line, (era, at) in old.items()) else "level"


def _last_lines(transaction: Transaction, reader: str) -> dict[Key, tuple[int, int]]:
    lines: dict[Key, tuple[int, int]] = {}
    for row in transaction.scan("checkpoints").values():
        if row["reader"] == reader:
            line = (row["source"], row["partition"])
            lines[line] = max(lines.get(line, (0, 0)), (row["era"], row["position"]))
    return lines


async def _switch(transaction: Transaction, model: str, number: int) -> Answer:
    await _lock_all(transaction, model)
    rows = {row["rebuild"]: row for row in _of(transaction, model)}
    live = next((row for row in rows.values() if row["state"] == "live"), None)
    chosen = rows.get(number)
    if chosen is None or chosen["state"] == "dropped":
        return Answer([Row(outcome="unknown")])
    if chosen["state"] == "live" or live is None or chosen["state"] == "filling":
        return Answer([Row(outcome="switched" if chosen["state"] == "live" else "filling")])
    readers = (live["reader"], chosen["reader"])
    await transaction.lock("checkpoints", *sorted(key for key in transaction.scan("checkpoints") if key[0] in readers))
    level = level_of(transaction, *readers)
    if level != "level":
        return Answer([Row(outcome=level)])
    await _change(transaction, live, state="beside")
    await _change(transaction, chosen, state="live")
    return Answer([Row(outcome="switched")], 2)


async def _drop(transaction: Transaction, model: str, number: int) -> Answer:
    await transaction.lock("rebuilds", (model, number))
    row = transaction.get("rebuilds", (model, number))
    if row is None or row["state"] == "dropped":
        return Answer([Row(outcome="unknown")])
    if row["state"] == "live":
        return Answer([Row(outcome="live")])
    reader = row["reader"]
    keys = sorted(key for key in transaction.scan("checkpoints") if key[0] == reader)
    await transaction.lock("checkpoints", *keys)
    for table, gone in (
        ("checkpoints", keys),
        ("parked", [key for key in transaction.scan("parked") if key[0] == reader]),
        (reader, list(transaction.scan(reader))),
    ):
        for key in gone:
            transaction.put(table, key, None)
    await _change(transaction, row, state="dropped")
    return Answer([Row(outcome="dropped")], 1)


async def _lock(transaction: Transaction, number: int) -> Answer:
    connection = transaction.connection
    holder = transaction.database.advisory.setdefault(number, connection)
    return Answer([Row(locked=holder is connection)])


async def _unlock(transaction: Transaction, number: int) -> Answer:
    advisory = transaction.database.advisory
    is_ours = advisory.get(number) is transaction.connection
    if is_ours:
        del advisory[number]
    return Answer([Row(unlocked=is_ours)])


async def _nothing(_: Transaction, *__: Any) -> Answer:  # noqa: ANN401  # any statement's
    return Answer([Row(done=True)])


REBUILDING: Final[Mapping[str, Statement]] = {
    "rebuild/note": _note,
    "rebuild/register": _register,
    "rebuild/rows": _rows,
    "rebuild/begin_rebuild": _begin,
    "rebuild/filled": _filled,
    "rebuild/switch_rebuild": _switch,
    "rebuild/drop_rebuild": _drop,
    "rebuild/lock": _lock,
    "rebuild/unlock": _unlock,
    "rebuild/work_began": _nothing,
    "rebuild/finish_rebuild": _nothing,
    "rebuild/take_time": _nothing,
    "rebuild/set_whole": _nothing,
}
