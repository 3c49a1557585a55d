"""Each reader: how far it is behind the ledgers, whether it has taken what they hold, and what it has set aside."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import asyncpg

from rapport_cli.doctor.case import Case, Finding
from rapport_events.statements import load
from rapport_events.tally import Tally

STILL_SECONDS_MAX: Final = 60.0
"""A reader that is behind and has not moved for this long hangs."""
EVENTS_MAX: Final = 1_000_000
"""Ledgers up to here are summed up in a second; of larger ones `rapport verify` tells more."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """Where the numbers of a source end."""

    era: int
    heads: Sequence[int]
    tallies: Mapping[int, tuple[int, Tally]] = field(default_factory=dict[int, tuple[int, Tally]])
    """By partition, up to which position, and the sums over its events; none of a large ledger."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reader stands in one line of numbers."""

    source: str
    era: int
    partition: int
    position: int
    still_seconds: float
    after: int = 0
    taken: Tally | None = None


async def check(case: Case) -> list[Finding]:
    """Compare checkpoints with the ledgers, both in their databases: nobody needs to answer for that."""
    # Loading the services takes a second, which only this check needs.
    from rapport_chassis.service import find_services

    ledgers: dict[str, Ledger] = {}
    for name, connection in case.reached.items():
        row = await connection.fetchrow(load("rapport_events", "ledger/state"))
        if row is not None:
            sums = await connection.fetch(load("rapport_cli", "doctor/tallies"), EVENTS_MAX)
            tallies = {
                each["partition"]: (each["position"], Tally(each["count"], each["total"], each["weighted"]))
                for each in sums
            }
            ledgers[name] = Ledger(row["era"], row["heads"], tallies)
    findings: list[Finding] = []
    for service in find_services(list(case.reached)):
        connection = case.reached[service.name]
        places: dict[str, list[Place]] = {}
        for row in await connection.fetch(load("rapport_cli", "doctor/readers")):
            places.setdefault(row["reader"], []).append(_place(row))
        parked = {row["reader"]: row["parked"] for row in await connection.fetch(load("rapport_cli", "doctor/parked"))}
        for view in service.views:
            known = {source: ledgers.get(source) for source in view.sources}
            subject = f"reader {service.name}.{view.name}"
            findings += judge(subject, known, places.get(view.reader, ()), parked.get(view.reader, 0))
    return findings


def judge(
    subject: str, sources: Mapping[str, Ledger | None], places: Collection[Place], parked: int
) -> Iterator[Finding]:
    """
    Say what to think of a reader.

    Args:
        sources: The ledgers that it reads; None for one that cannot be asked.
        parked: Records that it set aside.
    """
    at = {(place.source, place.era, place.partition): place for place in places}
    lag, is_hanging = 0, False
    for source, ledger in sources.items():
        for partition, head in enumerate(ledger.heads if ledger else ()):
            place = at.get((source, ledger.era if ledger else 0, partition))
            missing = max(0, head - (place.position if place else 0))
            lag += missing
            is_hanging = is_hanging or (missing > 0 and place is not None and place.still_seconds > STILL_SECONDS_MAX)
    strange = sorted({place.source for place in places if _has_other_events(place, sources.get(place.source))})
    if strange:
        what = f"it has not taken the same events as {', '.join(strange)} recorded"
        fix = "`rapport verify` says which and what to do; `rapport view rebuild VIEW --switch` makes it anew"
        yield Finding("fail", subject, what, fix)
    unknown = [source for source, ledger in sources.items() if ledger is None]
    if unknown:
        yield Finding("warn", subject, f"lag unknown: {', '.join(unknown)} cannot be asked", "see its database")
    elif is_hanging:
        fix = "start the role readers of its service, or read in its log why it waits"
        yield Finding("fail", subject, f"{lag:,} events behind, and does not move", fix)
    elif lag:
        yield Finding("warn", subject, f"{lag:,} events behind", "wait: it is reading, or starts to; then ask again")
    else:
        yield Finding("ok", subject, "up to date")
    if parked:
        fix = "`rapport parked ls` says which and why; repair and retry them, or discard them with a reason"
        yield Finding("warn", subject, f"{parked:,} records parked", fix)


def _place(row: asyncpg.Record) -> Place:
    taken = Tally(row["tally_count"], row["tally_total"], row["tally_weighted"])
    where = (row["source"], row["era"], row["partition"], row["position"])
    return Place(*where, row["still_seconds"], row["tally_after"], taken)


def _has_other_events(place: Place, ledger: Ledger | None) -> bool:
    """Say whether a reader's sums are not those of its ledger, as far as that can be told without reading it again."""
    if place.taken is None or ledger is None or place.era != ledger.era:
        return False
    if place.after + place.taken.count != place.position:
        return True
    position, sums = ledger.tallies.get(place.partition, (-1, place.taken))
    return place.after == 0 and place.position == position and place.taken != sums
