"""Telling a counter what became of the units that it granted."""

import contextlib
from collections.abc import Awaitable, Callable

from ports import Background, CountersError


async def told(settling: Awaitable[None], background: Background) -> None:
    """Wait until a counter has been told, and let it be told later where that fails.

    Where it never hears of it, what it granted counts on: all of that, and no more. What was used
    beyond it, or of what it never granted, is lost.
    """
    try:
        await settling
    except CountersError as error:
        if error.on:
            # When all else is done: the rows of the log do not wait for a counter.
            background.add(_later(error.on))


async def _later(on: Callable[[], Awaitable[object]]) -> None:
    with contextlib.suppress(CountersError):
        await on()
