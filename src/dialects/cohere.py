"""Cohere's wire format, versions 1 and 2: chat, embeddings, reranking.

https://docs.cohere.com/reference/chat, https://docs.cohere.com/v1/reference/chat
"""

import re
from typing import Any

from pydantic import TypeAdapter
from typing_extensions import TypedDict  # pydantic wants it below Python 3.12

import sse
from call import Ask, Failure, Report, Usage
from dialects.base import Dialect, as_count, as_object, as_text, ask_in_body, read, retryable

# As in the other dialects: of a text of any size, these fields alone become Python objects.


class _Answer(TypedDict, total=False):
    type: Any
    event_type: Any
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


def ask(path: str, body: str | None) -> Ask:
    """Return what a request wants."""
    operation = _PATH.match(path)
    model_type = _MODEL_TYPES.get(operation[1]) if operation else None
    return ask_in_body(body, model_type)


def report(text: str) -> Report:
    """Return what a whole answer says of itself. No answer names its model.

    Version 1 streams lines of JSON, unless the caller accepts server-sent events:
    https://docs.cohere.com/v1/reference/chat-stream
    """
    text = text.strip()
    head, _, rest = text.partition("\n")
    answer = _read(head)
    if answer.get("event_type"):
        return _ended(text.rpartition("\n")[2])
    if rest:
        answer = _read(text)
    return Report(None, _usage(answer.get("usage") or answer.get("meta")))


def stream_report(text: str) -> Report:
    """Return what an ended stream says of itself. All of it is in the last event."""
    events = sse.backwards(text)
    last = next(events, "")
    if last == "[DONE]":
        last = next(events, "")
    return _ended(last)


def _ended(last: str) -> Report:
    event = _read(last)
    # Version 2 ends with a delta like any other, version 1 with the whole answer once more.
    end = as_object(event.get("delta") or event.get("response"))
    ended = event.get("type") == "message-end" or event.get("event_type") == "stream-end"
    reasons = (event.get("finish_reason"), end.get("finish_reason"))
    failed = bool(end.get("error")) or any(reason in _FAILED for reason in reasons)
    return Report(None, _usage(end.get("usage") or end.get("meta")), ended and not failed)


def _read(text: str) -> _Answer:
    return read(_ANSWER, text) or {}


def _usage(reported: object) -> Usage:
    # `tokens` is what the model saw and wrote, `billed_units` what is paid for, without the
    # vendor's own part of the prompt. Embeddings have the latter alone.
    # https://docs.cohere.com/docs/how-does-cohere-pricing-work
    usage = as_object(reported)
    seen, billed = as_object(usage.get("tokens")), as_object(usage.get("billed_units"))
    return Usage(
        tokens_in=_first(as_count(seen.get("input_tokens")), _billed_prompt(billed)),
        tokens_out=_first(
            as_count(seen.get("output_tokens")), as_count(billed.get("output_tokens"))
        ),
        cached=as_count(usage.get("cached_tokens")),
    )


def _first(seen: int | None, billed: int | None) -> int | None:
    return billed if seen is None else seen


def _billed_prompt(billed: dict[str, object]) -> int | None:
    # What is embedded may be text, images, or both: https://docs.cohere.com/reference/embed
    counts = [as_count(billed.get(name)) for name in ("input_tokens", "image_tokens")]
    known = [count for count in counts if count is not None]
    return as_count(sum(known)) if known else None


def failure(status: int, text: str) -> Failure:
    """Return what an error says of itself: a sentence, never a code.

    A 429 is two things: a limit on the rate, which passes, and the month's calls of a trial key,
    which do not come back. https://docs.cohere.com/docs/rate-limits
    """
    message = as_text((read(_ERROR, text) or {}).get("message"))
    spent = status == 429 and "calls / month" in (message or "")
    return Failure(None, message, retryable(status) and not spent)


COHERE = Dialect(ask=ask, report=report, stream_report=stream_report, failure=failure)
