"""Go on to the next target, when the attempts on this one are spent."""

from breaker import Breaker
from call import Call, Handler, Policy, Reply
from errors import ClientLeft, GatewayError
from ports import Clock


def fallback(breaker: Breaker, clock: Clock) -> Policy:
    """Return the policy that tries the steps of a call in their order, until one succeeds.

    A step fails by any error, of its provider or of the gateway. A target that keeps failing is
    passed over, unless it is the last one left. When all fail the answer is the last one's.
    """

    async def fallback(call: Call, proceed: Handler) -> Reply:
        *steps, last = call, *call.fallbacks
        for step in steps:
            if not breaker.admits(step):
                call.trail.skipped.append(step.step)
                continue
            outcome = await _outcome(step, proceed, breaker)
            if isinstance(outcome, Reply) and outcome.failed is None:
                return outcome
            call.trail.give_up(outcome, clock())
        outcome = await _outcome(last, proceed, breaker)
        if isinstance(outcome, GatewayError):
            raise outcome
        return outcome

    return fallback


async def _outcome(step: Call, proceed: Handler, breaker: Breaker) -> Reply | GatewayError:
    try:
        outcome = await proceed(step)
    except ClientLeft:
        raise
    except GatewayError as error:
        outcome = error
    breaker.learn(step, outcome)
    return outcome
