"""How many tokens models take and write at the most, as LiteLLM and genai-prices publish it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genai_prices.types import ModelInfo, Provider

Published = Mapping[str, Mapping[str, Any]]

_SOURCES = {
    "anthropic": ("anthropic",),
    "aws": ("bedrock", "bedrock_converse", "amazon_nova"),
    "azure": ("azure", "azure_ai", "azure_text"),
    "baseten": ("baseten",),
    "cerebras": ("cerebras",),
    "cloudflare": ("cloudflare",),
    "cohere": ("cohere", "cohere_chat"),
    "deepseek": ("deepseek",),
    "fireworks": ("fireworks_ai",),
    "google": ("gemini", "vertex_ai-language-models", "vertex_ai-anthropic_models"),
    "groq": ("groq",),
    "mistral": ("mistral",),
    "moonshotai": ("moonshot",),
    "openai": ("openai", "text-completion-openai"),
    "perplexity": ("perplexity",),
    "x-ai": ("xai",),
}
"""By the name of a vendor in our table: LiteLLM's names of it."""
_AUTHORS = {
    "anthropic": "anthropic",
    "cohere_chat": "cohere",
    "deepseek": "deepseek",
    "gemini": "google",
    "mistral": "mistralai",
    "moonshot": "moonshotai",
    "openai": "openai",
    "xai": "x-ai",
}
"""By LiteLLM's name of a vendor: what those who sell its models put before their names."""
_MANY = 10**8
"""Tokens that no model takes or writes."""


@dataclass(frozen=True)
class Reach:
    """The most tokens that a model takes, and writes. 0 is unknown."""

    taken: int = 0
    written: int = 0

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Reach":
        """Read what LiteLLM tells of a model."""
        return cls(_count(told.get("max_input_tokens")), _count(told.get("max_output_tokens")))


def reaches(provider: Provider, vendor: str, published: Published) -> dict[str, Reach]:
    """Return the reach of a provider's models, by their ids.

    Each is the largest of what LiteLLM tells of this vendor's models that are priced as it. Where
    it tells nothing of them, it is what most others tell who sell a model of such a name.
    """
    own, others = defaultdict[str, list[Reach]](list), defaultdict[str, list[Reach]](list)
    for name, told in published.items():
        source = told.get("litellm_provider", "")
        into = own if source in _SOURCES.get(vendor, ()) else others
        found = (provider.find_model(each) for each in _names(name, source))
        for model_id in {model.id for model in found if model}:
            into[model_id].append(Reach.of(told))
    return {model.id: _best(own[model.id], others[model.id], model) for model in provider.models}


def reached(prices: dict[str, Any], reach: Reach) -> dict[str, Any]:
    """Return prices with the reach of their model, where it writes tokens that cost something."""
    if not any(unit.startswith("output_") for unit in prices):
        return prices
    known = {"most_in": reach.taken, "most_out": reach.written}
    return prices | {unit: count for unit, count in known.items() if count}


def _names(name: str, source: str) -> Iterator[str]:
    """Yield the names that a model of LiteLLM's may have elsewhere.

    Before its own stand its vendor, a region (`bedrock/us-east-1/…`, `azure/eu/…`), an author.
    """
    parts = name.split("/")
    yield from {"/".join(parts[-count:]) for count in (1, 2, len(parts) - 1, len(parts))}
    if author := _AUTHORS.get(source):
        yield f"{author}/{parts[-1]}"


def _best(own: Sequence[Reach], others: Sequence[Reach], model: ModelInfo) -> Reach:
    taken = max((each.taken for each in own), default=0) or _usual(each.taken for each in others)
    written = max((each.written for each in own), default=0)
    return Reach(
        max(taken, model.context_window or 0), written or _usual(each.written for each in others)
    )


def _usual(counts: Iterable[int]) -> int:
    """Return the count that most tell, of several the largest."""
    many = Counter(filter(None, counts))
    return max(many, key=lambda count: (many[count], count), default=0)


def _count(told: object) -> int:
    return told if isinstance(told, int) and 0 < told < _MANY else 0
