"""Hold the records of a topic against the rows of its ledger."""

from collections.abc import Sequence
from typing import NamedTuple

from rapport_cli.verifying.findings import Account
from rapport_cli.verifying.ledgers import Line
from rapport_events.scanner import Record, Scanner

_FIX = (
    "if the ledger was restored, `rapport ledger new-era --take-back` takes back what its topic has, and begins a new"
    " era; else somebody besides the mirror writes to the topic: take that right away"
)


class Carried(NamedTuple):
    """What places one record of a topic."""

    position: int
    """0 where it says none."""
    event_id: bytes
    era: int


async def read_topic(scanner: Scanner, partition: int) -> list[Carried]:
    """
    Read a partition of a topic from its first record to its end.

    Raises:
        KafkaError: The broker is away or refused.
    """
    found: list[Carried] = []
    async for pages in scanner.scan(await scanner.begin([partition]), _carried):
        found += pages[partition].records
    return found


def check_topic(records: Sequence[Carried], line: Line, era: int, account: Account) -> None:
    """
    Compare each record with the row of its number.

    Args:
        records: Read before the line was, so that each has a row.
    """
    reach = 0
    for position, event_id, carried_era in records:
        place = f"partition {line.partition} position {position}"
        if position == reach + 1:
            reach = position
        elif position <= reach:
            # What lies above a hole is passed over by readers, and comes once more.
            account.again += 1
        if not 0 < position <= line.head:
            account.add("phantom", f"{place} is in no row", _FIX)
        elif event_id != line.ids[position - 1]:
            account.add("phantom", f"{place} carries another event than the row", _FIX)
        elif carried_era != era:
            account.add("phantom", f"{place} carries era {carried_era} in the topic of era {era}", _FIX)
    account.facts += reach
    account.behind += max(0, line.head - reach)


def _carried(_partition: int, record: Record) -> Carried:
    headers = dict(record.headers)
    try:
        position, era = int(headers["ce_position"] or b""), int(headers["ce_era"] or b"")
    except (KeyError, ValueError):
        return Carried(0, b"", 0)
    return Carried(position, headers.get("ce_id") or b"", era)
