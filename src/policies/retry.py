"""Try the same target again, when the failure is one that may pass."""

from call import Call, Handler, Policy, Reply
from errors import GatewayError, Unreachable, UpstreamTimeout
from ports import Clock
from retry_after import retry_after
from settings import Retry

PATIENCE_MS = 60_000
"""How long a caller is supposed to wait for an answer to begin, all attempts together."""


def retry(clock: Clock) -> Policy:
    """Return the policy that tries each step of a call as often as its plan says.

    It tries again after a connection that failed, a timeout, and an error that the dialect of the
    provider calls retryable; never after an answer has begun, and never with a body that cannot be
    sent again. A provider's wish for a longer delay wins over the plan's, and ends the trying when
    it is longer than the caller is supposed to wait.
    """

    async def retry(call: Call, proceed: Handler) -> Reply:
        plan = call.retry
        body = call.request.body
        repeatable = body is None or await body.keep()
        for attempt in range(1, plan.attempts if repeatable else 1):
            outcome = await _outcome(call, proceed)
            wait = _wait(plan, attempt, outcome, clock())
            patient = clock() + wait <= call.started + PATIENCE_MS
            if not (patient and _may_pass(outcome)):
                return _replied(outcome)
            call.trail.give_up(outcome, clock())
            await clock.sleep(wait / 1000)
        return await proceed(call)

    return retry


async def _outcome(call: Call, proceed: Handler) -> Reply | GatewayError:
    try:
        return await proceed(call)
    except (Unreachable, UpstreamTimeout) as error:
        return error


def _replied(outcome: Reply | GatewayError) -> Reply:
    if isinstance(outcome, GatewayError):
        raise outcome
    return outcome


def _may_pass(outcome: Reply | GatewayError) -> bool:
    if isinstance(outcome, GatewayError):
        return True
    # What the vendor's own SDKs obey: https://github.com/openai/openai-python/blob/main/src/openai/_base_client.py
    if outcome.headers.get("x-should-retry") == "false":
        return outcome.spare
    return outcome.spare or bool(outcome.failed and outcome.failed.retryable)


def _wait(plan: Retry, attempt: int, outcome: Reply | GatewayError, now: float) -> float:
    """Return the milliseconds to wait after an attempt, the first of which is 1."""
    if isinstance(outcome, GatewayError):
        return plan.wait(attempt)
    if outcome.spare:
        return 0.0
    told = (outcome.failed and outcome.failed.wait) or 0.0
    return max(plan.wait(attempt), retry_after(outcome.headers, now), told * 1000)
