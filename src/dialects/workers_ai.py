"""Cloudflare's wire format for Workers AI: a model's own answers, and OpenAI's below `v1/`.

https://developers.cloudflare.com/workers-ai/get-started/rest-api/
"""

import re
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from pydantic import OnErrorOmit, TypeAdapter
from typing_extensions import TypedDict  # pydantic wants it below Python 3.12

from call import Ask, Failure, Report, Usage
from dialects import openai, sse
from dialects.amounts import as_amount, cost, of_neurons
from dialects.base import (
    NO_HEADERS,
    Dialect,
    Headers,
    as_count,
    as_object,
    as_text,
    ask_in_body,
    read,
    retryable,
)
from dialects.openai_usage import reported, used
from dialects.opening import parts

# As in the other dialects: of a text of any size, these fields alone become Python objects.

# A list, of whose items nothing is kept.
_List = OnErrorOmit[list[OnErrorOmit[None]]]


class _Input(TypedDict, total=False):
    messages: _List
    text: _List
    contexts: _List
    query: OnErrorOmit[str]
    prompt: OnErrorOmit[str]
    input_text: OnErrorOmit[str]
    target_lang: OnErrorOmit[str]
    target_language: OnErrorOmit[str]
    max_tokens: OnErrorOmit[int]
    raw: OnErrorOmit[bool]
    image: Any


class _Result(TypedDict, total=False):
    model: Any
    usage: Any
    image: OnErrorOmit[str]
    transcription_info: Any


class _Answer(_Result, total=False):
    result: OnErrorOmit[_Result]
    success: Any


class _Error(TypedDict, total=False):
    success: Any
    errors: OnErrorOmit[list[Any]]


_INPUT = TypeAdapter(_Input)
_ANSWER = TypeAdapter(_Answer)
_ERROR = TypeAdapter(_Error)

_NATIVE = re.compile(r"(?:run/)?((?:@|%40).+)")

# The fields that only one task has, those of most use first. What begins with a prompt may be a
# text, an image or speech, and one text may be embedded, classified or spoken.
# https://developers.cloudflare.com/workers-ai/models/
_TASKS = (
    ({"messages"}, "text-generation"),
    ({"target_lang"}, "translation"),
    ({"target_language"}, "translation"),
    ({"text"}, "text-embeddings"),
    ({"query", "contexts"}, "text-classification"),
    ({"input_text"}, "summarization"),
    ({"prompt", "max_tokens"}, "text-generation"),
    ({"prompt", "raw"}, "text-generation"),
)

# https://developers.cloudflare.com/workers-ai/platform/errors/
_PASSING = ("3007", "3008", "3040")
# The day's free allocation is used up. The second is what the page does not list, and clients get:
# https://github.com/get-engram/engram/issues/34
_SPENT = ("3036", "4006")
_NEURONS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_OK = 200
_HAS_FAILED = re.compile(r'"success"\s*:\s*false')


def ask(path: str, body: str | None, query: str = "") -> Ask:
    """Return what a request wants. A native path is the model."""
    native = _NATIVE.fullmatch(path)
    if not native:
        return openai.ask(path, body, query)
    return replace(ask_in_body(body, _task(body)), model=unquote(native[1]))


def _task(body: str | None) -> str | None:
    """Return the task, where the fields of a native request leave no doubt."""
    named = (read(_INPUT, body or "") or {}).keys()
    task = next((task for fields, task in _TASKS if fields <= named), None)
    # A prompt about an image is another task, a chat about one is not.
    return None if "image" in named and "messages" not in named else task


def report(text: str) -> Report:
    """Return what a whole answer says of itself, with or without the envelope of the REST API."""
    answer = read(_ANSWER, text) or {}
    result = answer.get("result")
    # Within the envelope as without it, what was used is told as OpenAI does.
    told = _told(result) if result else openai.report(text)
    usage = replace(told.usage, **_own(result or answer))
    return replace(told, usage=usage, complete=told.complete and answer.get("success") is not False)


def _told(result: _Result) -> Report:
    return Report(as_text(result.get("model")), used(result), cost=cost(reported(result)))


def _own(result: _Result) -> dict[str, Any]:
    """Return what only a model's own answer tells: an image, or the length of what was heard.

    https://developers.cloudflare.com/workers-ai/models/whisper-large-v3-turbo/
    """
    heard = as_amount(as_object(result.get("transcription_info")).get("duration"))
    told = {"images": 1 if "image" in result else None, "audio_seconds": heard}
    return {name: count for name, count in told.items() if count is not None}


def stream_report(text: str) -> Report:
    """Return what an ended stream says of itself, which ends as one of OpenAI's does."""
    told = openai.stream_report(text)
    if told.usage == Usage():
        # An event of the native format may have a last word, `"response": "…"`, beside its usage.
        counted = (report(data) for data in sse.backwards(text) if '"usage"' in data)
        last = next((each for each in counted if each.usage != Usage()), Report())
        told = replace(told, usage=last.usage, cost=last.cost)
    failed = _HAS_FAILED.search(text) and any(map(_has_failed, sse.backwards(text)))
    return replace(told, complete=told.complete and not failed)


def _has_failed(data: str) -> bool:
    return (read(_ERROR, data) or {}).get("success") is False


def beside(_ask: Ask, headers: Headers) -> Usage:
    """Return what the headers of an answer tell: some models answer with a picture alone."""
    kind = headers.get("content-type", "").lower()
    return Usage(images=1 if kind.startswith("image/") else None)


def charged(headers: Headers) -> float | None:
    """Return what the neurons cost that the headers of an answer tell."""
    told = headers.get("cf-ai-neurons", "")
    return of_neurons(float(told)) if _NEURONS.fullmatch(told) else None


def failure(status: int, text: str, headers: Headers = NO_HEADERS) -> Failure:
    """Return what an error says of itself.

    Cloudflare's own code tells more than the status. A 429 is two things: a lack of capacity, which
    passes, and the end of the day's free allocation, which does not.
    """
    errors = (read(_ERROR, text) or {}).get("errors") or [None]
    error = as_object(errors[0])
    if not error:
        return openai.failure(status, text, headers)
    number = as_count(error.get("code"))
    code = as_text(error.get("code")) if number is None else str(number)
    passing = code in _PASSING or (retryable(status) and code not in _SPENT)
    return Failure(code, as_text(error.get("message")), passing)


def hidden(text: str) -> Failure | None:
    """Return the error in an answer of status 200: an envelope that says so, or OpenAI's."""
    _, first = next(parts(text), ("", ""))
    failed = _HAS_FAILED.search(first) and _has_failed(first)
    return failure(_OK, first) if failed else openai.OPENAI.hidden(text)


WORKERS_AI = Dialect(
    ask=ask,
    report=report,
    stream_report=stream_report,
    failure=failure,
    hidden=hidden,
    beside=beside,
    charged=charged,
)
