"""Messages, the format of Anthropic, which other vendors speak too on paths of their own.

https://platform.claude.com/docs/en/api/messages
"""

import re
from collections.abc import Iterable
from itertools import chain
from typing import Any

from pydantic import TypeAdapter
from typing_extensions import TypedDict  # pydantic wants it below Python 3.12

from call import Failure, Report, Usage
from costs.terms import terms
from dialects import sse
from dialects.amounts import cost
from dialects.base import (
    NO_HEADERS,
    Headers,
    as_count,
    as_list,
    as_object,
    as_text,
    read,
    retryable,
)
from dialects.opening import parts

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
_STARTED = '"message_start"'
_START = re.compile(r'(?<![^\r\n])data:([^\r\n]*"message_start"[^\r\n]*)')
_ERROR = re.compile(r"event: ?error[\r\n]")

# The status of an error that came in an answer of status 200, where it may pass.
# https://platform.claude.com/docs/en/api/errors
_BAD_REQUEST = 400
_STATUSES = {
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}


def begun(text: str) -> bool:
    """Return whether a stream is one of messages, which its first event tells."""
    return bool(_opening(text))


def report(text: str) -> Report:
    """Return what a whole answer says of itself.

    What `count_tokens` counts was not used, and costs nothing: it is in no `usage`, and unread.
    https://platform.claude.com/docs/en/build-with-claude/token-counting
    """
    answer = _read(text)
    return _report(as_text(answer.get("model")), answer.get("usage"), not answer.get("error"))


def stream_report(text: str) -> Report:
    """Return what an ended stream says of itself.

    Its first event tells the model and the prompt; later ones tell the whole so far, never what
    was added, and may leave out what they do not change. So a cut stream is metered as far as it
    came. https://platform.claude.com/docs/en/build-with-claude/streaming
    """
    events = sse.backwards(text)
    last = next(events, "")
    message = as_object(_opening(text).get("message"))
    # The first event cannot know the length of the answer: what it tells of it holds a place.
    usage = as_object(message.get("usage")) | {"output_tokens": None}
    usage |= _newest(chain([last], events))
    # An error comes within a stream of status 200, as an event of its own.
    # https://platform.claude.com/docs/en/api/errors
    complete = _read(last).get("type") == "message_stop" and not _ERROR.search(text)
    return _report(as_text(message.get("model")), usage, complete)


def _opening(text: str) -> _Answer:
    begun = _START.search(text) if _STARTED in text else None
    event: _Answer = _read(begun[1]) if begun else {}
    return event if event.get("type") == "message_start" else {}


def _newest(events: Iterable[str]) -> dict[str, object]:
    """Return the counts of the first of `events` that has some."""
    # Most events are pieces of the answer: those are not worth parsing.
    deltas = (_read(data) for data in events if '"message_delta"' in data)
    counts = (as_object(delta.get("usage")) for delta in deltas)
    newest = as_object(next(filter(None, counts), None))
    return {name: count for name, count in newest.items() if count is not None}


def _read(text: str) -> _Answer:
    return read(_ANSWER, text) or {}


def _report(model: str | None, reported: object, complete: bool) -> Report:
    usage = as_object(reported)
    paid = terms(usage.get("service_tier"), usage.get("speed"))
    return Report(model, _usage(usage), complete, cost(usage), paid)


def _usage(usage: dict[str, object]) -> Usage:
    # `input_tokens` is what neither came from the cache nor went into it.
    # https://platform.claude.com/docs/en/build-with-claude/prompt-caching
    counted = [usage, *_compactions(usage)]
    fresh = _sum(counted, "input_tokens")
    cached = _sum(counted, "cache_read_input_tokens")
    written = _sum(counted, "cache_creation_input_tokens")
    details = as_object(usage.get("output_tokens_details"))
    tools = as_object(usage.get("server_tool_use"))
    kept = [as_object(each.get("cache_creation")) for each in counted]
    return Usage(
        tokens_in=None if fresh is None else as_count(fresh + (cached or 0) + (written or 0)),
        tokens_out=_sum(counted, "output_tokens"),
        cached=cached,
        cache_write=written,
        reasoning=as_count(details.get("thinking_tokens")),
        cache_write_1h=_sum(kept, "ephemeral_1h_input_tokens") or None,
        searches=as_count(tools.get("web_search_requests")),
    )


def _compactions(usage: dict[str, object]) -> list[dict[str, object]]:
    """Return the counts of summaries of the conversation, which no other count includes.

    Those of all other iterations are in the counts of the whole, but for an advisor's: another
    model, at other prices. https://platform.claude.com/docs/en/build-with-claude/compaction
    """
    iterations = map(as_object, as_list(usage.get("iterations")))
    return [each for each in iterations if each.get("type") == "compaction"]


def _sum(counted: Iterable[dict[str, object]], name: str) -> int | None:
    known = [count for each in counted if (count := as_count(each.get(name))) is not None]
    return as_count(sum(known)) if known else None


def failure(status: int, text: str, _headers: Headers = NO_HEADERS) -> Failure:
    """Return what an error says of itself.

    A 429 is two things: a limit on the rate, which passes, and the month's spend, which does not
    and which only the details tell apart. https://platform.claude.com/docs/en/api/rate-limits
    """
    error = as_object(_read(text).get("error"))
    detail = as_text(as_object(error.get("details")).get("error_code"))
    spent = detail == "enforced_spend_limit_reached"
    code = detail or as_text(error.get("type"))
    return Failure(code, as_text(error.get("message")), retryable(status) and not spent)


def hidden(text: str) -> Failure | None:
    """Return the error that an answer of status 200 holds instead of a message.

    A stream may begin with one: https://platform.claude.com/docs/en/api/errors
    """
    if '"error"' not in text:
        return None
    first = next((data for _, data in parts(text) if _read(data).get("type") != "ping"), "")
    event = _read(first)
    if event.get("type") != "error":
        return None
    kind = as_text(as_object(event.get("error")).get("type"))
    return failure(_STATUSES.get(kind or "", _BAD_REQUEST), first)
