"""Bound the wait for the first byte of an answer."""

import asyncio

from call import Call, Handler, Reply
from errors import UpstreamTimeout


async def timeout(call: Call, proceed: Handler) -> Reply:
    """Give an attempt the milliseconds to its first byte that the caller allows.

    A stream that has begun may take as long as it likes. Raises UpstreamTimeout.
    """
    limit = call.options.timeout
    if limit is None:
        return await proceed(call)
    try:
        async with asyncio.timeout(limit / 1000):
            return await proceed(call)
    except TimeoutError:
        raise UpstreamTimeout(call.trail.attempts[-1].host, limit) from None
