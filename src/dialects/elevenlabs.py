"""ElevenLabs' wire format: speech, dialogues, sounds and music from text, and text from speech.

https://elevenlabs.io/docs/api-reference/introduction
"""

import re
from typing import Any

from pydantic import TypeAdapter
from typing_extensions import TypedDict  # pydantic wants it below Python 3.12

from call import Ask, Failure, Report, Usage
from dialects.amounts import as_amount
from dialects.base import (
    COUNT,
    NO_HEADERS,
    Dialect,
    Headers,
    as_list,
    as_object,
    as_text,
    located,
    read,
    retryable,
)

# As in the other dialects: of a text of any size, these fields alone become Python objects.


class _Ask(TypedDict, total=False):
    model_id: Any


class _Line(TypedDict):
    text: str


class _Speech(TypedDict, total=False):
    text: str
    inputs: list[_Line]


class _Transcript(TypedDict, total=False):
    audio_duration_secs: Any


class _Error(TypedDict, total=False):
    detail: Any


_ASK = TypeAdapter(_Ask)
_SPEECH = TypeAdapter(_Speech)
_TRANSCRIPT = TypeAdapter(_Transcript)
_ERROR = TypeAdapter(_Error)

_PATH = re.compile(r"v\d+/([^/]+)")
_SPEAKS, _LISTENS = "text-to-speech", "automatic-speech-recognition"
_MODEL_TYPES = {
    "text-to-speech": _SPEAKS,
    "text-to-dialogue": _SPEAKS,
    "speech-to-text": _LISTENS,
}
# The path alone tells: https://elevenlabs.io/docs/api-reference/text-to-speech/stream
_STREAM = re.compile(r"v\d+/[^/]+(?:/[^/]+)?/stream(?:/with-timestamps)?")


def ask(path: str, body: str | None, _query: str = "") -> Ask:
    """Return what a request wants. A transcription's model is in a form, which nobody reads."""
    operation = _PATH.match(path)
    model_type = _MODEL_TYPES.get(operation[1]) if operation else None
    model = (read(_ASK, body or "") or {}).get("model_id")
    return Ask(as_text(model), model_type, bool(_STREAM.fullmatch(path)), body)


def report(text: str) -> Report:
    """Return what a whole answer says of itself: how long what was written down took.

    Of several channels it is the time of all.
    https://elevenlabs.io/docs/api-reference/speech-to-text/convert
    """
    seconds = (read(_TRANSCRIPT, text) or {}).get("audio_duration_secs")
    return Report(usage=Usage(audio_seconds=as_amount(seconds)))


def stream_report(_text: str) -> Report:
    """Return what an ended stream says of itself: nothing.

    Streams are audio, or lines of JSON with audio in them. No last line tells that it is the last.
    https://elevenlabs.io/docs/api-reference/text-to-speech/stream-with-timestamps
    """
    return Report()


def beside(ask: Ask, headers: Headers) -> Usage:
    """Return how many characters were spoken.

    The vendor's own count is what it bills: some models take half of one for a character, and
    sounds and music have a count without a text.
    https://elevenlabs.io/docs/api-reference/introduction
    """
    # What is written down is billed by its time, and must not be billed twice.
    if ask.model_type == _LISTENS:
        return Usage()
    billed = read(COUNT, headers.get("character-cost", ""))
    return Usage(characters=_spoken(ask) if billed is None else billed)


def _spoken(ask: Ask) -> int | None:
    speech = read(_SPEECH, ask.text or "") if ask.model_type == _SPEAKS else None
    if not speech:
        return None
    # A dialogue has a text for each of its lines.
    return sum(map(len, (speech.get("text", ""), *(line["text"] for line in _lines(speech)))))


def _lines(speech: _Speech) -> list[_Line]:
    return speech.get("inputs", [])


def failure(status: int, text: str, _headers: Headers = NO_HEADERS) -> Failure:
    """Return what an error says of itself.

    Its code was called its status before it was called its code. A 429 passes, whether it is of the
    caller's own requests or of everybody's; a quota that is used up does not.
    https://elevenlabs.io/docs/eleven-api/resources/errors
    """
    detail = (read(_ERROR, text) or {}).get("detail")
    error = as_object(detail) or _first(detail)
    codes = [code for code in map(as_text, map(error.get, ("code", "status", "type"))) if code]
    words = (error.get("message"), located(error), detail)
    message = next(filter(None, map(as_text, words)), None)
    passing = retryable(status) and "quota_exceeded" not in codes
    return Failure(next(iter(codes), None), message, passing)


def _first(details: object) -> dict[str, object]:
    """Return the first thing that is wrong with a request, as FastAPI tells it.

    https://fastapi.tiangolo.com/tutorial/handling-errors/
    """
    return as_object(next(iter(as_list(details)), None))


ELEVENLABS = Dialect(
    ask=ask, report=report, stream_report=stream_report, failure=failure, beside=beside
)
