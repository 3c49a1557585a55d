"""Run schedules: one for each seed, and find the smallest plan that fails as it does."""

import logging
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from unittest.mock import patch

import structlog

from rapport_events import consuming, keeping, mirror
from rapport_events.faults import leaves
from tests.simulation import clock
from tests.simulation.faults import FAULTS
from tests.simulation.nature import Nature
from tests.simulation.plan import Plan, draw, shrink
from tests.simulation.world import World

_PACE_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 1.5


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a schedule."""

    plan: Plan
    trace: str
    failure: str | None
    lines: list[str] | None

    def __str__(self) -> str:
        """Say what failed, and how to see it again."""
        whole = plan_of(self.plan.seed)
        kept = ",".join(str(number) for number, fault in enumerate(whole.faults) if fault in self.plan.faults)
        again = f"python -m tests.simulation --seed {self.plan.seed} --faults '{kept}' --appends {self.plan.appends}"
        return f"{self.plan}\n{self.failure}\ntrace {self.trace}\nreplay: {again}"


class _Gauge:
    """A figure that nobody looks at: keeping it for each partition took a tenth of the time."""

    def labels(self, *_: object) -> "_Gauge":
        return self

    def set(self, _: float) -> None:
        """Forget it."""


class _Alarm:
    """Notes an alarm where the world's operator sees it."""

    def __init__(self, nature: Nature, name: str) -> None:
        self._nature = nature
        self._name = name

    def labels(self, *_: object) -> "_Alarm":
        return self

    def inc(self, _: float = 1) -> None:
        """Raise it."""
        self._nature.alarms.append(self._name)


@contextmanager
def quiet(nature: Nature) -> Generator[None]:
    """Leave out what costs time and decides nothing, and let the operator hear the alarm of readers."""
    before: dict[str, Any] = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        with (
            patch.object(consuming, "LAG", _Gauge()),
            patch.object(mirror, "LAG", _Gauge()),
            patch.object(consuming, "AHEAD", _Alarm(nature, "ledger_behind_reader")),
            patch.object(consuming, "PACE_SECONDS", _PACE_SECONDS),
            patch.object(keeping, "LOOK_SECONDS", _LOOK_SECONDS),
        ):
            yield
    finally:
        structlog.configure(**before)


def plan_of(seed: int) -> Plan:
    """Return the plan of a seed."""
    return draw(seed, tuple(FAULTS))


def run_plan(plan: Plan, *, keeps_trace: bool = False) -> Result:
    """Run one schedule from its beginning to its end."""
    nature = Nature(plan.seed, keeps_trace=keeps_trace)
    failure: str | None = None

    async def live() -> None:
        await World(nature, plan).run()

    try:
        with quiet(nature):
            clock.run(plan.seed, live())
    except (AssertionError, ExceptionGroup, clock.Stuck) as error:
        failure = "; ".join(f"{type(one).__name__}: {one}" for one in leaves(error))
    return Result(plan, nature.trace, failure, nature.lines)


def first_failure(seeds: Iterable[int]) -> Result | None:
    """Run schedules up to the first that fails, and return the smallest one that fails with its seed."""
    for seed in seeds:
        result = run_plan(plan_of(seed))
        if result.failure is not None:
            return run_plan(shrink(result.plan, lambda plan: run_plan(plan).failure is not None))
    return None
