"""`python -m tests.faults --seed N --commands N --kills N --broker embedded`: attack a suite, count, and report."""

import argparse
import asyncio
import json
import logging
import secrets
import shutil
import sys
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from signal import SIGTERM
from typing import Final

from tests.brokers.jars import are_possible
from tests.faults.campaign import Order, Outcome, run
from tests.faults.house import KINDS, Kind
from tests.faults.planted import PLANTED

REPORTS: Final = Path(__file__).parent / "reports"


def main() -> int:
    """Return 1 if anything was lost, came twice, out of order or from nowhere."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--commands", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--per-second", type=float, default=250)
    parser.add_argument("--batch", type=int, default=100, help="how many commands a caller sends together at most")
    parser.add_argument("--others", type=int, default=1, help="how often each fault comes that kills nobody")
    parser.add_argument("--broker", choices=KINDS, action="append", help="one of them; both where none is named")
    parser.add_argument("--report", type=Path, default=REPORTS / "latest.json")
    parser.add_argument("--keep", type=Path, help="folder that is kept, with history and logs")
    asked = parser.parse_args()
    # A broker that does not answer is what this is about.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR", UserWarning)
    kinds: Sequence[Kind] = asked.broker or KINDS
    if "apache" in kinds and not are_possible():
        _say("Apache Kafka: not attacked, because this machine has no Java or no Maven")
        kinds = [kind for kind in kinds if kind != "apache"]
    outcomes: list[Outcome] = []
    for kind in kinds:
        _say(f"seed {asked.seed}, broker {kind}")
        folder = asked.keep / kind if asked.keep else Path(tempfile.mkdtemp(prefix="rapport-faults-"))
        folder.mkdir(parents=True, exist_ok=True)
        order = Order(kind, asked.seed, asked.commands, asked.kills, asked.per_second, asked.batch, asked.others)
        try:
            outcomes.append(asyncio.run(_run(order, folder)))
        except asyncio.CancelledError:
            _say("ended by SIGTERM")
            return 128 + SIGTERM
        finally:
            if not asked.keep:
                shutil.rmtree(folder, ignore_errors=True)
        _say(json.dumps(outcomes[-1].members(), indent=2))
        _write(asked.report, outcomes[-1])
    return 0 if all(outcome.is_clean for outcome in outcomes) else 1


async def _run(order: Order, folder: Path) -> Outcome:
    """Carry a run out; whoever ends it by SIGTERM finds nothing left behind, as after Ctrl-C."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(SIGTERM, task.cancel)
    return await run(order, folder, _say)


def _write(path: Path, outcome: Outcome) -> None:
    """Put a run into the report in the place of the last one on the same broker."""
    kept: list[dict[str, object]] = json.loads(path.read_bytes())["runs"] if path.exists() else []
    runs = [run for run in kept if run["broker"] != outcome.order.kind] + [outcome.members()]
    planted = [{"bug": bug.name, "caught_by": bug.caught_by} for bug in PLANTED]
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"runs": runs, "planted": planted}, indent=2) + "\n", encoding="utf-8")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
