"""Begin to read what is kept, while others are still being asked."""

from call import Call, Handler, Policy, Reply
from kept.key import cache_key
from ports import Cache


def look_ahead(cache: Cache) -> Policy:
    """Return the policy that begins to read the kept answer to the first step of a call."""

    async def look_ahead(call: Call, proceed: Handler) -> Reply:
        if call.cache_ttl and (key := await cache_key(call)):
            call.trail.reading = cache.read(key)
        return await proceed(call)

    return look_ahead
