"""The table of planted bugs names tests that there are."""

import subprocess
import sys
from pathlib import Path

from tests.faults.planted import PLANTED

ROOT = Path(__file__).parents[2]


def test_each_of_the_twelve_bugs_has_a_test_that_pytest_finds() -> None:
    ids = [bug.caught_by for bug in PLANTED]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", *ids]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)  # noqa: S603  # ourselves

    assert told.returncode == 0, told.stdout + told.stderr
    assert len({bug.name for bug in PLANTED}) == len(set(ids)) == 12
    assert set(ids) <= set(told.stdout.splitlines())
