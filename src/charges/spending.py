"""What a call may cost before it is made, and what it cost in the end: in whole nano-USD."""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace

from call import Attempt, Call, Reply, Report, Usage
from charges.reservation import NO_OUTPUT, asks, watched
from costs.cost import ESTIMATED, UNKNOWN, cost, worth
from costs.pricing import Reach, ceiling, reach
from costs.terms import asked
from dialects.bounds import Bounds, bounds
from errors import ClientLeft, GatewayError, UpstreamTimeout
from limits.rules import NANO
from options import CustomCost
from ports import Ending
from providers import lookup

BYTES = 2
"""Of a body, for one token: of most texts in most languages a token has more."""
OUTPUT = 16_384
"""Tokens of an answer, where neither the request nor anybody else bounds it."""
MODELS = 32
"""The most models that a request may leave its provider to choose from."""
CHUNK = 250
"""Tokens that are ranked as one document: 500, less those of the query that they are read with.
https://cohere.com/pricing, https://aws.amazon.com/bedrock/pricing/"""
SEARCH = 100
"""Documents that are ranked for the price of one search."""
_WRITES = "text-generation"

Trial = tuple[Attempt, Awaitable[Ending] | None]
"""An attempt with what came of it, and how the body of its answer will end."""


def spends(call: Call) -> bool:
    """Return whether a call may cost anything: not one that reads, or that leads nowhere."""
    return asks(call) and lookup(call.target.provider, call.gateway.customs) is not None


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a call asks for, whichever model answers."""

    call: Call
    bounds: Bounds
    size: int
    """Bytes of the body."""
    terms: Mapping[str, str]


def most(call: Call) -> int | None:
    """Return what one attempt at a call may cost, about, at the most. None is unknown.

    That is the dearest of the models that the provider may run, and unknown where one of them is.
    """
    ask, custom = call.ask, call.options.custom_cost
    if custom and custom.total_cost is not None:
        return _nano(custom.total_cost)
    # Nobody counts what a WebSocket uses, nor what cannot be read.
    unread = call.kind == "websocket" or (ask.text is None and call.request.body)
    models = tuple(dict.fromkeys(filter(None, (ask.model, *ask.others)))) or (None,)
    if unread or len(models) > MODELS:
        return None
    text = ask.text or ""
    about = _Asked(call, bounds(text), len(text.encode()), asked(text))
    costs = [_most(about, model) for model in models]
    known = [usd for usd in costs if usd is not None]
    return _nano(max(known)) if len(known) == len(costs) else None


def _most(about: _Asked, model: str | None) -> float | None:
    """Return what a call may cost in USD where a model answers it."""
    call, terms = about.call, about.terms
    provider, custom = lookup(call.target.provider, call.gateway.customs), call.options.custom_cost
    prices = provider.prices if provider and model else None
    known = reach(prices, model, terms, call.started) if prices and model else Reach()
    usage = _usage(about, known)
    if usage is None:
        return None
    if custom:
        return _own(custom, usage, call)
    return ceiling(prices, model, usage, terms, call.started) if prices and model else None


def _usage(about: _Asked, known: Reach) -> Usage | None:
    """Return the most that a model of some reach uses. None is unknown."""
    told, tokens = about.bounds, -(-about.size // BYTES)
    # How much of a prompt the provider keeps, nobody tells: it is all that the model takes.
    stored = known.taken if told.stored else 0
    if stored is None or told.answers is None:
        return None
    usage = Usage(
        tokens_in=tokens + stored,
        tokens_out=told.answers * _longest(about, known),
        characters=about.size,
        images=told.answers,
    )
    if told.documents is None:
        return usage
    return replace(usage, searches=-(-(told.documents + tokens // CHUNK) // SEARCH))


def _longest(about: _Asked, known: Reach) -> int:
    """Return the tokens that one answer has at the most."""
    if about.call.ask.model_type in NO_OUTPUT:
        return 0
    bounded = (about.bounds.length, about.call.gateway.most_output, known.written)
    return next((tokens for tokens in bounded if tokens is not None), OUTPUT)


def _own(custom: CustomCost, usage: Usage, call: Call) -> float | None:
    cached = (custom.per_cache_read_token or 0, custom.per_cache_write_token or 0)
    dearest = replace(custom, per_token_in=max(custom.per_token_in, *cached))
    return worth(Report(usage=usage), call.ask, None, dearest, call.started)


def trials(attempts: Sequence[Attempt], outcome: Reply | GatewayError) -> list[Trial]:
    """Ask how the answers of a call will end, before they leave. The last came to the outcome."""
    known = [replace(each, outcome=each.outcome or outcome) for each in attempts]
    endings = watched([each.outcome or outcome for each in known])
    return [(each, coming) for each, (_, coming) in zip(known, endings, strict=True)]


@dataclass(frozen=True, slots=True)
class Spent:
    """What was paid for the attempts at a call, once they have ended."""

    known: int
    """For all whose cost is known."""
    least: tuple[int, ...] = ()
    """For each of the others, as far as its answer came to tell: what it cost at the least."""

    def most(self, each: int) -> int:
        """Return what was paid at the most, where one attempt was to cost `each`."""
        return self.known + sum(max(least, each) for least in self.least)


async def spent(tried: Sequence[Trial]) -> Spent:
    """Return what was paid for attempts, as soon as they have ended.

    An error that tells of no usage costs nothing. An answer that broke off, that nobody waited for,
    or whose cost is unknown or was estimated, may have cost more than anybody tells.
    """
    paid = [_paid(attempt, await coming if coming else None) for attempt, coming in tried]
    known = sum(nano for nano, whole in paid if whole)
    return Spent(known, tuple(nano for nano, whole in paid if not whole))


def _paid(attempt: Attempt, ending: Ending | None) -> tuple[int, bool]:
    """Return what was paid for an attempt, as far as it is known, and whether that is all."""
    outcome, ending = attempt.outcome, ending or Ending("complete")
    if not (attempt.charged or attempt.call.options.custom_cost):
        return 0, True
    if not isinstance(outcome, Reply):
        return 0, not _begun(attempt)
    report = outcome.report(ending) if outcome.report else Report()
    paid, failed = cost(attempt, report, ending), outcome.status >= 400 or bool(outcome.failed)
    if paid.usd is None:
        return 0, failed and UNKNOWN not in paid.flags
    whole = failed or (report.complete and _ended(attempt, ending))
    return _nano(paid.usd), whole and ESTIMATED not in paid.flags


def _ended(attempt: Attempt, ending: Ending) -> bool:
    """Return whether nothing can follow what an answer calls its end.

    After the last event of a text nothing does, and callers leave then. Of several pictures in a
    stream each is called the last.
    """
    return ending.state == "complete" or attempt.call.ask.model_type == _WRITES


def _begun(attempt: Attempt) -> bool:
    """Return whether a provider may be at work for an attempt of which no answer came."""
    waited = isinstance(attempt.outcome, ClientLeft | UpstreamTimeout)
    return attempt.first_byte is not None or (waited and attempt.number > 0)


def _nano(usd: float) -> int:
    return round(usd * NANO)
