"""Who tries again for ever can still be ended."""

import asyncio

from rapport_events.faults import failure_of, leaves


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
