"""Bound the wait for the first byte of an answer."""

import asyncio

from call import Call, Handler, Policy, Reply
from errors import UpstreamTimeout


def timeout(limit: int | None) -> Policy | None:
    """Return the policy that gives each attempt `limit` milliseconds to its first byte.

    A stream that has begun may take as long as it likes. Raises UpstreamTimeout.
    """
    if limit is None:
        return None

    async def timeout(call: Call, proceed: Handler) -> Reply:
        try:
            async with asyncio.timeout(limit / 1000):
                return await proceed(call)
        except TimeoutError:
            raise UpstreamTimeout(call.attempts[-1].host, limit) from None

    return timeout
