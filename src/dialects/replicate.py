"""Replicate's wire format: predictions, which any model answers, each in its own way.

https://replicate.com/docs/reference/http
"""

import re
from typing import Annotated, Any
from urllib.parse import unquote

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict  # pydantic wants it below Python 3.12

from call import Ask, Failure, Report, Usage
from dialects.amounts import as_amount
from dialects.base import NO_HEADERS, Dialect, Headers, as_count, as_object, as_text, read

# As in the other dialects: of a text of any size, these fields alone become Python objects.


class _Input(TypedDict, total=False):
    max_tokens: Any
    max_new_tokens: Any
    max_completion_tokens: Any
    system_prompt: Any
    num_outputs: Any
    num_images: Any
    num_frames: Any


class _Ask(TypedDict, total=False):
    version: Any
    input: Annotated[_Input | Any, Field(union_mode="left_to_right")]


class _Prediction(TypedDict, total=False):
    model: Any
    status: Any
    error: Any
    metrics: Any


class _Error(TypedDict, total=False):
    title: Any
    detail: Any


_ASK = TypeAdapter(_Ask)
_PREDICTION = TypeAdapter(_Prediction)
_ERROR = TypeAdapter(_Error)

# A deployment is not the model of the same name, so it keeps the word before it.
_MODEL = re.compile(r"(?:v1/)?(?:models/([^/]+/[^/]+)|(deployments/[^/]+/[^/]+))/")
# The path does not tell what a model does. Some inputs do.
_MODEL_TYPES = {
    "max_tokens": "text-generation",
    "max_new_tokens": "text-generation",
    "max_completion_tokens": "text-generation",
    "system_prompt": "text-generation",
    "num_frames": "text-to-video",
    "num_outputs": "text-to-image",
    "num_images": "text-to-image",
}

# https://replicate.com/docs/topics/predictions/lifecycle
_FAILED = ("failed", "canceled", "aborted")
_ENDED = ("succeeded", *_FAILED)

_RESETS = re.compile(r"resets in ~?([0-9]{1,6})s")


def ask(path: str, body: str | None, _query: str = "") -> Ask:
    """Return what a request wants.

    No answer streams: `stream` asks for a URL, on another host, to stream from.
    https://replicate.com/docs/topics/predictions/streaming
    """
    fields = read(_ASK, body or "") or {}
    found = _MODEL.match(unquote(path))
    model = (found[1] or found[2]) if found else as_text(fields.get("version"))
    given = as_object(fields.get("input"))
    model_type = next((name for word, name in _MODEL_TYPES.items() if word in given), None)
    return Ask(model, model_type, stream=False, text=body)


def report(text: str) -> Report:
    """Return what a whole answer says of itself.

    One that has not ended yet is an answer too: whoever asks again later is told the metrics.
    """
    prediction = _read(text)
    status = prediction.get("status")
    usage = _usage(prediction.get("metrics")) if status in _ENDED else Usage()
    return Report(as_text(prediction.get("model")), usage, status not in _FAILED)


def _read(text: str) -> _Prediction:
    return read(_PREDICTION, text) or {}


def _usage(reported: object) -> Usage:
    # Models are billed by the second, by the token or by the image:
    # https://replicate.com/docs/topics/billing
    metrics = as_object(reported)
    return Usage(
        tokens_in=as_count(metrics.get("input_token_count")),
        tokens_out=as_count(metrics.get("output_token_count")),
        images=as_count(metrics.get("image_count")),
        compute_seconds=as_amount(metrics.get("predict_time")),
    )


def stream_report(_text: str) -> Report:
    """Return nothing: no answer of this host streams, and what streams elsewhere is unmetered."""
    return Report(complete=False)


def hidden(text: str) -> Failure | None:
    """Return why a prediction failed. It may have been billed, so that another one costs more."""
    prediction = _read(text)
    if prediction.get("status") != "failed":
        return None
    return Failure("failed", as_text(prediction.get("error")), retryable=False)


def failure(status: int, text: str, _headers: Headers = NO_HEADERS) -> Failure:
    """Return what an error says of itself.

    To create a prediction twice is to pay twice, and what was asked is not known here: only what
    cannot have begun is tried again. The vendor's client tries 504 again too, but reads alone.
    https://github.com/replicate/replicate-python/blob/main/replicate/client.py
    """
    error = read(_ERROR, text) or {}
    message = as_text(error.get("detail"))
    # https://replicate.com/docs/topics/predictions/rate-limits
    resets = _RESETS.search(message or "") if status == 429 else None
    wait = float(resets[1]) if resets else None
    return Failure(as_text(error.get("title")), message, status in (429, 503), wait)


REPLICATE = Dialect(
    ask=ask, report=report, stream_report=stream_report, failure=failure, hidden=hidden
)
