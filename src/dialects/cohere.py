"""Cohere's wire format, versions 1 and 2, and OpenAI's on paths of its own.

https://docs.cohere.com/reference/chat, https://docs.cohere.com/v1/reference/chat
https://docs.cohere.com/docs/compatibility-api
"""

import re
from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter
from typing_extensions import TypedDict  # pydantic wants it below Python 3.12

from call import Ask, Failure, Report, Usage
from dialects import openai, sse
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
from dialects.opening import parts

# As in the other dialects: of a text of any size, these fields alone become Python objects.


class _Answer(TypedDict, total=False):
    type: Any
    event_type: Any
    object: Any
    finish_reason: Any
    usage: Any
    meta: Any
    delta: Any
    response: Any


class _Error(TypedDict, total=False):
    message: Any


_ANSWER = TypeAdapter(_Answer)
_ERROR = TypeAdapter(_Error)

_PATH = re.compile(r"v\d+/([^/]+)")
_MODEL_TYPES = {
    "chat": "text-generation",
    "generate": "text-generation",
    "embed": "text-embeddings",
    "rerank": "text-classification",
    "classify": "text-classification",
}

# Of the reasons to finish, those that are no end: https://docs.cohere.com/reference/chat-stream
_FAILED = ("ERROR", "TIMEOUT")
_HAS_FAILED = re.compile(r'"(?:error|ERROR|TIMEOUT)"')
_LAST_EVENTS = ("message-end", "stream-end")
# What may stand before the first event that says something.
_SILENT = ("message-start", "stream-start", "debug")
_OPENAI = "compatibility/"


def ask(path: str, body: str | None, _query: str = "") -> Ask:
    """Return what a request wants."""
    if path.startswith(_OPENAI):
        return openai.ask(path.removeprefix(_OPENAI), body)
    operation = _PATH.match(path)
    model_type = _MODEL_TYPES.get(operation[1]) if operation else None
    return ask_in_body(body, model_type)


def report(text: str) -> Report:
    """Return what a whole answer says of itself. No answer names its model but OpenAI's.

    Version 1 streams lines of JSON, unless the caller accepts server-sent events:
    https://docs.cohere.com/v1/reference/chat-stream
    """
    text = text.strip()
    head, _, rest = text.partition("\n")
    answer = _read(head)
    if answer.get("event_type"):
        return _ended(_read(text.rpartition("\n")[2]))
    if rest:
        answer = _read(text)
    if answer.get("object"):
        return openai.report(text)
    usage = _usage(answer.get("usage") or answer.get("meta"))
    return Report(None, usage, answer.get("finish_reason") not in _FAILED)


def stream_report(text: str) -> Report:
    """Return what an ended stream says of itself. All of it is in the last event."""
    events = sse.backwards(text)
    last = next(events, "")
    if last == "[DONE]":
        last = next(events, "")
    event = _read(last)
    return openai.stream_report(text) if event.get("object") else _ended(event)


def _ended(event: _Answer) -> Report:
    usage = _end(event).get("usage") or _end(event).get("meta")
    return Report(None, _usage(usage), _kind(event) in _LAST_EVENTS and not _has_failed(event))


def _kind(event: _Answer) -> object:
    return event.get("type") or event.get("event_type")


def _end(event: _Answer) -> dict[str, object]:
    # Version 2 ends with a delta like any other, version 1 with the whole answer once more.
    return as_object(event.get("delta") or event.get("response"))


def _has_failed(event: _Answer) -> bool:
    reasons = (event.get("finish_reason"), _end(event).get("finish_reason"))
    return bool(_end(event).get("error")) or any(reason in _FAILED for reason in reasons)


def _read(text: str) -> _Answer:
    return read(_ANSWER, text) or {}


def _usage(reported: object) -> Usage:
    # `billed_units` is what is paid for; `tokens` is what the model saw and wrote, with the
    # vendor's own part of the prompt, which is free. Some answers have only one of the two.
    # https://docs.cohere.com/docs/how-does-cohere-pricing-work
    usage = as_object(reported)
    seen, billed = as_object(usage.get("tokens")), as_object(usage.get("billed_units"))
    paid = _billed_prompt(billed)
    return Usage(
        tokens_in=as_count(seen.get("input_tokens")) if paid is None else paid,
        tokens_out=_first(billed.get("output_tokens"), seen.get("output_tokens")),
        # Of what the model saw: it may be more than all that is billed.
        cached=as_count(usage.get("cached_tokens")) if paid is None else None,
        # Reranking is paid by the search: https://docs.cohere.com/reference/rerank
        searches=as_count(billed.get("search_units")),
    )


def _first(*counts: object) -> int | None:
    return next((count for count in map(as_count, counts) if count is not None), None)


def _billed_prompt(billed: dict[str, object]) -> int | None:
    # What is embedded may be text, images, or both: https://docs.cohere.com/reference/embed
    counts = [as_count(billed.get(name)) for name in ("input_tokens", "image_tokens")]
    known = [count for count in counts if count is not None]
    return as_count(sum(known)) if known else None


def failure(status: int, text: str, _headers: Headers = NO_HEADERS) -> Failure:
    """Return what an error says of itself: a sentence, never a code.

    A 429 is two things: a limit on the rate, which passes, and the month's calls of a trial key,
    which do not come back. https://docs.cohere.com/docs/rate-limits
    """
    message = as_text((read(_ERROR, text) or {}).get("message"))
    spent = status == 429 and "calls / month" in (message or "")
    return Failure(None, message, retryable(status) and not spent)


def hidden(text: str) -> Failure | None:
    """Return the error that an answer of status 200 holds instead of words.

    A stream that fails ends like any other, with a sentence: no code, nor whether it will pass.
    https://docs.cohere.com/reference/chat-stream
    """
    if not _HAS_FAILED.search(text):
        return None
    event = next((event for event in _events(text) if _kind(event) not in _SILENT), None)
    if event and _kind(event) in _LAST_EVENTS and _has_failed(event):
        return Failure(None, as_text(_end(event).get("error")), retryable=True)
    return openai.hidden(text)


def _events(text: str) -> Iterator[_Answer]:
    for _, part in parts(text):
        # Version 1 may send its events as lines of JSON.
        lines = part.strip().split("\n") if '"event_type"' in part else [part]
        yield from map(_read, lines)


COHERE = Dialect(
    ask=ask, report=report, stream_report=stream_report, failure=failure, hidden=hidden
)
