"""What happens in a schedule: who writes how much, and which faults come when; all of it follows from the seed."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

FAULTS_MAX: Final = 4
FAULT_SECONDS: Final = 6.0
"""Faults begin within this time, and end within twice as much."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong."""

    at: float
    kind: str
    chances: tuple[float, float, float]
    """Numbers between 0 and 1 from which whoever does it draws what it hits, and for how long."""

    def __str__(self) -> str:
        return f"{self.at:.2f} s {self.kind} {' '.join(f'{chance:.2f}' for chance in self.chances)}"


@dataclass(frozen=True, slots=True)
class Plan:
    """A schedule before it runs; a smaller one with the same seed is a plan, too."""

    seed: int
    appends: int
    faults: tuple[Fault, ...]

    def __str__(self) -> str:
        lines = [f"seed {self.seed}, {self.appends} appends"]
        return "\n".join([*lines, *(f"  {fault}" for fault in self.faults)])


def draw(seed: int, kinds: tuple[str, ...]) -> Plan:
    """Draw the plan of a seed."""
    chance = random.Random(f"plan {seed}")  # noqa: S311  # no secret
    faults = [
        Fault(
            chance.random() * FAULT_SECONDS, chance.choice(kinds), (chance.random(), chance.random(), chance.random())
        )
        for _ in range(chance.randint(0, FAULTS_MAX))
    ]
    return Plan(seed, chance.randint(1, 12), tuple(sorted(faults, key=lambda fault: fault.at)))


def shrink(plan: Plan, fails: Callable[[Plan], bool]) -> Plan:
    """Return the smallest plan found that still fails: without faults that are not needed, with fewer appends."""
    is_smaller = True
    while is_smaller:
        is_smaller = False
        for smaller in _smaller(plan):
            if fails(smaller):
                plan, is_smaller = smaller, True
                break
    return plan


def _smaller(plan: Plan) -> list[Plan]:
    without = [replace(plan, faults=plan.faults[:n] + plan.faults[n + 1 :]) for n in range(len(plan.faults))]
    appends = sorted({1, plan.appends // 2, plan.appends - 1} - {0, plan.appends})
    return [*without, *(replace(plan, appends=count) for count in appends)]
