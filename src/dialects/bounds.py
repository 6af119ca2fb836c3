"""How long an answer may be, in whatever words a wire format lets a request say so.

Read when a limit on tokens asks: most requests pass without a look at these fields.
"""

from typing import Annotated, Any

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict  # pydantic wants it below Python 3.12

from dialects.base import as_count, as_object, read


class _Named(TypedDict, total=False):
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
_NAMES = tuple(_Named.__annotations__)
_PLACES = tuple(_Body.__annotations__.keys() - _Named.__annotations__.keys())


def bound(body: str) -> int | None:
    """Return the tokens that an answer may have at the most, where the request says."""
    fields = as_object(read(_BODY, body))
    places = [fields, *(as_object(fields.get(place)) for place in _PLACES)]
    counts = (as_count(place.get(name)) for place in places for name in _NAMES)
    return next((count for count in counts if count is not None), None)
