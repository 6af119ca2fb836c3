"""Let through no more requests than the gateway may, in any of its windows."""

from call import Call, Handler, Policy, Reply
from errors import GatewayError, RateLimited
from limits import headers
from ports import Counters, CountersError

OUT_OF_ORDER = "rate_limit_unavailable"
"""The flag of a row whose request was let through uncounted."""


def rate_limit(counters: Counters) -> Policy:
    """Return the policy that counts every request of a gateway that has a limit.

    Answers and errors tell how much is left. A counter that is out of order lets everybody through,
    and the row says so. Raises RateLimited.
    """

    async def rate_limit(call: Call, proceed: Handler) -> Reply:
        rule = call.gateway.limit
        assert rule
        try:
            verdict = await counters.take(f"{call.gateway.internal_id}:gateway", rule)
        except CountersError:
            call.trail.flags.append(OUT_OF_ORDER)
            return await proceed(call)
        told = headers(rule, verdict)
        if not verdict.granted:
            raise RateLimited(told)
        try:
            reply = await proceed(call)
        except GatewayError as error:
            error.headers.update(told)
            raise
        reply.headers.update(told)
        return reply

    return rate_limit
