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
            reply = await proceed(call)
            # Headers alone are no answer: vendors send them and then let a prompt wait its turn.
            if not isinstance(reply.body, str | None):
                await reply.body.begin()
            return reply
    except TimeoutError:
        attempt = call.trail.attempts[-1]
        attempt.first_byte = None
        raise UpstreamTimeout(attempt.host, limit) from None
