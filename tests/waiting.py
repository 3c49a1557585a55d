"""Wait for a condition, with a limit, instead of sleeping."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

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
    try:
        async with asyncio.timeout(seconds):
            while True:
                answer = condition()
                if inspect.isawaitable(answer):
                    answer = await answer
                if answer:
                    return
                await asyncio.sleep(_PAUSE_SECONDS)
    except TimeoutError:
        msg = f"not within {seconds} s: {what}"
        raise AssertionError(msg) from None
