"""What an attempt cost, and how that is known: whose word counts, and what may be said."""

from collections.abc import Iterable
from dataclasses import replace

from call import Ask, Attempt, Call, Reply, Report, Usage
from costs.estimates import estimated
from costs.pricing import price
from costs.terms import asked
from options import CustomCost
from ports import Ending
from values import value

UNKNOWN = "cost_unknown"
"""The flag of a row whose usage has no price that is known."""
ESTIMATED = "cost_estimated"
"""The flag of a row whose tokens, or some of them, were estimated from the text."""

_WRITES = "text-generation"


@value
class Cost:
    """A cost, and what a row tells of it."""

    usd: float | None = None
    custom: bool = False
    """Whether it is the caller's own."""
    flags: tuple[str, ...] = ()


_NOTHING = Cost()
_UNUSED = Usage()
_FREE = Cost(0.0)


def cost(attempt: Attempt, report: Report, ending: Ending) -> Cost:
    """Return what an attempt cost that has ended. What failed, and used nothing, has no cost.

    Nor has what is only read: the use that it tells of is that of an earlier request.
    """
    reply, call = attempt.outcome, attempt.call
    if not isinstance(reply, Reply) or not call.billed:
        return _NOTHING
    if reply.kept:
        return _FREE
    # An error may hide in an answer of status 200: it is tried again like any other.
    fine = reply.status < 400 and reply.failed is None
    counted = whole(report, call.ask, ending) if fine and call.ask.stream else report
    used = counted.cost is not None or counted.usage != _UNUSED
    custom = call.options.custom_cost if fine or (used and reply.status < 400) else None
    known = used or custom is not None
    usd = worth(counted, call.ask, attempt.prices, custom, attempt.started) if known else None
    if usd is None:
        unread = fine and ending.text is None and _may_cost(call)
        flags = (UNKNOWN,) if used or unread else ()
    else:
        flags = () if counted is report else (ESTIMATED,)
    return Cost(usd, custom is not None, flags)


def _may_cost(call: Call) -> bool:
    """Return whether an answer that nobody could read, too long or no text, is of a paid task."""
    return call.ask.model_type is not None and call.kind != "websocket"


def worth(
    report: Report, ask: Ask, prices: str | None, custom: CustomCost | None, at: float
) -> float | None:
    """Return what a provider is paid for an answer: what a cached one saves, too.

    The caller's own price comes first, then the vendor's word, then the table. `at` is the time of
    the request (epoch milliseconds). None is unknown.
    """
    if custom:
        return _own(custom, report.usage)
    if report.cost is not None or prices is None:
        return report.cost
    # What was asked for is what is paid, unless the answer says otherwise.
    terms = {**asked(ask.text), **report.terms}
    costs = (price(prices, name, report.usage, terms, at) for name in _names(report, ask) if name)
    return next((usd for usd in costs if usd is not None), None)


def saved(kept: Report, custom: CustomCost | None, ask: Ask, ending: Ending) -> float | None:
    """Return what was not paid for an answer that had been kept, with what it cost then."""
    if custom is None:
        return kept.cost
    # The cost that it is kept with may be an estimate, too.
    told = whole(replace(kept, cost=None), ask, ending) if ask.stream else kept
    return _own(custom, told.usage)


def whole(report: Report, ask: Ask, ending: Ending) -> Report:
    """Return the report of a stream with an estimate of the tokens that it did not come to tell."""
    usage = report.usage
    told = report.cost is not None or None not in (usage.tokens_in, usage.tokens_out)
    if told or ask.model_type != _WRITES or ending.text is None:
        return report
    guessed = estimated(usage, ask.text, ending.text)
    return report if guessed == usage else replace(report, usage=guessed)


def _names(report: Report, ask: Ask) -> Iterable[str | None]:
    # What was asked for tells more: the region that it is served in, say. Of what somebody has
    # deployed under a name of his own, the answer tells more.
    names = (ask.model, report.model)
    return reversed(names) if ask.deployed else names


def _own(custom: CustomCost, usage: Usage) -> float | None:
    """Return a cost at the caller's own prices, by which what has none costs as the prompt does."""
    if custom.total_cost is not None:
        return custom.total_cost
    if usage.tokens_in is None and usage.tokens_out is None:
        return None
    read, written = usage.cached or 0, usage.cache_write or 0
    fresh = max(0, (usage.tokens_in or 0) - read - written)
    rate_in = custom.per_token_in
    return (
        fresh * rate_in
        + read * _either(custom.per_cache_read_token, rate_in)
        + written * _either(custom.per_cache_write_token, rate_in)
        + (usage.tokens_out or 0) * custom.per_token_out
    )


def _either(rate: float | None, usual: float) -> float:
    return usual if rate is None else rate
