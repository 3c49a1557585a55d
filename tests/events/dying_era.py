"""Begins a new era and is killed as soon as it has taken something back: `python -m tests.events.dying_era …`."""

import asyncio
import os
import signal
import sys

from rapport_events.new_era import begin_new_era
from rapport_events.take_back import Taken


def die(taken: Taken) -> None:
    if taken.count:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    service, keeper, bootstrap, prefix = sys.argv[1:]
    asyncio.run(
        begin_new_era(service=service, keeper=keeper, bootstrap=bootstrap, prefix=prefix, takes_back=True, tell=die)
    )
