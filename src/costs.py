"""What an attempt cost, and how that is known: whose word counts, and what may be said."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from call import Ask, Attempt, Reply, Report, Usage
from estimates import estimated
from options import CustomCost
from ports import Ending
from pricing import price
from terms import asked

UNKNOWN = "cost_unknown"
"""The flag of a row whose usage has no price that is known."""
ESTIMATED = "cost_estimated"
"""The flag of a row whose tokens, or some of them, were estimated from the text."""

_WRITES = "text-generation"


@dataclass(frozen=True, slots=True)
class Cost:
    """A cost, and what a row tells of it."""

    usd: float | None = None
    custom: bool = False
    """Whether it is the caller's own."""
    flags: tuple[str, ...] = ()


_NOTHING = Cost()
_FREE = Cost(0.0)


def cost(attempt: Attempt, report: Report, ending: Ending) -> Cost:
    """Return what an attempt cost that has ended. What failed, and used nothing, has no cost."""
    reply, ask = attempt.outcome, attempt.call.ask
    if not isinstance(reply, Reply):
        return _NOTHING
    if reply.kept:
        return _FREE
    answered = reply.status < 400
    counted = _whole(report, ask, ending) if answered and ask.stream else report
    custom = attempt.call.options.custom_cost if answered else None
    if custom is None and counted.cost is None and counted.usage == Usage():
        return _NOTHING
    usd = worth(counted, ask, attempt.prices, custom, attempt.started)
    if usd is None:
        flags = () if report.usage == Usage() else (UNKNOWN,)
    else:
        flags = () if counted is report else (ESTIMATED,)
    return Cost(usd, custom is not None, flags)


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


def saved(kept: Report, custom: CustomCost | None) -> float | None:
    """Return what was not paid for an answer that had been kept, with what it cost then."""
    return _own(custom, kept.usage) if custom else kept.cost


def _names(report: Report, ask: Ask) -> Iterable[str | None]:
    # What was asked for tells more: the region that it is served in, say. Of what somebody has
    # deployed under a name of his own, the answer tells more.
    names = (ask.model, report.model)
    return reversed(names) if ask.deployed else names


def _whole(report: Report, ask: Ask, ending: Ending) -> Report:
    """Return a report with an estimate of the tokens that a stream did not come to tell."""
    usage = report.usage
    told = report.cost is not None or None not in (usage.tokens_in, usage.tokens_out)
    if told or ask.model_type != _WRITES or ending.text is None:
        return report
    whole = estimated(usage, ask.text, ending.text)
    return report if whole == usage else replace(report, usage=whole)


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
