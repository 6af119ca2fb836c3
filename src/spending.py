"""What a call may cost before it is made, and what it cost in the end: in whole nano-USD."""

from collections.abc import Awaitable, Sequence
from dataclasses import replace

from call import Attempt, Call, Reply, Report, Usage
from costs import ESTIMATED, UNKNOWN, cost, worth
from dialects.bounds import answers, bound
from errors import ClientLeft, GatewayError, UpstreamTimeout
from options import CustomCost
from ports import Ending
from pricing import ceiling
from providers import lookup
from reservation import NO_OUTPUT, asks, watched
from rules import NANO
from terms import asked

BYTES = 2
"""Of a body, for one token: of most texts in most languages a token has more."""
OUTPUT = 4_096
"""Tokens of an answer, where the request does not bound it."""

Trial = tuple[Attempt, Awaitable[Ending] | None]
"""An attempt with what came of it, and how the body of its answer will end."""


def spends(call: Call) -> bool:
    """Return whether a call may cost anything: not one that reads, or that leads nowhere."""
    return asks(call) and lookup(call.target.provider, call.gateway.customs) is not None


def most(call: Call) -> int | None:
    """Return what one attempt at a call may cost, about, at the most. None is unknown."""
    custom = call.options.custom_cost
    if custom and custom.total_cost is not None:
        return _nano(custom.total_cost)
    usage = _usage(call)
    if usage is None:
        return None
    usd = _own(custom, usage, call) if custom else _listed(usage, call)
    return None if usd is None else _nano(usd)


def _usage(call: Call) -> Usage | None:
    """Return the most that is used by a call. None: of a WebSocket, or of what cannot be read."""
    ask = call.ask
    if call.kind == "websocket" or (ask.text is None and call.request.body):
        return None
    text = ask.text or ""
    size = len(text.encode())
    named = 0 if ask.model_type in NO_OUTPUT else bound(text)
    many = answers(text)
    return Usage(
        tokens_in=-(-size // BYTES),
        tokens_out=many * (OUTPUT if named is None else named),
        characters=size,
        images=many,
    )


def _own(custom: CustomCost, usage: Usage, call: Call) -> float | None:
    cached = (custom.per_cache_read_token or 0, custom.per_cache_write_token or 0)
    dearest = replace(custom, per_token_in=max(custom.per_token_in, *cached))
    return worth(Report(usage=usage), call.ask, None, dearest, call.started)


def _listed(usage: Usage, call: Call) -> float | None:
    provider, model = lookup(call.target.provider, call.gateway.customs), call.ask.model
    if provider is None or provider.prices is None or model is None:
        return None
    return ceiling(provider.prices, model, usage, asked(call.ask.text), call.started)


def trials(attempts: Sequence[Attempt], outcome: Reply | GatewayError) -> list[Trial]:
    """Ask how the answers of a call will end, before they leave. The last came to the outcome."""
    known = [replace(each, outcome=each.outcome or outcome) for each in attempts]
    endings = watched([each.outcome or outcome for each in known])
    return [(each, coming) for each, (_, coming) in zip(known, endings, strict=True)]


async def spent(tried: Sequence[Trial]) -> tuple[int, bool]:
    """Return what is known to have been paid for attempts once they have ended, and if it is all.

    That is what the log tells of them. An error that tells of no usage costs nothing. An answer
    whose cost is unknown, or that nobody waited for, may have cost more.
    """
    costs = [_paid(attempt, await coming if coming else None) for attempt, coming in tried]
    known = [each for each in costs if each is not None]
    return sum(known), len(known) == len(costs)


def _paid(attempt: Attempt, ending: Ending | None) -> int | None:
    outcome, ending = attempt.outcome, ending or Ending("complete")
    if not isinstance(outcome, Reply):
        return None if _begun(attempt) else 0
    report = outcome.report(ending) if outcome.report else Report()
    paid = cost(attempt, report, ending)
    if paid.usd is None:
        failed = outcome.status >= 400 or outcome.failed is not None
        return 0 if failed and UNKNOWN not in paid.flags else None
    told = report.usage.tokens_out is not None or report.cost is not None or paid.custom
    whole = ending.state == "complete" and report.complete
    return _nano(paid.usd) if whole or told or ESTIMATED in paid.flags else None


def _begun(attempt: Attempt) -> bool:
    """Return whether a provider may be at work for an attempt of which no answer came."""
    waited = isinstance(attempt.outcome, ClientLeft | UpstreamTimeout)
    return attempt.first_byte is not None or (waited and attempt.number > 0)


def _nano(usd: float) -> int:
    return round(usd * NANO)
