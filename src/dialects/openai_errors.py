"""What an error in OpenAI's format says of itself, with its own status or hidden behind a 200."""

import re
from typing import Any

from pydantic import TypeAdapter
from typing_extensions import TypedDict  # pydantic wants it below Python 3.12

from call import Failure
from dialects import sse
from dialects.base import (
    NO_HEADERS,
    Headers,
    as_count,
    as_list,
    as_object,
    as_text,
    located,
    read,
    retryable,
)
from dialects.opening import parts


class _Error(TypedDict, total=False):
    error: Any
    message: Any
    detail: Any
    code: Any
    type: Any
    status_code: Any


class _Event(_Error, total=False):
    choices: Any
    output: Any
    response: Any
    x_groq: Any


_ERROR = TypeAdapter(_Error)
_EVENT = TypeAdapter(_Event)

# Why a model stopped, where it did not finish: of OpenRouter and Mistral, and of DeepSeek.
# https://openrouter.ai/docs/api-reference/errors
# https://api-docs.deepseek.com/api/create-chat-completion
_NO_RESOURCE = "insufficient_system_resource"
_BROKEN = {"error", _NO_RESOURCE}
# Within a string of JSON quotes and line ends are escaped, so what a model says does not match.
_HAS_ERROR = re.compile(
    r'"error"\s*:\s*[^\sn]|"(?:type|finish_reason)"\s*:\s*"(?:error|insufficient_system_resource)"'
)
# Perplexity and Cerebras may name the event, and have only its fields in the data.
_NAMED_ERROR = re.compile(r"event: ?error[\r\n]")
# What may stand before the first event that says something.
_SILENT = {"ping", "response.created", "response.queued", "response.in_progress"}

# Groq's word for a flexible tier that is full: https://console.groq.com/docs/errors
_CAPACITY_EXCEEDED = 498
_BAD_REQUEST, _UNAVAILABLE = 400, 503
_HTTP_ERROR = re.compile(r"[45][0-9]{2}")
_PASSING = re.compile(r"rate_limit|overloaded|server_error")
_LASTING = re.compile(
    r"invalid|authenti|permission|not_found|insufficient|billing|too_large|length_exceeded|content_"
)


def failure(status: int, text: str, _headers: Headers = NO_HEADERS) -> Failure:
    """Return what an error says of itself.

    A 429 is two things: a limit on the rate, which passes, and a quota, which does not.
    https://developers.openai.com/api/docs/guides/error-codes
    """
    return _failure(status, as_object(read(_ERROR, text)))


def _failure(status: int, answer: dict[str, object]) -> Failure:
    # OpenAI's is an object below `error`. Cerebras and Mistral have its fields at the top, and xAI
    # has a text below `error` with the code beside it.
    error = as_object(answer.get("error")) or answer
    detail = _detail(answer)
    words = (error.get("message"), answer.get("error"), answer.get("detail"), located(detail))
    message = next(filter(None, map(as_text, words)), None)
    codes = (error.get("code"), error.get("type"), detail.get("type"))
    passing = retryable(status) or status == _CAPACITY_EXCEEDED
    code = next(filter(None, map(_code, codes)), None)
    return Failure(code, message, passing and not any(map(_is_spent, codes)))


def _code(value: object) -> str | None:
    # OpenRouter and Perplexity repeat the status, as a number.
    number = as_count(value)
    return as_text(value) if number is None else str(number)


def _is_spent(code: object) -> bool:
    return code == "insufficient_quota" or (as_text(code) or "").startswith("billing_")


def _detail(answer: dict[str, object]) -> dict[str, object]:
    """Return the first thing that Mistral found wrong with a request, as FastAPI tells it.

    https://fastapi.tiangolo.com/tutorial/handling-errors/
    """
    details = as_object(answer.get("message")).get("detail") or answer.get("detail")
    return as_object(next(iter(as_list(details)), None))


def hidden(text: str) -> Failure | None:
    """Return the error that an answer of status 200 holds instead of words.

    OpenRouter has begun its answer before it knows: https://openrouter.ai/docs/api-reference/errors
    """
    # Nearly every answer is told to be none here: few are worth parsing.
    if not _HAS_ERROR.search(text) and not _NAMED_ERROR.search(text):
        return None
    events = ((name, as_object(read(_EVENT, data))) for name, data in parts(text))
    spoken = ((name, event) for name, event in events if _kind(name, event) not in _SILENT)
    error = next((_error(name, event) for name, event in spoken), None)
    return _failure(status_within(error), error) if error else None


def _kind(name: str, event: dict[str, object]) -> str:
    return as_text(event.get("type")) or name


def _error(name: str, event: dict[str, object]) -> dict[str, object]:
    """Return an event of a stream, or a whole answer, as an error. Empty where it is none."""
    if _says_something(event):
        return {}
    places = (event, as_object(event.get("response")), as_object(event.get("x_groq")))
    error = next(filter(None, (place.get("error") for place in places)), None)
    if error:
        return event | {"error": error}
    if event.get("type") == "error":
        # That is no code: it says no more than that this is an error.
        return event | {"type": None}
    return event | {"error": None} if name == "error" else {}


def _says_something(answer: dict[str, object]) -> bool:
    choices = map(as_object, as_list(answer.get("choices")))
    messages = [as_object(choice.get("message")) for choice in choices]
    said = any(message.get("content") or message.get("tool_calls") for message in messages)
    return said or bool(answer.get("output"))


def status_within(answer: dict[str, object]) -> int:
    """Return the status that an error would have had, as far as its words tell."""
    error = as_object(answer.get("error")) or answer
    codes = map(_code, (error.get("code"), error.get("type"), answer.get("status_code")))
    words = [code for code in codes if code]
    told = next(filter(_HTTP_ERROR.fullmatch, words), None)
    if told:
        return int(told)
    all_of_them = " ".join(words)
    lasting = _LASTING.search(all_of_them) and not _PASSING.search(all_of_them)
    return _BAD_REQUEST if lasting else _UNAVAILABLE


def broken(text: str) -> bool:
    """Return whether a whole answer tells of failure."""
    return bool(_HAS_ERROR.search(text)) and _is_error(text)


def broken_stream(text: str) -> bool:
    """Return whether a stream tells of failure, in any of its events."""
    # Not in the last alone: usage may follow an error.
    if _NAMED_ERROR.search(text):
        return True
    # Nearly every stream has neither word, and words are found five times as soon as patterns.
    if '"error"' not in text and _NO_RESOURCE not in text:
        return False
    return bool(_HAS_ERROR.search(text)) and any(map(_is_error, sse.backwards(text)))


def _is_error(data: str) -> bool:
    if not _HAS_ERROR.search(data):
        return False
    event = as_object(read(_EVENT, data))
    errors = event.get("error"), as_object(event.get("x_groq")).get("error")
    return any(errors) or event.get("type") == "error" or _is_broken(event)


def _is_broken(event: dict[str, object]) -> bool:
    choices = map(as_object, as_list(event.get("choices")))
    return not _BROKEN.isdisjoint(as_text(choice.get("finish_reason")) for choice in choices)
