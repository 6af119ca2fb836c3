"""Refuse a request that breaks a rule of the gateway's."""

from call import Call, Handler, Reply


async def validate(call: Call, proceed: Handler) -> Reply:
    """Raise the problem of a call that has one."""
    if call.problem:
        raise call.problem
    return await proceed(call)
