"""Deepgram's wire format: text from speech, and speech from text.

https://developers.deepgram.com/reference/deepgram-api-overview
"""

import re
from typing import Any
from urllib.parse import parse_qs

from pydantic import TypeAdapter
from typing_extensions import TypedDict  # pydantic wants it below Python 3.12

from call import Ask, Failure, Report, Usage
from dialects.amounts import as_amount
from dialects.base import COUNT, NO_HEADERS, Dialect, Headers, as_object, as_text, read, retryable

# As in the other dialects: of a text of any size, these fields alone become Python objects.


class _Speech(TypedDict):
    text: str


class _Channel(TypedDict):
    """What was heard on a channel. It is enough that it is there."""


class _Results(TypedDict, total=False):
    channels: list[_Channel]


class _Answer(TypedDict, total=False):
    metadata: Any
    results: _Results


class _Error(TypedDict, total=False):
    err_code: Any
    err_msg: Any
    category: Any
    message: Any


_SPEECH = TypeAdapter(_Speech)
_ANSWER = TypeAdapter(_Answer)
_ERROR = TypeAdapter(_Error)

_PATH = re.compile(r"v\d+/([^/]+)")
_SPEAKS = "text-to-speech"
_MODEL_TYPES = {"listen": "automatic-speech-recognition", "speak": _SPEAKS}


def ask(path: str, body: str | None, query: str = "") -> Ask:
    """Return what a request wants. The query tells it: the body is audio, a URL, or a text."""
    operation = _PATH.match(path)
    model_type = _MODEL_TYPES.get(operation[1]) if operation else None
    models = parse_qs(query).get("model", [None])
    return Ask(models[0], model_type, text=body)


def report(text: str) -> Report:
    """Return what a whole answer says of itself: how long what was written down took.

    Where each channel is written down, each is billed. The results tell how many were, while the
    metadata may tell how many there are. https://developers.deepgram.com/docs/multichannel
    """
    answer = read(_ANSWER, text) or {}
    seconds = as_amount(as_object(answer.get("metadata")).get("duration"))
    channels = max(1, len(answer.get("results", {}).get("channels", [])))
    return Report(usage=Usage(audio_seconds=None if seconds is None else seconds * channels))


def stream_report(_text: str) -> Report:
    """Return what an ended stream of events says of itself: there is none.

    What streams is audio, or goes through a WebSocket.
    """
    return Report()


def beside(ask: Ask, headers: Headers) -> Usage:
    """Return how many characters were spoken: as the vendor counts them, where it tells.

    https://developers.deepgram.com/docs/text-to-speech
    """
    if ask.model_type != _SPEAKS:
        return Usage()
    counted = read(COUNT, headers.get("dg-char-count", ""))
    return Usage(characters=_spoken(ask.text) if counted is None else counted)


def _spoken(text: str | None) -> int | None:
    speech = read(_SPEECH, text or "")
    return len(speech["text"]) if speech else None


def failure(status: int, text: str, _headers: Headers = NO_HEADERS) -> Failure:
    """Return what an error says of itself, in either of its two shapes.

    A 429 is of too many requests at a time; an account without credit is told so by 402.
    https://developers.deepgram.com/docs/errors
    """
    error = read(_ERROR, text) or {}
    code = as_text(error.get("err_code")) or as_text(error.get("category"))
    message = as_text(error.get("err_msg")) or as_text(error.get("message"))
    return Failure(code, message, retryable(status))


DEEPGRAM = Dialect(
    ask=ask, report=report, stream_report=stream_report, failure=failure, beside=beside
)
