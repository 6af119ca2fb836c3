"""Asks a Durable Object once more where its answer was lost.

An object can move to another machine while it is asked. Then nobody knows whether it did what it
was asked for. So who asks once more asks for the same: whoever is asked knows what he has done.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
PAUSE_S = 0.05
"""Between the two: a runtime that has just lost another one is not fit to be asked at once."""


class Lost(Exception):
    """The answer of an object was lost on the way; it may have done what it was asked for."""


async def ask(once: Callable[[], Awaitable[T]], patience_s: float) -> T:
    """Ask, and a second time where the first answer was lost, all within the patience.

    Raises Lost, TimeoutError, and what `once` raises.
    """
    async with asyncio.timeout(patience_s):
        try:
            return await once()
        except Lost:
            await asyncio.sleep(PAUSE_S)
            return await once()


async def persist(
    once: Callable[[], Awaitable[T]], failed: type[Exception], pauses_s: Sequence[float]
) -> T:
    """Ask after each of the pauses, as long as it fails. Raises what the last has failed with."""
    *pauses, last = pauses_s
    for pause in pauses:
        await asyncio.sleep(pause)
        with contextlib.suppress(failed):
            return await once()
    await asyncio.sleep(last)
    return await once()
