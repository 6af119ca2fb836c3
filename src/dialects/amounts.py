"""Amounts that are no counts, money and seconds, whatever the wire format they come in."""

from collections.abc import Mapping

from dialects.base import as_object

# https://docs.x.ai/developers/cost-tracking
_TICKS_IN_A_DOLLAR = 10**10


def as_amount(value: object) -> float | None:
    """Return a number that is not below 0, or None in place of anything else."""
    # Not a number is not below anything; a whole number may be too large for a float.
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2**53:
        return float(value)
    return None


def cost(usage: Mapping[str, object]) -> float | None:
    """Return what a vendor says that an answer cost, in USD.

    OpenRouter says it as a number, Perplexity with its parts, xAI in ticks.
    https://openrouter.ai/docs/use-cases/usage-accounting
    https://docs.perplexity.ai/api-reference/chat-completions-post
    """
    told = usage.get("cost")
    dollars = as_amount(as_object(told).get("total_cost", told))
    ticks = as_amount(usage.get("cost_in_usd_ticks"))
    return ticks / _TICKS_IN_A_DOLLAR if dollars is None and ticks is not None else dollars
