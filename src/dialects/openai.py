"""OpenAI's wire format: chat completions, responses, embeddings, images, audio.

https://developers.openai.com/api/reference
"""

import re
from itertools import chain
from typing import Any

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict  # pydantic wants it below Python 3.12

import sse
from call import Ask, Failure, Report, Usage
from dialects.base import Dialect, as_count, as_object, as_text, retryable

# Read with TypedDicts that name the few fields we need: pydantic parses the whole text in Rust and
# makes Python objects of these fields alone, so that a large prompt costs no dictionaries, and one
# made of colliding keys costs no more.


class _Ask(TypedDict, total=False):
    model: Any
    stream: Any


class _Answer(TypedDict, total=False):
    type: Any
    error: Any
    model: Any
    usage: Any
    response: Any


_ASK = TypeAdapter(_Ask)
_ANSWER = TypeAdapter(_Answer)

_MODEL_TYPES = (
    ("chat/completions", "text-generation"),
    ("completions", "text-generation"),
    ("responses", "text-generation"),
    ("embeddings", "text-embeddings"),
    ("images/", "text-to-image"),
    ("audio/speech", "text-to-speech"),
    ("audio/", "automatic-speech-recognition"),
    ("moderations", "text-classification"),
    ("videos", "text-to-video"),
)

# The last event of a stream that ended as it should. Chat ends with a word instead of an event.
_DONE = "[DONE]"
_LAST_EVENTS = {
    "response.completed",
    "response.incomplete",
    "image_generation.completed",
    "image_edit.completed",
    "speech.audio.done",
    "transcript.text.done",
}
_HAS_USAGE = re.compile(r'"usage"\s*:\s*\{')


def ask(path: str, body: str | None) -> Ask:
    """Return what a request wants."""
    path = path.removeprefix("v1/")
    model_type = next((name for prefix, name in _MODEL_TYPES if path.startswith(prefix)), None)
    try:
        fields: _Ask = {} if body is None else _ASK.validate_json(body)
    except ValidationError:
        fields = {}
    return Ask(as_text(fields.get("model")), model_type, fields.get("stream") is True, body)


def report(text: str) -> Report:
    """Return what a whole answer says of itself."""
    try:
        answer = _ANSWER.validate_json(text)
    except ValidationError:
        return Report()
    return Report(as_text(answer.get("model")), _usage(answer.get("usage")))


def stream_report(text: str) -> Report:
    """Return what an ended stream says of itself.

    Only a caller who set `stream_options.include_usage` has usage in a chat stream; without it,
    tokens are unknown.
    """
    events = sse.backwards(text)
    last = next(events, "")
    done = last == _DONE
    if done:
        last = next(events, "")
    final = _event(last)
    ended = done or final.get("type") in _LAST_EVENTS
    failed = bool(final.get("error")) or final.get("type") == "error"
    source = next(filter(None, map(_counted, chain([last], events))), as_object(final))
    return Report(as_text(source.get("model")), _usage(source.get("usage")), ended and not failed)


def _event(data: str) -> _Answer:
    try:
        return _ANSWER.validate_json(data)
    except ValidationError:
        return {}


def _counted(data: str) -> dict[str, object] | None:
    # Most events have no usage, or `"usage":null`: those are not worth parsing.
    if not _HAS_USAGE.search(data):
        return None
    event = _event(data)
    # A responses stream tells its usage one level down.
    source = as_object(event.get("response") or event)
    return source if source.get("usage") else None


def _usage(reported: object) -> Usage:
    # Chat says prompt and completion; responses, images and transcriptions say input and output.
    prompt, answer = _part(reported, "prompt", "input"), _part(reported, "completion", "output")
    return Usage(
        tokens_in=prompt[0],
        tokens_out=answer[0],
        cached=as_count(prompt[1].get("cached_tokens")),
        cache_write=as_count(prompt[1].get("cache_write_tokens")),
        reasoning=as_count(answer[1].get("reasoning_tokens")),
    )


def _part(reported: object, *names: str) -> tuple[int | None, dict[str, object]]:
    usage = as_object(reported)
    for name in names:
        tokens = as_count(usage.get(f"{name}_tokens"))
        if tokens is not None:
            return tokens, as_object(usage.get(f"{name}_tokens_details"))
    return None, {}


def failure(status: int, text: str) -> Failure:
    """Return what an error says of itself.

    A 429 is two things: a limit on the rate, which passes, and a quota, which does not.
    https://developers.openai.com/api/docs/guides/error-codes
    """
    try:
        error = as_object(_ANSWER.validate_json(text).get("error"))
    except ValidationError:
        error = {}
    code = as_text(error.get("code")) or as_text(error.get("type"))
    quota = "insufficient_quota" in (error.get("code"), error.get("type"))
    return Failure(code, as_text(error.get("message")), retryable(status) and not quota)


OPENAI = Dialect(ask=ask, report=report, stream_report=stream_report, failure=failure)
