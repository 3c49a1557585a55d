"""A short attack on a whole suite: each sort of part is killed, and nothing is lost, repeated, reordered or made up."""

import secrets
import sys
from pathlib import Path

import pytest

from tests.brokers import is_apache_wanted
from tests.brokers.jars import are_possible
from tests.faults.campaign import Order, run
from tests.faults.house import Kind

KILLS = 8
COMMANDS = 2_500
SECONDS_MAX = 360
RECOVERY_SECONDS_MAX = 60
"""Of this run on whatever machine it is; what is promised is measured where nothing else runs."""


@pytest.mark.timeout(SECONDS_MAX)
async def test_nothing_is_lost_while_everything_is_killed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def say(text: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"{text}\n")

    kind: Kind = "apache" if is_apache_wanted() and are_possible() else "embedded"
    order = Order(kind, secrets.randbelow(1_000_000), COMMANDS, KILLS, rounds_of_others=0)
    say(f"\nreplay: python -m tests.faults --broker {kind} --seed {order.seed} --kills {KILLS} --others 0")

    outcome = await run(order, tmp_path, say)

    members = outcome.members()
    assert members["wrong"] == []
    assert [members[each] for each in ("lost", "repeated", "reordered", "phantom", "backwards")] == [0] * 5
    assert outcome.kills.total() == KILLS
    assert outcome.counts["commands"] >= COMMANDS
    assert max(seconds for seconds, _ in outcome.recoveries) < RECOVERY_SECONDS_MAX
