"""Try the same target again, when the failure is one that may pass."""

from email.utils import parsedate_to_datetime

from call import Call, Handler, Policy, Reply
from errors import GatewayError, Unreachable, UpstreamTimeout
from ports import Clock
from settings import Retry

PATIENCE_MS = 60_000
"""How long a caller is supposed to wait for an answer to begin, all attempts together."""


def retry(plan: Retry, clock: Clock) -> Policy | None:
    """Return the policy that tries a call up to `plan.attempts` times.

    It tries again after a connection that failed, a timeout, and an error that the dialect of the
    provider calls retryable; never after an answer has begun, and never with a body that cannot be
    sent again. A provider's `Retry-After` wins over a shorter delay, and ends the trying when it
    is longer than the caller is supposed to wait.
    """
    if plan.attempts == 1:
        return None

    async def retry(call: Call, proceed: Handler) -> Reply:
        body = call.request.body
        repeatable = body is None or await body.keep()
        for attempt in range(1, plan.attempts if repeatable else 1):
            outcome = await _outcome(call, proceed)
            wait = max(plan.wait(attempt), _retry_after(outcome, clock()))
            patient = clock() + wait <= call.started + PATIENCE_MS
            if not (patient and await _may_pass(outcome)):
                return _replied(outcome)
            call.attempts[-1].outcome = outcome
            call.attempts[-1].ended = clock()
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


async def _may_pass(outcome: Reply | GatewayError) -> bool:
    if isinstance(outcome, GatewayError):
        return True
    if outcome.status < 400 or outcome.failure is None:
        return False
    body = outcome.body
    if body is None or isinstance(body, str):
        return outcome.failure(body or "").retryable
    # An error too long to be held is on its way to the caller already.
    return body.held and outcome.failure((await body.watch()).text or "").retryable


def _retry_after(outcome: Reply | GatewayError, now: float) -> float:
    """Return the milliseconds that a provider asks to wait, 0 where it does not."""
    value = outcome.headers.get("retry-after", "")
    if value.isascii() and value.isdecimal():
        return int(value) * 1000.0
    try:
        return parsedate_to_datetime(value).timestamp() * 1000 - now
    except ValueError:
        return 0.0
