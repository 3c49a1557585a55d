"""
Compare what callers were told with what ledgers, topics and read models hold.

The questions are those that Jepsen asks of a log: is anything lost, there twice, out of order, or from nowhere.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from rapport_cli.verifying.history import Told

Kind = Literal["lost", "repeated", "reordered", "phantom", "backwards", "differing"]
"""What can be wrong; `differing` are rows that are not as the same events make them anew."""
KINDS: Final[tuple[Kind, ...]] = ("lost", "repeated", "reordered", "phantom", "backwards", "differing")
_EXAMPLES_MAX: Final = 10


class Entry(NamedTuple):
    """One event as a place shows it."""

    event_id: str
    customer: str
    """Tenant and subject, as far as they tell customers apart."""
    number: int
    """Its position; within a place, the numbers of one customer rise."""
    operation: str = ""
    """Correlation id; empty where the place does not show it."""


@dataclass(slots=True)
class Findings:
    """What is wrong in a place; all zero means nothing is."""

    place: str
    counts: Counter[Kind] = field(default_factory=Counter[Kind])
    examples: list[str] = field(default_factory=list[str])
    """The first ten, as sentences."""

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.counts.total()

    def add(self, kind: Kind, sentence: str) -> None:
        """Note one thing that is wrong."""
        self.counts[kind] += 1
        if len(self.examples) < _EXAMPLES_MAX:
            self.examples.append(f"{kind}: {sentence}")


def check_ledger(told: Told, entries: Sequence[Entry], place: str = "ledgers") -> Findings:
    """
    Hold the ledgers against what callers were told.

    Every event of an `ok` must be there once, and none that its answer did not name: the command was carried out a
    second time. No event of a `failed` may be there, and none of an operation that nobody began. What is unknown may be
    there or not.

    Args:
        entries: All events of all ledgers that commands made, each with its operation.
    """
    findings = Findings(place)
    there = _count(findings, entries)
    operations = told.operations
    for event_id, _, _, name in entries:
        operation = operations.get(name)
        if operation is None:
            findings.add("phantom", f"event {event_id} belongs to no operation that anybody began")
        elif operation.outcome == "failed":
            findings.add("phantom", f"event {event_id} belongs to {name}, which was refused")
        elif operation.outcome == "ok" and event_id not in operation.event_ids:
            findings.add("repeated", f"event {event_id} is a second one of {name}, whose answer names others")
    for operation in operations.values():
        if operation.outcome == "ok":
            for event_id in operation.event_ids:
                if event_id not in there:
                    findings.add("lost", f"event {event_id} was acknowledged to {operation.id}")
    return findings


def check_place(expected: Sequence[Entry], found: Sequence[Entry], place: str) -> Findings:
    """
    Hold a topic or a read model against the ledgers.

    Args:
        expected: What the ledgers say that it must show.
        found: What it shows, in the order in which it took them.
    """
    findings = Findings(place)
    there = _count(findings, found)
    known = {event_id for event_id, _, _, _ in expected}
    # Sets tell fast that all is well; only where it is not are single events looked at.
    if not known <= there:
        for event_id, customer, _, _ in expected:
            if event_id not in there:
                findings.add("lost", f"event {event_id} of {customer} is in its ledger")
    if not there <= known:
        for event_id, customer, _, _ in found:
            if event_id not in known:
                findings.add("phantom", f"event {event_id} of {customer} is in no ledger")
    last: dict[str, int] = {}
    for _, customer, number, _ in found:
        before = last.get(customer, 0)
        if number < before:
            findings.add("reordered", f"{customer}: {number} was taken after {before}")
        else:
            last[customer] = number
    return findings


def check_looks(told: Told) -> list[Findings]:
    """Check that nobody who saw a number of facts about a customer later saw fewer in the same read model."""
    found: dict[str, Findings] = {}
    most: dict[tuple[str, str, str], int] = {}
    for look in told.looks:
        findings = found.setdefault(look.place, Findings(f"reads of {look.place}"))
        key = (look.client, look.place, look.customer)
        if look.seen < most.get(key, 0):
            findings.add("backwards", f"{look.client} saw {most[key]} facts about {look.customer}, later {look.seen}")
        else:
            most[key] = look.seen
    return list(found.values())


def sum_up(findings: Iterable[Findings]) -> Mapping[Kind, int]:
    """Add up what is wrong, by kind."""
    total: Counter[Kind] = Counter()
    for each in findings:
        total.update(each.counts)
    return {kind: total[kind] for kind in KINDS}


def _count(findings: Findings, entries: Sequence[Entry]) -> set[str]:
    there = {event_id for event_id, _, _, _ in entries}
    if len(there) < len(entries):
        for event_id, count in _repeated(entries):
            findings.add("repeated", f"event {event_id} is there {count} times")
    return there


def _repeated(entries: Sequence[Entry]) -> Iterator[tuple[str, int]]:
    for event_id, count in Counter(entry.event_id for entry in entries).items():
        if count > 1:
            yield event_id, count
