"""How long an answer may be, and how many, in whatever words a wire format lets a request say so.

Read when a limit on tokens or a budget asks: most requests pass without a look at these fields.
"""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict  # pydantic wants it below Python 3.12

from dialects.base import as_count, as_object, read


class _Named(TypedDict, total=False):
    n: Any
    best_of: Any
    candidateCount: Any
    num_generations: Any
    num_images: Any
    max_completion_tokens: Any
    max_output_tokens: Any
    max_tokens: Any
    max_new_tokens: Any
    max_tokens_to_sample: Any
    max_gen_len: Any
    maxOutputTokens: Any
    maxTokens: Any
    maxTokenCount: Any


_Nested = Annotated[_Named | Any, Field(union_mode="left_to_right")]


class _Body(_Named, total=False):
    generationConfig: _Nested
    generation_config: _Nested
    inferenceConfig: _Nested
    textGenerationConfig: _Nested
    input: _Nested
    parameters: _Nested


_BODY = TypeAdapter(_Body)
_MANY = ("n", "best_of", "candidateCount", "num_generations", "num_images")
_LENGTHS = tuple(name for name in _Named.__annotations__ if name not in _MANY)
_PLACES = tuple(_Body.__annotations__.keys() - _Named.__annotations__.keys())


def bound(body: str) -> int | None:
    """Return the tokens that an answer may have at the most, where the request says."""
    return max(_counts(body, _LENGTHS), default=None)


def answers(body: str) -> int:
    """Return how many answers a request asks for at once: alternatives, images."""
    return max((1, *_counts(body, _MANY)))


def _counts(body: str, names: Iterable[str]) -> Iterator[int]:
    fields = as_object(read(_BODY, body))
    places = [fields, *(as_object(fields.get(place)) for place in _PLACES)]
    counts = (as_count(place.get(name)) for place in places for name in names)
    return (count for count in counts if count is not None)
