"""Who tries again for ever can still be ended, and knows what to try again."""

import asyncio
import time
from typing import Final

import asyncpg

from rapport_events.faults import failure_of, is_away, leaves

ENDINGS: Final = 60
WINDOW_SECONDS: Final = 0.006


class BrokenError(Exception):
    """Something failed while it was ended."""


async def _fail_when_ended() -> None:
    try:
        await asyncio.Event().wait()
    finally:
        raise BrokenError


async def _work() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(_fail_when_ended())


async def _try_for_ever() -> None:
    while True:
        await failure_of(_work())


async def test_a_failure_at_the_moment_of_the_end_does_not_go_on_for_ever() -> None:
    task = asyncio.create_task(_try_for_ever())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    task.cancel()
    done, _ = await asyncio.wait([task], timeout=5)

    assert done
    assert task.cancelled()


async def test_a_failure_is_returned_and_success_is_none() -> None:
    async def fail() -> None:
        raise BrokenError

    async def nothing() -> None:
        """Succeed."""

    assert isinstance(await failure_of(fail()), BrokenError)
    assert await failure_of(nothing()) is None


def test_groups_within_groups_are_taken_apart() -> None:
    inner = ExceptionGroup("inner", [BrokenError(), ValueError()])

    assert [type(one) for one in leaves(ExceptionGroup("outer", [inner, KeyError()]))] == [
        BrokenError,
        ValueError,
        KeyError,
    ]


async def test_a_connection_whose_server_is_just_ending_is_away(postgres: str) -> None:
    """Between its last words and its hanging up the driver knows no kind of error for what is asked of it."""
    admin = await asyncpg.connect(postgres)
    kinds: set[str] = set()
    for number in range(ENDINGS):
        connection = await asyncpg.connect(postgres)
        await admin.execute("SELECT pg_terminate_backend($1)", connection.get_server_pid())
        moment = time.monotonic() + number * WINDOW_SECONDS / ENDINGS
        while time.monotonic() < moment:
            await asyncio.sleep(0)
        try:
            await connection.execute("SELECT")
        except Exception as error:  # noqa: BLE001  # whatever it is, it must be known
            assert is_away(error), repr(error)  # noqa: PT017
            kinds.add(type(error).__name__)
        connection.terminate()
    await admin.close()

    assert kinds
    assert is_away(asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress"))
