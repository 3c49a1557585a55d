"""Try again and again what catches planted bugs, with nothing planted: `python -m tests.attacks --runs 20`."""

import argparse
import os
import sys
from pathlib import Path

import pytest

_HERE = Path(__file__).parent


class _Counter:
    """Counts what pytest reports."""

    def __init__(self) -> None:
        self.tried = 0
        self.alarms = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Hear of a part of a test."""
        self.tried += report.when == "call"
        self.alarms += report.failed


def main() -> int:
    """Run, and print the figure last; 1 where there was an alarm."""
    parser = argparse.ArgumentParser(prog="python -m tests.attacks", description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    runs: int = parser.parse_args().runs
    os.environ["RAPPORT_TEST_ATTACK_RUNS"] = str(runs)
    counter = _Counter()
    code = pytest.main(["-q", "-p", "no:cacheprovider", str(_HERE / "test_nothing_planted.py")], plugins=[counter])
    sys.stdout.write(f"{runs} runs, {counter.tried} scenarios, {counter.alarms} alarms\n")
    return int(code != 0 or counter.tried == 0)


if __name__ == "__main__":
    sys.exit(main())
