"""Amazon Bedrock's wire formats: Converse, and what models are invoked with, each in its own.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html

Bedrock speaks OpenAI's and Anthropic's formats as well, on paths of their own, and models of many
families answer as they do elsewhere. Answers have no path, and are told apart by their shape.

Streams of events reach a dialect as text (`eventstream.text`): the name of a frame, and its JSON.
"""

import re
from binascii import a2b_base64
from itertools import chain, islice
from typing import Any
from urllib.parse import unquote

from pydantic import TypeAdapter
from typing_extensions import TypedDict  # pydantic wants it below Python 3.12

from call import COUNTING, Ask, Failure, Report, Usage
from dialects import sse
from dialects.anthropic import ANTHROPIC
from dialects.base import (
    NO_HEADERS,
    Dialect,
    Headers,
    as_count,
    as_object,
    as_text,
    read,
    retryable,
)
from dialects.bedrock_usage import beside, images, used
from dialects.openai import OPENAI
from dialects.opening import parts

# As in the other dialects: of a text of any size, these fields alone become Python objects.

_Answer = TypedDict(
    "_Answer",
    {
        "type": Any,
        "usage": Any,
        "stopReason": Any,
        "metadata": Any,
        "prompt_token_count": Any,
        "generation_token_count": Any,
        "inputTextTokenCount": Any,
        "amazon-bedrock-invocationMetrics": Any,
    },
    total=False,
)
_Error = TypedDict(
    "_Error",
    {
        "type": Any,
        "error": Any,
        "message": Any,
        "Message": Any,
        "__type": Any,
        "originalMessage": Any,
        "originalStatusCode": Any,
    },
    total=False,
)


class _Chunk(TypedDict, total=False):
    bytes: Any


_ANSWER = TypeAdapter(_Answer)
_ERROR = TypeAdapter(_Error)
_CHUNK = TypeAdapter(_Chunk)

_SURFACE = re.compile(r"\Abedrock-[a-z]+/[^/]*/")
_MODEL = re.compile(r"model/(.+)/([a-z-]+)", re.DOTALL)
# What stands in the ids of models that do not write text:
# https://docs.aws.amazon.com/bedrock/latest/userguide/models-supported.html
_TASKS = (
    (re.compile("embed|marengo"), "text-embeddings"),
    (re.compile("rerank"), "text-classification"),
    (re.compile(r"canvas|image|stability\."), "text-to-image"),
    (re.compile(r"nova-reel|luma\."), "text-to-video"),
)
# An ARN that names a resource of the account's own, and not a model.
_OPAQUE = re.compile(r"arn:.*:(?!foundation-model/|inference-profile/)[a-z-]+/")

# Exceptions of the service, and what it has no exception for.
_FAULT = re.compile(r"\w+Exception|[A-Z]\w*")
# Within a string of JSON quotes are escaped, so what a model says does not match.
_ENDS = re.compile(r'"(?:usage|stopReason)"\s*:')
_TAIL = 4  # chunks at the end of a stream, which may hold its counts

# Counts at the top of an answer, of Llama and of Titan:
# https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-meta.html
# https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html
_TOP = ("prompt_token_count", "generation_token_count", "inputTextTokenCount")

# Kinds of exceptions after which AWS says that the same request may succeed. All but that of a
# stream have statuses that say so too, but within a stream there is no status.
# https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ResponseStream.html
_PASSING = {
    "internalfailure",
    "internalserver",
    "modelnotready",
    "modelstreamerror",
    "modeltimeout",
    "serviceunavailable",
    "throttling",
}


def ask(path: str, body: str | None, query: str = "") -> Ask:
    """Return what a request wants. Paths begin with the surface and the region."""
    path = _SURFACE.sub("", path)
    if named := _MODEL.fullmatch(path):
        model, operation = unquote(named[1]), named[2]
        return Ask(model, _model_type(model, operation), operation.endswith("-stream"), body)
    return OPENAI.ask(path, body, query)


def _model_type(model: str, operation: str) -> str | None:
    if operation in ("converse", "converse-stream"):
        return "text-generation"
    # https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html
    if operation == "count-tokens":
        return COUNTING
    if not operation.startswith("invoke"):
        return None
    usual = None if _OPAQUE.match(model) else "text-generation"
    return next((task for words, task in _TASKS if words.search(model)), usual)


def report(text: str) -> Report:
    """Return what a whole answer says of itself.

    Some families of models leave their counts to the headers: those are read by `beside`.
    """
    answer = _read(text)
    # Nova streams what it answers whole, below names of events.
    usage = as_object(answer.get("usage") or as_object(answer.get("metadata")).get("usage"))
    if "inputTokens" in usage:
        return Report(usage=used(usage))
    if answer.keys().isdisjoint(_TOP):
        made = images(text)
        return Report(usage=Usage(images=made)) if made else OPENAI.report(text)
    prompt, written, embedded = (as_count(answer.get(name)) for name in _TOP)
    return Report(usage=Usage(embedded if prompt is None else prompt, written))


