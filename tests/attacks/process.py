"""The shop with something changed in it: `python -m tests.attacks.process CHANGE … -- interactions --roles http`."""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

from rapport_chassis.run import main as run
from tests.attacks.bugs import BUGS
from tests.attacks.deaths import DEATHS
from tests.chassis.shop import SHOP
from tests.events.sums import Sums


def program(*changes: str) -> Sequence[str]:
    """Return what `House.start` is to run; a later change stands around those before it."""
    return ("tests.attacks.process", *changes, "--")


def main() -> int:
    """Change what is named, then run as every service does."""
    end = sys.argv.index("--")
    with ExitStack() as stack:
        for name in sys.argv[1:end]:
            stack.enter_context((BUGS | DEATHS)[name]())
        return run(sys.argv[end + 1 :], find=lambda _: [replace(SHOP, views=(Sums(),))])


if __name__ == "__main__":
    sys.exit(main())
