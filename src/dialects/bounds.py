"""How much a request asks for at the most, in whatever words a wire format lets it say so.

Read when a limit on tokens or a budget asks: most requests pass without a look at these fields.
"""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict  # pydantic wants it below Python 3.12

from dialects.base import as_count, as_list, as_object, read


class _Named(TypedDict, total=False):
    n: Any
    best_of: Any
    candidateCount: Any
    num_generations: Any
    num_images: Any
    num_outputs: Any
    numberOfImages: Any
    sampleCount: Any
    max_completion_tokens: Any
    max_output_tokens: Any
    max_tokens: Any
    max_new_tokens: Any
    max_tokens_to_sample: Any
    max_gen_len: Any
    maxOutputTokens: Any
    maxTokens: Any
    maxTokenCount: Any


class _Kept(TypedDict, total=False):
    id: Any


class _Google(TypedDict, total=False):
    cached_content: Any


class _Extra(TypedDict, total=False):
    google: Annotated[_Google | Any, Field(union_mode="left_to_right")]


class _Counted(TypedDict, total=False):
    """One of many, of which nothing else is wanted."""


_Nested = Annotated[_Named | Any, Field(union_mode="left_to_right")]
_Many = Annotated[list[_Counted] | Any, Field(union_mode="left_to_right")]


class _Placed(_Named, total=False):
    generationConfig: _Nested
    generation_config: _Nested
    imageGenerationConfig: _Nested
    inferenceConfig: _Nested
    textGenerationConfig: _Nested
    input: _Nested
    parameters: _Nested


class _Body(_Placed, _Extra, total=False):
    prompt: Annotated[_Kept | Any, Field(union_mode="left_to_right")]
    requests: _Many
    instances: _Many
    batch: Annotated[_Counted | Any, Field(union_mode="left_to_right")]
    previous_response_id: Any
    conversation: Annotated[_Kept | Any, Field(union_mode="left_to_right")]
    conversation_id: Any
    assistant_id: Any
    cachedContent: Any
    cached_content: Any
    extra_body: Annotated[_Extra | Any, Field(union_mode="left_to_right")]
    query: Any
    documents: Any


_BODY = TypeAdapter(_Body)
_MANY = {
    "n",
    "best_of",
    "candidateCount",
    "num_generations",
    "num_images",
    "num_outputs",
    "numberOfImages",
    "sampleCount",
}
_LENGTHS = _Named.__annotations__.keys() - _MANY
_PLACES = _Placed.__annotations__.keys() - _Named.__annotations__.keys()
# https://developers.openai.com/api/docs/guides/conversation-state,
# https://docs.cohere.com/v1/reference/chat, https://ai.google.dev/api/caching
_STORED = (
    "previous_response_id",
    "conversation",
    "conversation_id",
    "assistant_id",
    "cachedContent",
    "cached_content",
)

_Fields = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a request says of how much it asks for."""

    length: int | None = None
    """The most tokens that one answer may have. None: it does not say."""
    answers: int | None = 1
    """How many it asks for at once: alternatives, images, one for each prompt. None is unknown."""
    stored: bool = False
    """Whether a part of its prompt is not in it, but kept by the provider."""
    documents: int | None = None
    """How many are to be ranked. None: it asks for something else."""


def bounds(body: str) -> Bounds:
    """Return the bounds of a request."""
    fields = as_object(read(_BODY, body))
    # How many requests a batch has may be told in a file: https://ai.google.dev/api/batch-api
    many = max((1, *_counts(fields, _MANY))) * _prompts(fields)
    return Bounds(
        length=max(_counts(fields, _LENGTHS), default=None),
        answers=None if isinstance(fields.get("batch"), dict) else many,
        stored=_stored(fields),
        documents=len(as_list(fields.get("documents"))) if fields.get("query") else None,
    )


def _counts(fields: _Fields, names: Container[str]) -> Iterator[int]:
    # Of all that these may be called, a request has one or two.
    places = [fields, *(as_object(fields[place]) for place in fields.keys() & _PLACES)]
    told = (each for place in places for each in place.items())
    counts = (as_count(value) for name, value in told if name in names)
    return (count for count in counts if count is not None)


def _prompts(fields: _Fields) -> int:
    """Return how many prompts a request has, each of which is answered as often as it asks.

    That of a completion is a text, a list of texts, the tokens of one text, or a list of such.
    https://developers.openai.com/api/reference/resources/completions/methods/create
    Workers AI takes several requests at once, as Google does for some tasks:
    https://developers.cloudflare.com/workers-ai/features/batch-api/
    """
    texts = sum(not isinstance(each, int) for each in as_list(fields.get("prompt")))
    lists = (len(as_list(fields.get(name))) for name in ("requests", "instances"))
    return max(1, texts, *lists)


def _stored(fields: _Fields) -> bool:
    # In OpenAI's format, Google's own words are apart: https://ai.google.dev/gemini-api/docs/openai
    apart = [as_object(fields.get("google"))]
    apart.append(as_object(as_object(fields.get("extra_body")).get("google")))
    named = [fields.get(name) for name in _STORED] + [one.get("cached_content") for one in apart]
    # https://developers.openai.com/api/docs/guides/prompting
    return any(named) or bool(as_object(fields.get("prompt")).get("id"))
