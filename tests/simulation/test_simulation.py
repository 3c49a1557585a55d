"""Whatever goes wrong in whatever order, read models come to what the ledger holds; the same seed, the same story."""

import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Final

import pytest

from tests.simulation.plan import draw
from tests.simulation.planted import PLANTED
from tests.simulation.schedules import Result, first_failure, plan_of, run_plan

SCHEDULES: Final = int(os.environ.get("RAPPORT_TEST_SCHEDULES", "5000"))
WORKERS: Final = 2
_ENOUGH: Final = 1_000
"""Schedules within which every planted bug is found."""
_LATE: Final = 300
"""Schedules in which requests land late, and nothing else but the topic is at fault."""


def _search(first: int) -> str | None:
    result = first_failure(range(first, SCHEDULES, WORKERS))
    return None if result is None else str(result)


@pytest.mark.timeout(600)
def test_every_schedule_ends_with_read_models_equal_to_the_ledger() -> None:
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        failures = [failure for failure in pool.map(_search, range(WORKERS)) if failure is not None]

    assert failures == [], "\n".join(failures)


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_bug_is_found_and_its_schedule_made_small(name: str) -> None:
    with PLANTED[name]():
        found = first_failure(range(_ENOUGH))
        assert found is not None
        assert run_plan(found.plan) == Result(found.plan, found.trace, found.failure, None)

    drawn = plan_of(found.plan.seed)
    assert len(found.plan.faults) <= len(drawn.faults)
    assert found.plan.appends <= drawn.appends
    assert run_plan(found.plan).failure is None


def test_requests_that_land_while_a_topic_is_read_leave_no_hole() -> None:
    """What is under way lands seconds late, behind an audit or a scan that has looked already, in a topic that lost."""
    kinds = ("slow_requests", "lost_answers", "lose_tail", "lose_everything", "stop_mirror")
    results = [run_plan(draw(seed, kinds)) for seed in range(_LATE)]

    assert [str(result) for result in results if result.failure is not None] == []


def test_a_seed_replays_exactly_in_another_process() -> None:
    command = [sys.executable, "-m", "tests.simulation", "--seed", "15", "--quiet"]
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)  # noqa: S603  # ourselves

    assert told.stdout.splitlines()[-1] == f"trace {run_plan(plan_of(15)).trace}"
