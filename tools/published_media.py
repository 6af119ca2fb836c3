"""What LiteLLM publishes of images, audio, characters and searches, as rows of our table."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from published_reach import Published, Reach, reached

Row = list[Any]

_SOURCES = {
    "aws": ("bedrock", ""),
    "azure": ("azure", "azure/"),
    "cloudflare": ("cloudflare", "cloudflare/"),
    "cohere": ("cohere", ""),
    "deepgram": ("deepgram", "deepgram/"),
    "elevenlabs": ("elevenlabs", "elevenlabs/"),
    "fal": ("fal_ai", "fal_ai/"),
    "google": ("gemini", "gemini/"),
    "mistral": ("mistral", "mistral/"),
    "openai": ("openai", ""),
    "replicate": ("replicate", "replicate/"),
    "x-ai": ("xai", "xai/"),
}
"""By the name of a vendor in our table: LiteLLM's name of it, and what begins its models' names."""

_MODES = ("image_generation", "image_edit", "audio_speech", "audio_transcription", "rerank", None)
_UNITS = (
    ("output_cost_per_image", "images", 1),
    ("input_cost_per_image", "images", 1),
    ("input_cost_per_character", "input_mchars", 1_000_000),
    ("input_cost_per_second", "audio_hours", 3600),
    ("input_cost_per_query", "web_searches_kcount", 1000),
)
"""LiteLLM's name of a price, ours, and how many units ours is for."""
_TOKENS = (
    ("input_cost_per_token", "input_mtok", 1_000_000),
    ("output_cost_per_token", "output_mtok", 1_000_000),
)
# genai-prices knows nothing of it.
_TOKENS_TOO = "replicate"

# `{quality}/{width}-x-{height}/{model}`: a price of its own for a size.
_SIZED = re.compile(r"(?:.*/)?(?:\d+-x-\d+|max-x-max)/(?:[^/]+-steps/)?(?:bedrock/)?(.+)")
_PER_SIZE = re.compile(r"output_cost_per_image_.+|(?:in|out)put_cost_per_pixel")


def media(published: Published) -> dict[str, list[tuple[str, Row]]]:
    """Return the models of each vendor in our table, by their names, with their rows."""
    return {
        vendor: list(_vendor(vendor, published, *source)) for vendor, source in _SOURCES.items()
    }


def _vendor(
    vendor: str, published: Published, source: str, prefix: str
) -> Iterator[tuple[str, Row]]:
    models = {
        name.removeprefix(prefix): model
        for name, model in published.items()
        if model.get("litellm_provider") == source
        and name.startswith(prefix)
        # What is said over a WebSocket is not metered.
        and "streaming/" not in name
    }
    sized = {found[1] for name in models if (found := _SIZED.fullmatch(name))}
    units = _UNITS + (_TOKENS if vendor == _TOKENS_TOO else ())
    # The longest name first, as some rules take what begins with a name.
    for name, model in sorted(models.items(), key=lambda item: (-len(item[0]), item[0])):
        chats = vendor == _TOKENS_TOO and model.get("mode") == "chat"
        if (chats or model.get("mode") in _MODES) and not _depends_on_size(name, model, sized):
            prices = _prices(model, units)
            if vendor == "elevenlabs" and "input_mchars" in prices:
                # What its answers count are credits. One is what a character costs, of the models
                # that take a whole one for it; the others take half of one.
                prices["input_mchars"] = _dearest(models, units)
            if prices:
                yield name, [_rules(vendor, name), reached(prices, Reach.of(model))]


def _depends_on_size(name: str, model: Mapping[str, Any], sized: set[str]) -> bool:
    # The size is in the request, in a way of each vendor's own: better unknown than wrong.
    per_size = (key for key, value in model.items() if _PER_SIZE.fullmatch(key) and value)
    return bool(_SIZED.fullmatch(name)) or name in sized or any(per_size)


def _prices(
    model: Mapping[str, Any], units: tuple[tuple[str, str, int], ...]
) -> dict[str, float | int]:
    found: dict[str, float | int] = {}
    for theirs, ours, many in units:
        price = model.get(theirs)
        # What is also paid by the token is priced by the token.
        if price and (many == 1_000_000 or not model.get("input_cost_per_token")):
            found.setdefault(ours, float(f"{price * many:.10g}"))
    return found


def _dearest(models: Published, units: tuple[tuple[str, str, int], ...]) -> float | int:
    return max(_prices(model, units).get("input_mchars", 0) for model in models.values())


def _rules(vendor: str, name: str) -> list[str]:
    if vendor == "deepgram":
        # A voice stands behind the name, and what a model was trained on behind a colon.
        if name.startswith("aura"):
            return [f"={name}", f"^{name}-"]
        model, _, trained = name.rpartition("-")
        return [f"={name}", *([f"={model}:{trained}"] if model and trained.isalpha() else [])]
    return [f"={name.lower()}"]
