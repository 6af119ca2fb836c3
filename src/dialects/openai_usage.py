"""What an answer in OpenAI's format says that it used, in the words of the vendors who speak it."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter
from typing_extensions import TypedDict  # pydantic wants it below Python 3.12

from call import Usage
from dialects.amounts import as_amount
from dialects.base import as_count, as_object, read


class _Image(TypedDict, total=False):
    # The other place of an image, base64 of megabytes, must make no Python object.
    url: Any


class _Images(TypedDict):
    data: list[_Image]


_AN_HOUR = "ephemeral_1h_input_tokens"

_IMAGES = TypeAdapter(_Images)


def used(answer: Mapping[str, object]) -> Usage:
    """Return what an answer, or the event that ends a stream, says that it used."""
    usage = reported(answer)
    # Chat says prompt and completion; responses, images and transcriptions say input and output.
    prompt, prompt_details = _part(usage, "prompt", "input")
    output, output_details = _part(usage, "completion", "output")
    cached_details = as_object(prompt_details.get("cached_tokens_details"))
    # Mistral and DeepSeek: https://docs.mistral.ai/api, https://api-docs.deepseek.com/guides/kv_cache
    own = usage.get("num_cached_tokens"), usage.get("prompt_cache_hit_tokens")
    cached = _count(prompt_details.get("cached_tokens"), *own)
    # Perplexity tells reasoning beside the tokens: https://docs.perplexity.ai/api-reference
    reasoning = _count(output_details.get("reasoning_tokens"), usage.get("reasoning_tokens"))
    read = as_count(usage.get("cache_read_input_tokens"))
    written = as_count(usage.get("cache_creation_input_tokens"))
    beside = 0 if "prompt_tokens" in usage else _sum(read, written) or 0
    return Usage(
        tokens_in=_prompt(prompt, cached, beside),
        tokens_out=_output(usage.get("total_tokens"), prompt, output, reasoning),
        cached=_count(cached, read),
        cache_write=_count(prompt_details.get("cache_write_tokens"), written),
        reasoning=reasoning,
        # Most answers have no tokens of a kind, and many say so.
        cache_write_1h=_count(as_object(usage.get("cache_creation")).get(_AN_HOUR)) or None,
        audio_in=_count(prompt_details.get("audio_tokens")) or None,
        audio_out=_count(output_details.get("audio_tokens")) or None,
        image_in=_count(prompt_details.get("image_tokens")) or None,
        image_out=_count(output_details.get("image_tokens")) or None,
        cached_audio=_count(cached_details.get("audio_tokens")) or None,
        cached_image=_count(cached_details.get("image_tokens")) or None,
        audio_seconds=_audio_seconds(answer, usage),
        searches=_searches(answer, usage),
    )


def reported(answer: Mapping[str, object]) -> dict[str, object]:
    """Return the counts of an answer as they came. Groq once had a place of its own for them.

    https://console.groq.com/docs/api-reference#chat-create
    """
    groq = as_object(answer.get("x_groq"))
    return as_object(answer.get("usage")) or as_object(groq.get("usage"))


def images(text: str) -> int | None:
    """Return how many images are in a whole answer that does not name its kind.

    Embeddings and every other list do name theirs, as `object`.
    https://developers.openai.com/api/reference/resources/images
    """
    encoded = '"b64_json"' in text
    made = read(_IMAGES, text) if encoded or '"url"' in text else None
    found = [image for image in made["data"] if encoded or "url" in image] if made else []
    return len(found) or None


def _part(usage: dict[str, object], *names: str) -> tuple[int | None, dict[str, object]]:
    for name in names:
        tokens = as_count(usage.get(f"{name}_tokens"))
        if tokens is not None:
            # The singular is what OpenAI says of transcriptions, and Mistral of some models.
            plural = as_object(usage.get(f"{name}_tokens_details"))
            return tokens, plural or as_object(usage.get(f"{name}_token_details"))
    return None, {}


def _count(*values: object) -> int | None:
    for value in values:
        if value is not None and (count := as_count(value)) is not None:
            return count
    return None


def _sum(*values: object) -> int | None:
    known = [count for count in map(as_count, values) if count is not None]
    return sum(known) if known else None


def _prompt(prompt: int | None, cached: int | None, beside: int) -> int | None:
    """Return all of the prompt.

    Anthropic's format counts cached tokens beside the others. Elsewhere they are among them, unless
    they are more than all: xAI has sent that.
    """
    if prompt is None:
        return None
    return prompt + beside + (cached if cached and cached > prompt else 0)


def _output(
    total: object, prompt: int | None, output: int | None, reasoning: int | None
) -> int | None:
    """Return all of the answer.

    Reasoning is among its tokens, unless the sum or the size says that it is beside them: the sum
    at xAI (https://docs.x.ai/docs/guides/reasoning), the size at Perplexity's deep research
    (https://docs.perplexity.ai/getting-started/models/models/sonar-deep-research).
    """
    if output is None or not reasoning:
        return output
    beside = reasoning > output or total == (prompt or 0) + output + reasoning
    return output + reasoning if beside else output


def _audio_seconds(answer: Mapping[str, object], usage: dict[str, object]) -> float | None:
    """Return the length of what was written down.

    OpenAI tells it as usage of models that are paid by the minute, and beside the text where the
    caller asked for all there is; Mistral tells it among the tokens.
    https://developers.openai.com/api/reference/resources/audio
    https://docs.mistral.ai/api/endpoint/audio/transcriptions
    """
    paid = usage.get("seconds") if usage.get("type") == "duration" else None
    # Other answers may have a duration too, and no text: it is of what was made.
    heard = answer.get("duration") if isinstance(answer.get("text"), str) else None
    told = map(as_amount, (paid, usage.get("prompt_audio_seconds"), heard))
    return next((seconds for seconds in told if seconds is not None), None)


def _searches(answer: Mapping[str, object], usage: dict[str, object]) -> int | None:
    """Return how often the web was searched, or at xAI the posts.

    Perplexity, Anthropic's format, OpenAI's responses, and xAI have a place each. (xAI's
    `num_sources_used` counts what was found.) https://docs.x.ai/developers/pricing
    """
    anthropic = as_object(usage.get("server_tool_use"))
    web = as_object(as_object(answer.get("tool_usage")).get("web_search"))
    xai = as_object(usage.get("server_side_tool_usage_details"))
    return _count(
        usage.get("num_search_queries"),
        anthropic.get("web_search_requests"),
        web.get("num_requests"),
        _sum(xai.get("web_search_calls"), xai.get("x_search_calls")),
    )
