"""Where nothing is planted there is no alarm, however often it is tried: `python -m tests.attacks --runs 20`."""

import os
from typing import Final

import pytest

from tests.attacks.callers import Callers
from tests.attacks.scenarios import (
    die_between_commit_and_answer,
    let_the_gate_look_twice,
    share_a_connection,
    take_a_number_and_give_it_back,
)
from tests.events.mirroring import Place
from tests.events.postgres_desk import PostgresDesk
from tests.simulation.schedules import first_failure
from tests.workflow.world import World

RUNS: Final = int(os.environ.get("RAPPORT_TEST_ATTACK_RUNS", "1"))
_FIRST_SEED: Final = 10_000_000
"""Beyond those that the tests of the simulation go through."""
_SCHEDULES: Final = 100


@pytest.fixture(autouse=True, params=range(1, RUNS + 1))
def run(request: pytest.FixtureRequest) -> int:
    """Try everything so many times."""
    number: int = request.param
    return number


async def test_a_number_that_was_given_back(desk: PostgresDesk, place: Place) -> None:
    assert await take_a_number_and_give_it_back(desk, place) == []


async def test_a_death_between_commit_and_answer(callers: Callers) -> None:
    assert await die_between_commit_and_answer(callers) == []


async def test_a_gate_that_looks_twice(world: World) -> None:
    assert await let_the_gate_look_twice(world) == []


async def test_a_connection_that_is_shared(desk: PostgresDesk) -> None:
    assert await share_a_connection(desk) == []


def test_schedules_that_nobody_has_seen(run: int) -> None:
    first = _FIRST_SEED + run * _SCHEDULES

    assert first_failure(range(first, first + _SCHEDULES)) is None
