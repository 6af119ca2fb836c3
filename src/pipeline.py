"""THE ORDER: what a call passes through, and the mechanism that makes one handler of it."""

from collections.abc import Sequence

from call import Call, Handler, Policy, Reply
from deployment import Deployment
from journal import Journal
from policies.authenticate import authenticate
from policies.hold import hold
from policies.record import record
from policies.retry import retry
from policies.timeout import timeout
from policies.validate import validate
from ports import Ports
from upstream import upstream


def pipeline(call: Call, deployment: Deployment, journal: Journal, ports: Ports) -> Handler:
    """Return what a call passes through, outermost first."""
    gateway, options = call.gateway, call.options
    return compose(
        [
            # Outermost: sees refusals and failures too.
            record(journal, ports.database, ports.clock, ports.background),
            # Before anything that costs.
            authenticate(gateway.authentication, deployment.admin_token),
            # A stranger learns nothing from it, a caller everything.
            validate(options.problem),
            # The same target again, until an answer has begun.
            retry(call.retry, ports.clock),
            # Outside the timeout, which bounds the first byte, not the last.
            hold,
            # Innermost: bounds one attempt, not the operation.
            timeout(options.timeout),
        ],
        upstream(ports.fetch, ports.clock, deployment.upstreams),
    )


def compose(policies: Sequence[Policy | None], handler: Handler) -> Handler:
    """Return one handler: the first policy outermost, the handler innermost.

    A policy that is not configured is None, and costs nothing.
    """
    for policy in reversed(policies):
        if policy is not None:
            handler = _around(policy, handler)
    return handler


def _around(policy: Policy, proceed: Handler) -> Handler:
    async def handler(call: Call) -> Reply:
        return await policy(call, proceed)

    return handler
