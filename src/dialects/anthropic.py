"""Anthropic's wire format: messages.

https://platform.claude.com/docs/en/api/messages
"""

import re
from collections.abc import Iterable
from itertools import chain
from typing import Any

from pydantic import TypeAdapter
from typing_extensions import TypedDict  # pydantic wants it below Python 3.12

import sse
from call import Ask, Failure, Report, Usage
from dialects.base import Dialect, as_count, as_object, as_text, ask_in_body, read, retryable

# As in the other dialects: of a text of any size, these fields alone become Python objects.


class _Answer(TypedDict, total=False):
    type: Any
    error: Any
    model: Any
    usage: Any
    message: Any


_ANSWER = TypeAdapter(_Answer)

# The one event that is read from the front. Words of the model cannot look like it, nor like the
# error event: within JSON, quotes and the ends of lines are escaped.
# It is looked for at the start of a line alone, or many a `data:` in one would take minutes.
_START = re.compile(r'(?<![^\r\n])data:([^\r\n]*"message_start"[^\r\n]*)')
_ERROR = re.compile(r"event: ?error[\r\n]")


def ask(path: str, body: str | None) -> Ask:
    """Return what a request wants."""
    model_type = "text-generation" if f"{path}/".startswith("v1/messages/") else None
    return ask_in_body(body, model_type)


def report(text: str) -> Report:
    """Return what a whole answer says of itself.

    What `count_tokens` counts was not used, and costs nothing: it is in no `usage`, and unread.
    https://platform.claude.com/docs/en/build-with-claude/token-counting
    """
    answer = _read(text)
    return Report(as_text(answer.get("model")), _usage(answer.get("usage")))


def stream_report(text: str) -> Report:
    """Return what an ended stream says of itself.

    Its first event tells the model and the prompt; later ones tell the whole so far, never what
    was added, and may leave out what they do not change. So a cut stream is metered as far as it
    came. https://platform.claude.com/docs/en/build-with-claude/streaming
    """
    events = sse.backwards(text)
    last = next(events, "")
    begun = _START.search(text)
    message = as_object(_read(begun[1]).get("message")) if begun else {}
    usage = as_object(message.get("usage")) | _newest(chain([last], events))
    # An error comes within a stream of status 200, as an event of its own.
    # https://platform.claude.com/docs/en/api/errors
    complete = _read(last).get("type") == "message_stop" and not _ERROR.search(text)
    return Report(as_text(message.get("model")), _usage(usage), complete)


def _newest(events: Iterable[str]) -> dict[str, object]:
    """Return the counts of the first of `events` that has some."""
    # Most events are pieces of the answer: those are not worth parsing.
    deltas = (_read(data) for data in events if '"message_delta"' in data)
    counts = (as_object(delta.get("usage")) for delta in deltas)
    newest = as_object(next(filter(None, counts), None))
    return {name: count for name, count in newest.items() if count is not None}


def _read(text: str) -> _Answer:
    return read(_ANSWER, text) or {}


def _usage(reported: object) -> Usage:
    usage = as_object(reported)
    # `input_tokens` is what neither came from the cache nor went into it.
    # https://platform.claude.com/docs/en/build-with-claude/prompt-caching
    fresh = as_count(usage.get("input_tokens"))
    cached = as_count(usage.get("cache_read_input_tokens"))
    written = as_count(usage.get("cache_creation_input_tokens"))
    details = as_object(usage.get("output_tokens_details"))
    return Usage(
        tokens_in=None if fresh is None else as_count(fresh + (cached or 0) + (written or 0)),
        tokens_out=as_count(usage.get("output_tokens")),
        cached=cached,
        cache_write=written,
        reasoning=as_count(details.get("thinking_tokens")),
    )


def failure(status: int, text: str) -> Failure:
    """Return what an error says of itself.

    A 429 is two things: a limit on the rate, which passes, and the month's spend, which does not
    and which only the details tell apart. https://platform.claude.com/docs/en/api/rate-limits
    """
    error = as_object(_read(text).get("error"))
    detail = as_text(as_object(error.get("details")).get("error_code"))
    spent = detail == "enforced_spend_limit_reached"
    code = detail or as_text(error.get("type"))
    return Failure(code, as_text(error.get("message")), retryable(status) and not spent)


ANTHROPIC = Dialect(ask=ask, report=report, stream_report=stream_report, failure=failure)
