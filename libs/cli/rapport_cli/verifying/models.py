"""Hold what readers have taken against the rows of the ledgers that they read."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import asyncpg

from rapport_cli.verifying.diagnosis import diagnose
from rapport_cli.verifying.findings import Account
from rapport_cli.verifying.ledgers import Line
from rapport_events.database import Connection
from rapport_events.statements import load
from rapport_events.tally import Tally


class Place(NamedTuple):
    """One number of one line."""

    source: str
    era: int
    partition: int
    position: int


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where a reader stands in one line, and what it has taken."""

    at: Place
    after: int
    taken: Tally


@dataclass(frozen=True, slots=True)
class Model:
    """A read model as its database tells of it."""

    service: str
    reader: str
    checkpoints: Sequence[Checkpoint]
    parked: Mapping[Place, bytes]
    """Ids of the events that wait, as the records said it."""
    is_filling: bool = False

    @property
    def place(self) -> str:
        """What people call it."""
        return f"{self.service}.{self.reader}"

    @property
    def fix(self) -> str:
        """What to do where it is wrong."""
        model = self.reader.rpartition("_r")[0]
        if model.startswith("reactions_"):
            return "reactions are not made again: compare what they led to with the facts, and correct it by commands"
        return f"`rapport view rebuild {self.service}.{model} --switch` makes it anew from its ledgers"


async def read_models(connection: Connection, service: str) -> list[Model]:
    """Read where all readers of a service stand, rebuilds included, and what they have set aside."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        rows = await connection.fetch(load("rapport_cli", "verify/checkpoints"))
        waiting = await connection.fetch(load("rapport_cli", "verify/parked"))
    parked: dict[str, dict[Place, bytes]] = defaultdict(dict)
    for row in waiting:
        parked[row["reader"]][_place(row)] = row["event_id"].encode()
    found: dict[str, list[Checkpoint]] = defaultdict(list)
    states: dict[str, str | None] = {}
    for row in rows:
        taken = Tally(row["tally_count"], row["tally_total"], row["tally_weighted"])
        found[row["reader"]].append(Checkpoint(_place(row), row["tally_after"], taken))
        states[row["reader"]] = row["state"]
    return [
        Model(service, reader, checkpoints, parked[reader], states[reader] == "filling")
        for reader, checkpoints in found.items()
    ]


def _place(row: asyncpg.Record) -> Place:
    return Place(row["source"], row["era"], row["partition"], row["position"])


def check_models(models: Iterable[tuple[Model, Account]], source: str, era: int, line: Line) -> None:
    """Compare what each reader has taken of one line with the ledger's rows."""
    for model, account in models:
        if not any(each.at.source == source for each in model.checkpoints):
            continue
        own = [each for each in model.checkpoints if (each.at.source, each.at.partition) == (source, line.partition)]
        present = next((each for each in own if each.at.era == era), None)
        if present is None:
            # It was begun in another era, and is made anew in this one by itself.
            account.behind += line.head
        else:
            _check(model, account, present, line)
        for each in own:
            if each.at.era > era:
                what = f"{source} partition {line.partition}: stands in era {each.at.era}, the ledger in {era}"
                account.add("phantom", what, f"see `rapport ledger status {source}`: it was set back", each.at.position)


def _check(model: Model, account: Account, checkpoint: Checkpoint, line: Line) -> None:
    at, where = checkpoint.at, f"{checkpoint.at.source} partition {line.partition}"
    account.facts += at.position
    account.behind += max(0, line.head - at.position)
    if at.position > line.head:
        what = f"{where}: stands at position {at.position}, the ledger ends at {line.head}"
        account.add("phantom", what, model.fix, at.position - line.head)
    else:
        for kind, count, stretch in diagnose(
            line.marks[checkpoint.after : at.position], checkpoint.after, checkpoint.taken
        ):
            account.add(kind, f"{where}, {stretch}", model.fix, count)
    for place, event_id in model.parked.items():
        if place[:3] != at[:3]:
            continue
        account.held += 1
        if place.position > line.head or event_id not in {b"", line.ids[place.position - 1]}:
            what = f"{where}: set aside at position {place.position} is an event that the ledger has not there"
            account.add("phantom", what, "`rapport parked discard` with a reason, after a look at it")
