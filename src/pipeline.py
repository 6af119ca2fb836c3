"""THE ORDER: what a call passes through, and the mechanism that makes one handler of it."""

from collections.abc import Sequence

from call import Call, Handler, Policy, Reply
from credentials import Credentials
from isolate import Isolate
from policies.authenticate import authenticate
from policies.budget import budget
from policies.cache import cache
from policies.fallback import fallback
from policies.hold import hold
from policies.look_ahead import look_ahead
from policies.rate_limit import rate_limit
from policies.record import record
from policies.retry import retry
from policies.timeout import timeout
from policies.validate import validate
from ports import Ports
from traces.exporter import Means
from traces.traces import UPSTREAM, Traces
from upstream import upstream


def pipeline(call: Call, isolate: Isolate, ports: Ports) -> Handler:
    """Return what a call passes through, outermost first."""
    steps = (call, *call.fallbacks)
    retries = any(step.retry.attempts > 1 for step in steps)
    timed = any(step.options.timeout for step in steps)
    cached = any(step.cache_ttl for step in steps)
    credentials = Credentials(isolate.keyring, isolate.vault, isolate.minted, ports)
    limits, step_limits = call.gateway.limits, call.gateway.step_limits
    if not call.fallbacks:
        # Its only step is the call: all are asked at once.
        limits, step_limits = (*limits, *step_limits), ()
    return compose(
        [
            # Outermost: sees refusals and failures too.
            record(isolate.journal, ports, _traces(call, isolate, ports)),
            # Before anything that costs.
            authenticate(isolate.deployment.admin_token, ports.clock)
            if call.gateway.authentication and not call.admitted
            else None,
            # A stranger learns nothing from it, a caller everything.
            validate if call.problem else None,
            # What is kept is being read while the counter is being asked.
            look_ahead(ports.cache) if cached and limits else None,
            # Every request counts, whatever becomes of it.
            rate_limit(limits, isolate.leases, ports) if limits else None,
            # The next target, when the attempts on this one are spent.
            fallback(isolate.breaker, ports.clock) if call.fallbacks else None,
            # A step that is refused lets the next one try.
            rate_limit(step_limits, isolate.leases, ports) if step_limits else None,
            # Of each step, for each has a key of its own; a hit needs none of what follows.
            cache(ports) if cached else None,
            # What one step may cost, all its attempts together.
            budget(call.gateway.budgets, ports) if call.gateway.budgets else None,
            # The same target again, until an answer has begun.
            retry(ports.clock) if retries else None,
            # Outside the timeout, which bounds the first byte, not the last.
            hold(wary=retries or bool(call.fallbacks)),
            # Innermost: bounds one attempt, not the operation.
            timeout if timed else None,
        ],
        upstream(ports, isolate.deployment, credentials),
    )


def admission(call: Call, isolate: Isolate, ports: Ports, handler: Handler) -> Handler:
    """Return what a connection passes through before it is open: it is no request to a provider."""
    return compose(
        [
            record(isolate.journal, ports, _traces(call, isolate, ports)),
            authenticate(isolate.deployment.admin_token, ports.clock)
            if call.gateway.authentication
            else None,
            validate if call.problem else None,
        ],
        handler,
    )


def _traces(call: Call, isolate: Isolate, ports: Ports) -> Traces | None:
    if not call.gateway.otel:
        return None
    replaced = isolate.deployment.upstreams.get(UPSTREAM)
    means = Means(ports.post, isolate.vault, ports.crypto, replaced)
    return Traces(call.gateway, isolate.exporter, means)


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
