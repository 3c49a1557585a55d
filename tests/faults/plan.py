"""Which faults come, in which order: drawn by a seed, so that the same seed gives the same plan."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from rapport_cli.launching.installed import find_installed
from rapport_cli.launching.parts import plan_processes
from tests.faults.cuts import CutBroker, CutDatabase
from tests.faults.disks import FullDisk
from tests.faults.house import NODES, SERVICES, TWINS, Kind
from tests.faults.kills import Kill
from tests.faults.losses import EmptyTopic, RestoreLedger
from tests.faults.records import FORMS, Hole, Records
from tests.faults.scene import Fault
from tests.faults.stops import Stop, StopLeader
from tests.system.suites import OWNERS
from tests.system.two_servers import MOVED

_SESSION_SECONDS: Final = {"embedded": 10, "apache": 45}
"""How long a silent reader keeps its partitions; on the embedded broker there are no groups."""
_PAIRS: Final = 0.2
"""The share of rounds in which two are killed at once."""


@dataclass(frozen=True, slots=True)
class Round:
    """What goes wrong at the same time."""

    faults: tuple[Fault, ...]

    @property
    def victims(self) -> tuple[str, ...]:
        """Who is killed."""
        return tuple(victim for fault in self.faults for victim in fault.victims)

    def __str__(self) -> str:
        return " + ".join(map(str, self.faults))


def victims(kind: Kind) -> list[str]:
    """Name everything that can be killed: brokers, databases, and each role of each service."""
    processes = [plan.name for plan in plan_processes(0, find_installed(SERVICES), is_split=True)]
    brokers = ["broker"] if kind == "embedded" else [f"kafka-{number}" for number in range(1, NODES + 1)]
    return [*brokers, "postgres", f"postgres-{MOVED}", *processes, *(f"{name}-2" for name in TWINS)]


def quick(chance: Random) -> list[Fault]:
    """Make one of each fault that is over in a moment."""
    service = chance.choice(OWNERS)
    records: list[Fault] = [Records(form, chance.choice(OWNERS)) for form in FORMS]
    cuts: list[Fault] = [CutDatabase("postgres"), CutDatabase(f"postgres-{MOVED}"), CutBroker()]
    return [*cuts, EmptyTopic(service), Hole(MOVED), *records]


def slow(kind: Kind, chance: Random) -> list[Fault]:
    """Make one of each fault that takes its time."""
    brokers = ["broker"] if kind == "embedded" else [f"kafka-{number}" for number in range(1, NODES + 1)]
    zombie = chance.choice([TWINS[0], f"{TWINS[0]}-2"])
    stops: list[Fault] = [Stop(zombie, _SESSION_SECONDS[kind] + 5), Stop(chance.choice(brokers), 8), StopLeader(8)]
    return [*stops, Stop(f"postgres-{MOVED}", 6), FullDisk(5), RestoreLedger()]


def draw_plan(seed: int, kills: int, kind: Kind, others: Sequence[Fault]) -> list[Round]:
    """
    Draw rounds of faults: kills, sometimes two at once, and the others in between.

    Args:
        kills: So many in all; each victim comes once before any comes twice.
        others: Each comes once.
    """
    chance = Random(f"{seed} {kind}")  # noqa: S311  # a repeatable plan, no secret
    killing = [Kill(name) for name, _ in zip(_deal(victims(kind), chance), range(kills), strict=False)]
    rounds: list[Round] = []
    while killing:
        count = 2 if len(killing) > 1 and chance.random() < _PAIRS and killing[0] != killing[1] else 1
        rounds.append(Round(tuple(killing[:count])))
        del killing[:count]
    for other in others:
        rounds.insert(chance.randrange(len(rounds) + 1), Round((other,)))
    return rounds


def _deal(names: Sequence[str], chance: Random) -> Iterator[str]:
    """Yield names for ever, each once before any comes again, and one of each sort before the second of any."""
    while True:
        nth: Counter[str] = Counter()
        ranked: list[tuple[int, str]] = []
        for name in chance.sample(names, len(names)):
            nth[sort_of(name)] += 1
            ranked.append((nth[sort_of(name)], name))
        yield from (name for _, name in sorted(ranked, key=lambda pair: pair[0]))


def sort_of(victim: str) -> str:
    """Return what sort of part is killed: broker, postgres, or the role of a service."""
    if victim == "broker" or victim.startswith("kafka-"):
        return "broker"
    if victim.startswith("postgres"):
        return "postgres"
    return next(role for role in ("http", "mirror", "readers", "effects") if role in victim)
