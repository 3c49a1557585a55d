"""Replay a schedule from its seed, or look for one that fails: `python -m tests.simulation --seed 7`."""

import argparse
import sys
import time
from contextlib import nullcontext
from dataclasses import replace

from tests.simulation.planted import PLANTED
from tests.simulation.schedules import first_failure, plan_of, run_plan


def main() -> int:
    """Run what was asked for; 1 where a schedule fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="replay this schedule, and print what happened in it")
    parser.add_argument("--faults", help="of its faults, only these, by number: 0,2")
    parser.add_argument("--appends", type=int, help="that many appends instead of as many as were drawn")
    parser.add_argument("--quiet", action="store_true", help="print the plan, the outcome and the trace's hash only")
    parser.add_argument("--from", type=int, default=0, dest="first", help="look for a failure from this seed on")
    parser.add_argument("--count", type=int, default=5_000, help="through that many seeds")
    parser.add_argument("--planted", choices=sorted(PLANTED), help="with a bug in the code")
    given = parser.parse_args()
    with PLANTED[given.planted]() if given.planted else nullcontext():
        return _replay(given) if given.seed is not None else _search(given.first, given.count)


def _replay(given: argparse.Namespace) -> int:
    plan = plan_of(given.seed)
    if given.faults is not None:
        wanted = [int(number) for number in given.faults.split(",") if number]
        plan = replace(plan, faults=tuple(plan.faults[number] for number in wanted))
    plan = replace(plan, appends=given.appends or plan.appends)
    result = run_plan(plan, keeps_trace=not given.quiet)
    for line in result.lines or ():
        sys.stdout.write(f"{line}\n")
    sys.stdout.write(f"{plan}\n{result.failure or 'holds'}\ntrace {result.trace}\n")
    return int(result.failure is not None)


def _search(first: int, count: int) -> int:
    began = time.perf_counter()
    result = first_failure(range(first, first + count))
    if result is not None:
        sys.stdout.write(f"{result}\n")
        return 1
    seconds = time.perf_counter() - began
    sys.stdout.write(f"{count} schedules hold, {count / seconds * 60:.0f} a minute\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
