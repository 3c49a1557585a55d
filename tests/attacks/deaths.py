"""Moments at which a process dies by itself, as by `kill -9`, or stands still until somebody wakes it."""

import os
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final, NoReturn, cast
from unittest.mock import patch

from rapport_events import appender
from rapport_events.lane import Lane
from rapport_events.reader import ViewReader

# It steps into the middle of the code under test.
# pyright: reportPrivateUsage=false
# ruff: noqa: SLF001

BEFORE_APPEND: Final = "before an append is sent"
AFTER_APPEND: Final = "after the commit of an append"
AFTER_CONFIRMATION: Final = "after the broker's confirmation"
BEFORE_FOLD_COMMIT: Final = "before the commit of a fold"
AFTER_FOLD_COMMIT: Final = "after the commit of a fold"
STANDS_STILL: Final = "stands still before the transaction of a fold"


def die(*_: object) -> NoReturn:
    """End this process at once."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


async def _die(*_: object) -> NoReturn:
    die()


def _die_after_append() -> AbstractContextManager[object]:
    call = appender._call_append

    async def append_and_die(connection: Any, requests: Any) -> NoReturn:  # noqa: ANN401  # as there
        # The function is a statement of its own: when it has answered, it has committed.
        await call(connection, requests)
        die()

    return _patched(appender, "_call_append", append_and_die)


def _die_before_fold_commit() -> AbstractContextManager[object]:
    fold = ViewReader._fold

    async def fold_and_die(self: ViewReader, *arguments: Any, **options: Any) -> NoReturn:  # noqa: ANN401  # as there
        await fold(self, *arguments, **options)
        die()

    return _patched(ViewReader, "_fold", fold_and_die)


def _die_after_fold_commit() -> AbstractContextManager[object]:
    commit = ViewReader._commit

    async def commit_and_die(self: ViewReader, *arguments: Any) -> NoReturn:  # noqa: ANN401  # as there
        await commit(self, *arguments)
        die()

    return _patched(ViewReader, "_commit", commit_and_die)


def _stand_still_before_fold() -> AbstractContextManager[object]:
    commit = ViewReader._commit
    moments = iter([signal.SIGSTOP])

    async def stand_still_and_commit(self: ViewReader, *arguments: Any) -> None:  # noqa: ANN401  # as there
        for moment in moments:
            os.kill(os.getpid(), moment)
        await commit(self, *arguments)

    return _patched(ViewReader, "_commit", stand_still_and_commit)


def _patched(owner: object, name: str, change: object) -> AbstractContextManager[object]:
    return cast("AbstractContextManager[object]", patch.object(owner, name, change))


DEATHS: Final[dict[str, Callable[[], AbstractContextManager[object]]]] = {
    BEFORE_APPEND: lambda: _patched(appender, "_call_append", _die),
    AFTER_APPEND: _die_after_append,
    AFTER_CONFIRMATION: lambda: _patched(Lane, "confirm", die),
    BEFORE_FOLD_COMMIT: _die_before_fold_commit,
    AFTER_FOLD_COMMIT: _die_after_fold_commit,
    STANDS_STILL: _stand_still_before_fold,
}
