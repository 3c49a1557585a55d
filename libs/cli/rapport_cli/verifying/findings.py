"""What `rapport verify` says: one account for each ledger, topic and read model, and sentences about what is wrong."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from rapport_cli.verifying.checker import KINDS, Kind

EXAMPLES_MAX: Final = 20
"""Sentences about one place at most; counts are always whole."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong."""

    kind: Kind
    place: str
    """For example `contacts.directory_v1_r1`, `ledger contacts` or `topic crm.contacts`."""
    what: str
    fix: str


@dataclass(slots=True)
class Account:
    """What was found in one place."""

    place: str
    facts: int = 0
    """Events that it holds, as far as they were checked."""
    behind: int = 0
    """Events that it has yet to get: late, not lost."""
    held: int = 0
    """Records that it has set aside, to be tried again."""
    again: int = 0
    """Records that a topic holds more than once, which readers drop."""
    counts: Counter[Kind] = field(default_factory=Counter[Kind])
    findings: list[Finding] = field(default_factory=list[Finding])

    def add(self, kind: Kind, what: str, fix: str, count: int = 1) -> None:
        """Note something that is wrong."""
        self.counts[kind] += count
        if len(self.findings) < EXAMPLES_MAX:
            self.findings.append(Finding(kind, self.place, what, fix))

    @property
    def verdict(self) -> str:
        """Say in a word how it is."""
        if self.counts.total():
            return "WRONG"
        return "behind" if self.behind else "ok"

    def as_json(self) -> dict[str, Any]:
        """Return what can be written as JSON."""
        # The standard library's `asdict` makes nonsense of a Counter that holds something.
        findings = [asdict(finding) for finding in self.findings]
        numbers = {"facts": self.facts, "behind": self.behind, "held": self.held, "again": self.again}
        return {"place": self.place, **numbers, "counts": self.counts, "findings": findings, "verdict": self.verdict}


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in the whole suite."""

    accounts: list[Account]

    @property
    def findings(self) -> list[Finding]:
        """Everything that is wrong, by place."""
        return [finding for account in self.accounts for finding in account.findings]

    @property
    def counts(self) -> Mapping[Kind, int]:
        """How much is wrong, by kind."""
        return add_up(account.counts for account in self.accounts)

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong; something may be late."""
        return not any(self.counts.values())

    def as_json(self) -> dict[str, Any]:
        """Return what can be written as JSON."""
        places = [account.as_json() for account in self.accounts]
        return {"counts": self.counts, "is_level": self.is_level, "places": places}

    @property
    def is_level(self) -> bool:
        """Whether every topic and every read model has come to the end of its ledgers."""
        return not any(account.behind for account in self.accounts)


def add_up(counts: Iterable[Mapping[Kind, int]]) -> Mapping[Kind, int]:
    """Add counts, kind by kind."""
    total: Counter[Kind] = Counter()
    for each in counts:
        total.update(each)
    return {kind: total[kind] for kind in KINDS}
