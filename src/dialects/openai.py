"""OpenAI's wire format: chat completions, responses, embeddings, images, audio.

https://developers.openai.com/api/reference

Many vendors speak it, each with habits of its own, and some speak Anthropic's messages beside it.
What is read here tells them apart by the shape of what they send, never by their names.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

from pydantic import TypeAdapter
from typing_extensions import TypedDict  # pydantic wants it below Python 3.12

from call import COUNTING, Ask, Report, Usage
from costs.terms import terms
from dialects import messages, sse
from dialects.amounts import cost
from dialects.base import Dialect, Headers, as_object, as_text, ask_in_body, read
from dialects.openai_errors import broken, broken_stream, failure, hidden
from dialects.openai_usage import images, reported, used


class _Answer(TypedDict, total=False):
    type: Any
    object: Any
    model: Any
    usage: Any
    response: Any
    x_groq: Any
    tool_usage: Any
    text: Any
    duration: Any
    service_tier: Any


class _Speech(TypedDict, total=False):
    input: Any
    text: Any


_ANSWER = TypeAdapter(_Answer)
_SPEECH = TypeAdapter(_Speech)

# What stands before the path of a task. Beta is DeepSeek's: https://api-docs.deepseek.com/guides
_VERSION = re.compile(r"\A(?:(?:[a-z]+/)?v1|beta)/")

_SPOKEN = "text-to-speech"
_MODEL_TYPES = (
    # https://developers.openai.com/api/reference/resources/responses
    ("responses/input_tokens", COUNTING),
    ("messages/count_tokens", COUNTING),
    ("chat/completions", "text-generation"),
    ("completions", "text-generation"),
    ("responses", "text-generation"),
    ("messages", "text-generation"),
    ("fim/completions", "text-generation"),
    ("agents/completions", "text-generation"),
    ("embeddings", "text-embeddings"),
    ("images/", "text-to-image"),
    ("audio/speech", _SPOKEN),
    ("audio/", "automatic-speech-recognition"),
    ("moderations", "text-classification"),
    ("videos", "text-to-video"),
    # Of xAI: https://docs.x.ai/docs/model-capabilities/audio/voice
    ("tts", _SPOKEN),
    ("stt", "automatic-speech-recognition"),
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
    # Mistral's: https://docs.mistral.ai/api/endpoint/audio/transcriptions
    "transcription.done",
    # Of messages, should a stream of them lack its first event.
    "message_stop",
}
# Perplexity names its last event so, and need not send the word.
# https://github.com/perplexityai/api-discussion/issues/209
_LAST_OBJECT = "chat.completion.done"
# Tells what all its requests used so far, each time that it is asked for.
# https://developers.openai.com/api/reference/resources/batches
_BATCH = "batch"
_HAS_USAGE = re.compile(r'"usage"\s*:\s*\{')
_IMAGE = re.compile(r'"type"\s*:\s*"image_(?:generation|edit)\.completed"')


def ask(path: str, body: str | None, _query: str = "") -> Ask:
    """Return what a request wants."""
    path = _VERSION.sub("", path)
    model_type = next((name for prefix, name in _MODEL_TYPES if path.startswith(prefix)), None)
    return ask_in_body(body, model_type)


def report(text: str) -> Report:
    """Return what a whole answer says of itself."""
    answer = _read(text)
    if answer.get("type") == "message":
        return messages.report(text)
    if answer.get("object") == _BATCH:
        return Report(as_text(answer.get("model")))
    told = _report(answer, complete=not broken(text))
    # Only images come in an answer that does not name its kind.
    made = None if answer.get("object") else images(text)
    return replace(told, usage=replace(told.usage, images=made)) if made else told


def stream_report(text: str) -> Report:
    """Return what an ended stream says of itself.

    Only a caller who set `stream_options.include_usage` has usage in a chat stream; without it,
    tokens are unknown.
    """
    if messages.begun(text):
        return messages.stream_report(text)
    events = sse.backwards(text)
    last = next(events, "")
    done = last == _DONE
    if done:
        last = next(events, "")
    final = _read(last)
    kind = as_text(final.get("type"))
    ended = done or kind in _LAST_EVENTS or as_text(final.get("object")) == _LAST_OBJECT
    unknown = Report(as_text(final.get("model")))
    # Without the word, events are not even worth telling apart.
    counted = map(_counted, chain([last], events)) if '"usage"' in text else ()
    told = next(filter(None, counted), unknown)
    if _IMAGE.search(last):
        told = replace(told, usage=replace(told.usage, images=len(_IMAGE.findall(text))))
    complete = ended and not broken_stream(text)
    return told if complete else replace(told, complete=False)


def _read(data: str) -> _Answer:
    return read(_ANSWER, data) or {}


def _counted(data: str) -> Report | None:
    # Most events have no usage, or `"usage":null`: those are not worth parsing.
    if not _HAS_USAGE.search(data):
        return None
    event = _read(data)
    # A stream of responses tells its usage one level down.
    source = as_object(event.get("response") or event)
    return _report(source) if reported(source) else None


def _report(answer: Mapping[str, object], *, complete: bool = True) -> Report:
    usage = reported(answer)
    tier = answer.get("service_tier") or usage.get("service_tier")
    speed = usage.get("speed")
    told = Report(as_text(answer.get("model")), used(answer), complete, cost(usage))
    return replace(told, terms=terms(tier, speed)) if tier or speed else told


def beside(ask: Ask, _headers: Headers) -> Usage:
    """Return how much text was to be spoken. The answer is sound, which says nothing of it.

    Some models are paid by the character, others by the token; the text is known of all.
    """
    if ask.model_type != _SPOKEN:
        return Usage()
    fields = read(_SPEECH, ask.text or "") or {}
    # The second is xAI's: https://docs.x.ai/docs/model-capabilities/audio/voice
    text = as_text(fields.get("input", fields.get("text")))
    return Usage(characters=None if text is None else len(text))


OPENAI = Dialect(
    ask=ask,
    report=report,
    stream_report=stream_report,
    failure=failure,
    hidden=hidden,
    beside=beside,
)
