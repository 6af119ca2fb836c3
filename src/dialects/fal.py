"""Fal's wire format: each model has a schema of its own, and few things are alike in all.

https://fal.ai/docs/documentation/model-apis/inference
"""

import re
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import unquote

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict  # pydantic wants it below Python 3.12

from call import Ask, Failure, Report
from dialects import openai, sse
from dialects.base import (
    NO_HEADERS,
    Dialect,
    Headers,
    as_list,
    as_object,
    as_text,
    ask_in_body,
    located,
    read,
)
from dialects.opening import parts

# As in the other dialects: of a text of any size, these fields alone become Python objects.


class _Input(TypedDict, total=False):
    image_size: Any
    num_images: Any


class _Picture(TypedDict, total=False):
    content_type: Any


class _Output(TypedDict, total=False):
    # Each picture may hold its bytes, and what is no list of pictures must not hide the rest.
    images: Annotated[list[_Picture] | Any, Field(union_mode="left_to_right")]
    image: Annotated[_Picture | Any, Field(union_mode="left_to_right")]
    object: Any
    partial: Any
    progress: Any
    error: Any
    error_type: Any
    detail: Any


_INPUT = TypeAdapter(_Input)
_OUTPUT = TypeAdapter(_Output)

# What stands behind the model: the stream, and what the queue has for a request.
# https://fal.ai/docs/documentation/model-apis/inference/queue
_BEHIND = re.compile(r"/(?:stream|requests(?:/.*)?|status(?:/stream)?)/?\Z", re.DOTALL)
_STREAM = re.compile(r"/stream/?\Z")
# Many a model is named for its task.
_MODEL_TYPES = {
    "text-to-image": "text-to-image",
    "image-to-image": "text-to-image",
    "text-to-video": "text-to-video",
    "image-to-video": "text-to-video",
    "text-to-speech": "text-to-speech",
    "tts": "text-to-speech",
    "speech-to-text": "automatic-speech-recognition",
    "whisper": "automatic-speech-recognition",
    "wizper": "automatic-speech-recognition",
    "any-llm": "text-generation",
    "completions": "text-generation",
}

# https://github.com/fal-ai/fal/blob/main/projects/fal_client/src/fal_client/client.py
_PASSING = (408, 409, 429)
_INGRESS = (502, 503, 504)


def ask(path: str, body: str | None, _query: str = "") -> Ask:
    """Return what a request wants. The path names the model, and not always what it does."""
    path = unquote(path)
    model = _BEHIND.sub("", path) or None
    named = (_MODEL_TYPES.get(part) for part in path.split("/"))
    model_type = next(filter(None, named), None) or _drawn(body)
    asked = ask_in_body(body, model_type)
    return replace(asked, model=model, stream=asked.stream or bool(_STREAM.search(path)))


def _drawn(body: str | None) -> str | None:
    # What models that draw have in common:
    # https://fal.ai/models/fal-ai/fast-sdxl/api
    return "text-to-image" if read(_INPUT, body or "") else None


def report(text: str) -> Report:
    """Return what a whole answer says of itself: how many images there are.

    The language models of OpenRouter answer in OpenAI's format, and tell tokens too.
    https://fal.ai/models/openrouter/router/openai/v1/chat/completions
    """
    output, told = _read(text), openai.report(text)
    usage = replace(told.usage, images=_images(output))
    return replace(told, usage=usage, complete=_error(output) is None)


def _images(output: _Output) -> int | None:
    if isinstance(output.get("images"), list):
        return len(as_list(output.get("images")))
    return 1 if isinstance(output.get("image"), dict) else None


def stream_report(text: str) -> Report:
    """Return what an ended stream says of itself.

    No word ends a stream: its last event is the output. Those before it may be previews, that say
    so, or tell the progress. https://fal.ai/docs/documentation/model-apis/inference/streaming
    """
    last = next(sse.backwards(text), "")
    output = read(_OUTPUT, last)
    if last == "[DONE]" or (output or {}).get("object") == "chat.completion.chunk":
        return openai.stream_report(text)
    underway = output is None or output.get("partial") is True or "progress" in output
    told = report(last)
    return replace(told, complete=told.complete and not underway)


def _read(text: str) -> _Output:
    return read(_OUTPUT, text) or {}


def hidden(text: str) -> Failure | None:
    """Return the error in an answer of status 200.

    A request in the queue may have failed, and a stream cannot but tell of its errors in an event.
    https://fal.ai/docs/documentation/model-apis/request-errors
    """
    return next(filter(None, (_error(_read(data)) for _, data in parts(text))), None)


def _error(output: _Output) -> Failure | None:
    # A model may mean something else by these names: a number, say.
    error = output.get("error")
    failed = as_text(error) or as_object(error) or as_text(output.get("error_type"))
    if not (failed or _first(output).get("msg")):
        return None
    # What the queue says of a request, it would say again.
    return Failure(_code(output), _message(output), retryable=False)


def failure(status: int, text: str, headers: Headers = NO_HEADERS) -> Failure:
    """Return what an error says of itself.

    Models tell of all that is wrong, in a list; the platform tells of one thing, in words.
    https://fal.ai/docs/documentation/model-apis/errors
    """
    output = _read(text)
    code = _code(output) or headers.get("x-fal-error-type")
    return Failure(code, _message(output), _retryable(status, headers))


def _retryable(status: int, headers: Headers) -> bool:
    """Return whether the same request may succeed a moment later.

    A model's own word decides. The rest is what the vendor's client does: 500 is not tried again,
    here or in the vendor's queue, as what a model crashed on it crashes on twice; and whatever has
    the id of a request has reached a runner, and may have been done.
    https://fal.ai/docs/documentation/serverless/reliability/retries
    """
    # The limit on the time to start was the caller's.
    if status == 504 and headers.get("x-fal-request-timeout-type"):
        return False
    said = headers.get("x-fal-retryable", "").lower()
    if said in ("true", "false"):
        return said == "true"
    return status in _PASSING or (status in _INGRESS and "x-fal-request-id" not in headers)


def _code(output: _Output) -> str | None:
    return as_text(output.get("error_type")) or as_text(_first(output).get("type"))


def _message(output: _Output) -> str | None:
    detail = _first(output)
    words = (output.get("detail"), located(detail), output.get("error"))
    nested = as_object(output.get("error")).get("message")
    return next(filter(None, map(as_text, (*words, nested))), None)


def _first(output: _Output) -> dict[str, object]:
    details = as_list(output.get("detail"))
    return as_object(details[0]) if details else {}


FAL = Dialect(ask=ask, report=report, stream_report=stream_report, failure=failure, hidden=hidden)
