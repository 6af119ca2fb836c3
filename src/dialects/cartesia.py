"""Cartesia's wire format: speech from text, and text from speech.

https://docs.cartesia.ai/use-the-api/compare-tts-endpoints
"""

import re
from typing import Any

from pydantic import TypeAdapter
from typing_extensions import TypedDict  # pydantic wants it below Python 3.12

from call import Ask, Failure, Report, Usage
from dialects import sse
from dialects.amounts import as_amount
from dialects.base import NO_HEADERS, Dialect, Headers, as_count, as_text, read, retryable
from dialects.opening import parts

# As in the other dialects: of a text of any size, these fields alone become Python objects.


class _Ask(TypedDict, total=False):
    model_id: Any


class _Speech(TypedDict):
    transcript: str


class _Transcript(TypedDict):
    text: Any
    duration: Any


class _Event(TypedDict, total=False):
    type: Any
    status_code: Any
    error_code: Any
    message: Any
    title: Any
    error: Any


_ASK = TypeAdapter(_Ask)
_SPEECH = TypeAdapter(_Speech)
_TRANSCRIPT = TypeAdapter(_Transcript)
_EVENT = TypeAdapter(_Event)

_SPEAKS = "text-to-speech"
_PATH = re.compile(r"(tts|infill|stt|audio/transcriptions)(?=/|\Z)")
# OpenAI's path is there too: https://docs.cartesia.ai/use-the-api/stt/migrate-from-openai-speech-to-text
_MODEL_TYPES = {
    "tts": _SPEAKS,
    "infill": _SPEAKS,
    "stt": "automatic-speech-recognition",
    "audio/transcriptions": "automatic-speech-recognition",
}
# Words that are spoken cannot look like it: within a string of JSON, quotes are escaped.
_HAS_ERROR = re.compile(r'"type"\s*:\s*"error"')
# What a plain text does not begin with: pages, and what is JSON, or was to be.
_MARKUP = ("<", "{", "[", '"')
_LONGEST_MESSAGE = 500


def ask(path: str, body: str | None, _query: str = "") -> Ask:
    """Return what a request wants. A transcription's model is in a form, which nobody reads."""
    operation = _PATH.match(path)
    model_type = _MODEL_TYPES[operation[1]] if operation else None
    model = (read(_ASK, body or "") or {}).get("model_id")
    return Ask(as_text(model), model_type, path.endswith("/sse"), body)


def report(text: str) -> Report:
    """Return what a whole answer says of itself: how long what was written down took.

    https://docs.cartesia.ai/api-reference/stt/transcribe
    """
    transcript = read(_TRANSCRIPT, text)
    seconds = as_amount(transcript["duration"]) if transcript else None
    return Report(usage=Usage(audio_seconds=seconds))


def stream_report(text: str) -> Report:
    """Return what an ended stream says of itself: whether it came to its end.

    One that begins with an error spoke nothing, and costs nothing, whatever it was asked to speak.
    https://docs.cartesia.ai/pricing
    """
    ended = _read(next(sse.backwards(text), "")).get("type") == "done"
    usage = Usage(characters=0) if hidden(text) else Usage()
    return Report(usage=usage, complete=ended and not _HAS_ERROR.search(text))


def beside(ask: Ask, _headers: Headers) -> Usage:
    """Return how many characters were spoken. No answer tells, so those of the request are counted.

    The bill may differ a little, as texts are prepared first: https://docs.cartesia.ai/pricing
    """
    speech = read(_SPEECH, ask.text or "") if ask.model_type == _SPEAKS else None
    return Usage(characters=len(speech["transcript"]) if speech else None)


def failure(status: int, text: str, _headers: Headers = NO_HEADERS) -> Failure:
    """Return what an error says of itself.

    Versions of the API before 2026-03-01 say it in plain text.
    https://docs.cartesia.ai/use-the-api/api-errors
    """
    error = read(_EVENT, text)
    if error is not None:
        return _failure(status, error)
    plain = text.strip()
    message = None if plain.startswith(_MARKUP) else plain[:_LONGEST_MESSAGE]
    return Failure(None, message or None, retryable(status))


def hidden(text: str) -> Failure | None:
    """Return the error that a stream begins with.

    https://docs.cartesia.ai/use-the-api/api-errors
    """
    # Nearly every answer is told to be none here: few are worth parsing.
    if not _HAS_ERROR.search(text):
        return None
    event = _read(next((data for _, data in parts(text) if data), ""))
    if event.get("type") != "error":
        return None
    return _failure(as_count(event.get("status_code")) or 0, event)


def _failure(status: int, error: _Event) -> Failure:
    # Versions before 2026-03-01 have one text for the title and the message of an event.
    words = (error.get("message"), error.get("title"), error.get("error"))
    message = next(filter(None, map(as_text, words)), None)
    return Failure(as_text(error.get("error_code")), message, retryable(status))


def _read(text: str) -> _Event:
    return read(_EVENT, text) or {}


CARTESIA = Dialect(
    ask=ask,
    report=report,
    stream_report=stream_report,
    failure=failure,
    hidden=hidden,
    beside=beside,
)
