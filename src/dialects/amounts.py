"""Amounts that are no counts, money and seconds, whatever the wire format they come in."""

from collections.abc import Mapping

from dialects.base import as_object

# https://docs.x.ai/developers/cost-tracking
_TICKS_IN_A_DOLLAR = 10**10
# https://developers.cloudflare.com/workers-ai/platform/pricing/
_USD_PER_NEURON = 0.011 / 1000


def as_amount(value: object) -> float | None:
    """Return a number that is not below 0, or None in place of anything else."""
    # Not a number is not below anything; a whole number may be too large for a float.
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2**53:
        return float(value)
    return None


def cost(usage: Mapping[str, object]) -> float | None:
    """Return what a vendor says that an answer cost, in USD.

    OpenRouter says it as a number, Perplexity with its parts, xAI in ticks, Cloudflare in neurons.
    https://openrouter.ai/docs/use-cases/usage-accounting
    https://docs.perplexity.ai/api-reference/chat-completions-post
    """
    told = usage.get("cost")
    dollars = as_amount(as_object(told).get("total_cost", told))
    if usage.get("is_byok") is True:
        return _with_own_key(dollars, usage)
    ticks = as_amount(usage.get("cost_in_usd_ticks"))
    if dollars is None and ticks is not None:
        return ticks / _TICKS_IN_A_DOLLAR
    if dollars is None and "neurons" in usage:
        return of_neurons(usage["neurons"])
    return dollars


def _with_own_key(fee: float | None, usage: Mapping[str, object]) -> float | None:
    """Return what is paid where OpenRouter asks a provider with the caller's own key for it.

    Then its own cost is a fee, and mostly 0: the provider is paid beside it. Elsewhere the same
    field tells what is in the cost already. https://openrouter.ai/docs/use-cases/byok
    """
    paid = as_amount(as_object(usage.get("cost_details")).get("upstream_inference_cost"))
    return None if paid is None else paid + (fee or 0)


def of_neurons(told: object) -> float | None:
    """Return what Cloudflare bills for neurons, in USD, without the free ones of each day."""
    neurons = as_amount(told)
    return None if neurons is None else neurons * _USD_PER_NEURON
