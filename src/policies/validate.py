"""Refuse a request of which a gateway header breaks its rule."""

from call import Call, Handler, Policy, Reply
from errors import BadHeader


def validate(problem: BadHeader | None) -> Policy | None:
    """Return the policy that raises the problem, where there is one."""
    if problem is None:
        return None

    async def validate(_call: Call, _proceed: Handler) -> Reply:
        raise problem

    return validate
