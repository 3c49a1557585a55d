"""A suite that goes on when the command that started it has returned."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

from rapport_cli import exits
from rapport_cli.launching.home import Home, HomeRefused
from rapport_cli.launching.order import Order, carry_out
from rapport_cli.launching.processes import read_run
from rapport_cli.launching.screen import Pipe, Screen, Terminal, show_from

_STOP_SECONDS = 60
_START_SECONDS = 180
_LOOK_SECONDS = 0.2


def start_in_background(home: Home, order: Order, screen: Screen) -> int:
    """Start a launcher of its own, show what it does until everything is ready, and return the exit code."""
    try:
        home.make()
    except HomeRefused as error:
        screen.note(str(error))
        return exits.MISUSED
    log = home.logs / "launcher.log"
    ours, its = os.pipe()
    with os.fdopen(ours, encoding="utf-8") as pipe:
        with log.open("ab") as output:
            command = [sys.executable, "-m", "rapport_cli.launching.background", order.to_json(), str(its)]
            launcher = subprocess.Popen(  # noqa: S603 - our own words, and no shell
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(its,),
                start_new_session=True,
            )
        os.close(its)
        try:
            code = show_from(pipe, screen)
        except KeyboardInterrupt:
            screen.note("stopping")
            launcher.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                launcher.wait(_STOP_SECONDS)
            return exits.STOPPED
    if code is None:
        screen.note(f"the launcher ended without a word; see {log}")
        return exits.LEFT_OVER
    # It is no child to wait for any more: it belongs to the system now.
    launcher.returncode = launcher.returncode or 0
    return code


def wait_for_other(home: Home) -> int:
    """Wait until a suite that somebody else is starting is ready, and return the exit code."""
    until = time.monotonic() + _START_SECONDS
    while home.is_locked and time.monotonic() < until:
        run = read_run(home)
        if run is not None and run.is_ready:
            return exits.DONE
        time.sleep(_LOOK_SECONDS)
    return exits.LEFT_OVER


def main(arguments: list[str]) -> int:
    """Run a suite for `start_in_background`, which listens at the other end of a pipe."""
    order, descriptor = Order.from_json(arguments[0]), int(arguments[1])
    os.set_inheritable(descriptor, False)  # noqa: FBT003 - os takes it by position only
    pipe = Pipe(descriptor, Terminal())
    code = carry_out(order, pipe, lambda: pipe.finish(exits.DONE))
    pipe.finish(code)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
