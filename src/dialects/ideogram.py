"""Ideogram's wire format: images.

https://developer.ideogram.ai/ideogram-api/responses-and-metadata
"""

import re
from typing import Annotated, Any, cast

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict  # pydantic wants it below Python 3.12

from call import Ask, Failure, Report, Usage
from dialects.base import (
    NO_HEADERS,
    Dialect,
    Headers,
    as_count,
    as_object,
    as_text,
    read,
    retryable,
)

# As in the other dialects: of a text of any size, these fields alone become Python objects.


class _ImageRequest(TypedDict, total=False):
    model: Any


class _Ask(TypedDict, total=False):
    image_request: _ImageRequest


class _Item(TypedDict, total=False):
    object_type: Any


class _Answer(TypedDict, total=False):
    # What is no list of results must not hide the status beside it.
    data: Annotated[list[_Item] | Any, Field(union_mode="left_to_right")]
    status: Any
    failure_reason: Any
    usage_cost_usd_micros: Any


class _Error(TypedDict, total=False):
    error: Any
    detail: Any
    message: Any
    reject_reason: Any


_ASK = TypeAdapter(_Ask)
_ANSWER = TypeAdapter(_Answer)
_ERROR = TypeAdapter(_Error)

# `v1/ideogram-v3/generate`, `v2/image/generate/ideogram-4-5`. Older paths leave it to the body.
_MODEL = re.compile(r"(?:^|/)([^/]*ideogram-[^/]+|[^/]+-ideogram)(?=/|$)")
_MODEL_TYPES = {
    "video": "text-to-video",
    "describe": "image-to-text",
    "generate": "text-to-image",
    "generate-transparent": "text-to-image",
    "edit": "text-to-image",
    "remix": "text-to-image",
    "reframe": "text-to-image",
    "replace-background": "text-to-image",
    "upscale": "text-to-image",
}


def ask(path: str, body: str | None, _query: str = "") -> Ask:
    """Return what a request wants. The bodies of newer paths are forms, which nobody reads."""
    parts = path.split("/")
    model_type = next((name for word, name in _MODEL_TYPES.items() if word in parts), None)
    found = _MODEL.search(path)
    return Ask(found[1] if found else _legacy(body), model_type, stream=False, text=body)


def _legacy(body: str | None) -> str | None:
    # https://developer.ideogram.ai/api-reference/legacy-endpoints/generate
    request = (read(_ASK, body or "") or {}).get("image_request") or {}
    return as_text(request.get("model"))


def report(text: str) -> Report:
    """Return what a whole answer says of itself: how many images were made.

    Those that are withheld as unsafe are among them, for they are billed.
    https://developer.ideogram.ai/ideogram-api/errors
    """
    answer = _read(text)
    images = _images(answer.get("data"))
    cost = as_count(answer.get("usage_cost_usd_micros"))
    return Report(
        usage=Usage(images=images),
        complete=answer.get("status") != "failed",
        # https://developer.ideogram.ai/api-reference/generations/get-generation
        cost=None if cost is None else cost / 1_000_000,
    )


def _images(data: object) -> int | None:
    if not isinstance(data, list):
        return None
    # Videos come in the same list, and say what they are.
    kinds = (as_object(item).get("object_type") for item in cast("list[object]", data))
    return sum("video" not in str(kind).lower() for kind in kinds)


def _read(text: str) -> _Answer:
    return read(_ANSWER, text) or {}


def stream_report(_text: str) -> Report:
    """Return nothing: no answer streams."""
    return Report(complete=False)


def hidden(text: str) -> Failure | None:
    """Return why a generation failed that ran on its own, to whoever asks what became of it."""
    answer = _read(text)
    if answer.get("status") != "failed":
        return None
    return Failure(as_text(answer.get("failure_reason")), None, retryable=False)


def failure(status: int, text: str, _headers: Headers = NO_HEADERS) -> Failure:
    """Return what an error says of itself.

    After a gateway's timeout the images may still be made, and what is made is billed.
    https://developer.ideogram.ai/ideogram-api/errors
    """
    error = read(_ERROR, text) or {}
    words = (error.get("error"), error.get("detail"), error.get("message"))
    message = next(filter(None, map(as_text, words)), None)
    passing = retryable(status) and status != 504
    return Failure(as_text(error.get("reject_reason")), message, passing)


IDEOGRAM = Dialect(
    ask=ask, report=report, stream_report=stream_report, failure=failure, hidden=hidden
)
