"""Wait for a condition, with a limit, instead of sleeping."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any

_PAUSE_SECONDS = 0.01


async def until(condition: Callable[[], bool | Awaitable[bool]], *, seconds: float, what: str) -> None:
    """
    Wait until a condition holds.

    Args:
        condition: Asked again and again; a plain or an async function.
        seconds: How long at most.
        what: The condition as a sentence, for the failure.

    Raises:
        AssertionError: It did not hold in time.
    """
    deadline = time.monotonic() + seconds
    try:
        async with asyncio.timeout(seconds):
            # A cancellation can get lost in what is awaited (`wait_for` of Python 3.11), so the clock is asked too.
            while time.monotonic() < deadline:
                answer = condition()
                if inspect.isawaitable(answer):
                    answer = await answer
                if answer:
                    return
                await asyncio.sleep(_PAUSE_SECONDS)
    except TimeoutError:
        pass
    msg = f"not within {seconds} s: {what}"
    raise AssertionError(msg)


async def ended(*tasks: asyncio.Future[Any], seconds: float = 30) -> list[object]:
    """
    Cancel tasks until they have ended, and return what came of each.

    More than once: a cancellation can get lost in what is awaited (`wait_for` of Python 3.11).

    Raises:
        AssertionError: One of them goes on for so long.
    """
    left, deadline = set(tasks), time.monotonic() + seconds
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=1)
        assert not left or time.monotonic() < deadline, f"{len(left)} tasks cannot be cancelled"
    results: list[object] = await asyncio.gather(*tasks, return_exceptions=True)
    return results