def _read(text: str) -> _Answer:
    return read(_ANSWER, text) or {}


def stream_report(text: str) -> Report:
    """Return what an ended stream says of itself."""
    kind, data = _first(text)
    if kind == "chunk":
        return _chunks(text, data)
    return (_converse if _is_frame(kind) else OPENAI.stream_report)(text)


def _first(text: str) -> tuple[str, str]:
    return next(parts(text), ("", ""))


def _is_frame(kind: str) -> bool:
    # Events of OpenAI and Anthropic are in snake case, Bedrock's and its exceptions in camel case.
    return kind in ("chunk", "metadata") or kind != kind.lower()


def _converse(text: str) -> Report:
    """Read the reason to stop and the usage: two events at the end, in either order.

    An exception would be the last event, and is neither.
    """
    events = sse.backwards(text)
    last = next(events, "")
    ends = islice(filter(_ENDS.search, chain([last], events)), 2)
    end = {name: value for data in ends for name, value in _read(data).items()}
    complete = bool(_ENDS.search(last)) and {"usage", "stopReason"} <= end.keys()
    return Report(usage=used(end.get("usage")), complete=complete)


def _chunks(text: str, first: str) -> Report:
    """Read a stream of a model's own events. Bedrock's own counts are in the last.

    Anthropic's tell more, and those at its beginning are all there is of a stream that was cut.
    """
    newest = [_unpacked(data) for data in islice(sse.backwards(text), _TAIL)]
    metrics = _read(next(iter(newest), "")).get("amazon-bedrock-invocationMetrics")
    begun = _unpacked(first)
    if _read(begun).get("type") == "message_start":
        events = [begun, *reversed(newest)]
        told = OPENAI.stream_report("".join(f"data: {event}\n\n" for event in events))
    else:
        told = next((found for found in map(report, newest) if found.usage != Usage()), Report())
    whole = bool(told.usage.images) or None not in (told.usage.tokens_in, told.usage.tokens_out)
    usage = told.usage if whole or metrics is None else used(metrics)
    return Report(told.model, usage, metrics is not None)


def _unpacked(data: str) -> str:
    """Return what a chunk carries, in one line."""
    try:
        carried = a2b_base64(as_text((read(_CHUNK, data) or {}).get("bytes")) or "")
    except ValueError:
        return ""
    return " ".join(carried.decode("utf-8", "replace").splitlines())


def failure(status: int, text: str, headers: Headers = NO_HEADERS) -> Failure:
    """Return what an error says of itself. Its kind is in a header.

    https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html
    """
    error = read(_ERROR, text) or {}
    if error.get("error"):
        dialect = ANTHROPIC if error.get("type") == "error" else OPENAI
        return dialect.failure(status, text, headers)
    kind = headers.get("x-amzn-errortype") or as_text(error.get("__type")) or ""
    # Both may be qualified: `ValidationException:http://…`, `com.amazon.coral.service#…`.
    return _failure(kind.partition(":")[0].rpartition("#")[2], error, retryable(status))


def hidden(text: str) -> Failure | None:
    """Return the error that a stream begins with: an exception in place of its first event."""
    kind, data = _first(text)
    if _FAULT.fullmatch(kind):
        return _failure(kind, read(_ERROR, data) or {}, passing=False)
    return None if _is_frame(kind) else ANTHROPIC.hidden(text)


def _failure(kind: str, error: _Error, passing: bool) -> Failure:
    """Return what an exception of AWS says, where `passing` tells whether its status may pass."""
    name = kind.lower().removesuffix("exception")
    texts = (error.get("message"), error.get("Message"), error.get("originalMessage"))
    message = next(filter(None, map(as_text, texts)), None)
    # What went wrong in the model has a status of its own.
    # https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html
    cause = as_count(error.get("originalStatusCode"))
    if cause is not None and name in ("modelerror", "modelstreamerror"):
        return Failure(kind, message, cause >= 500)
    # One more limit is called throttling: the day's tokens, which a moment does not bring back.
    # https://docs.aws.amazon.com/bedrock/latest/userguide/quotas-token-burndown.html
    spent = "tokens per day" in (message or "")
    return Failure(kind or None, message, (passing or name in _PASSING) and not spent)


BEDROCK = Dialect(
    ask=ask,
    report=report,
    stream_report=stream_report,
    failure=failure,
    hidden=hidden,
    beside=beside,
)
