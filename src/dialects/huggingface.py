"""Hugging Face's wire formats: the task API of models it runs itself, and OpenAI's elsewhere.

https://huggingface.co/docs/inference-providers
"""

import re
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from pydantic import OnErrorOmit, TypeAdapter
from typing_extensions import TypedDict  # pydantic wants it below Python 3.12

from call import Ask, Failure, Report, Usage
from dialects import openai, sse
from dialects.amounts import as_amount
from dialects.base import (
    NO_HEADERS,
    Dialect,
    Headers,
    as_count,
    as_text,
    ask_in_body,
    read,
)

# As in the other dialects: of a text of any size, these fields alone become Python objects.


class _Parameters(TypedDict, total=False):
    max_new_tokens: OnErrorOmit[int]


class _Input(TypedDict, total=False):
    parameters: OnErrorOmit[_Parameters]


class _Details(TypedDict, total=False):
    input_length: Any
    generated_tokens: Any


class _Generated(TypedDict, total=False):
    token: Any
    generated_text: Any
    details: OnErrorOmit[_Details]


class _Error(TypedDict, total=False):
    error: OnErrorOmit[list[Any]]
    error_type: Any
    estimated_time: Any


_INPUT = TypeAdapter(_Input)
_GENERATED = TypeAdapter(_Generated)
_GENERATED_LIST = TypeAdapter(list[OnErrorOmit[_Generated]])
_ERROR = TypeAdapter(_Error)

_OWN = "hf-inference/models/"
# What the router itself has: its own chat, or a vendor and the beginning of that vendor's paths, as
# `huggingface_hub.inference._providers` writes them. Two segments are a model's organisation and
# name, which a vendor's name may be as well: `openai/whisper-large-v3`.
_ROUTED = re.compile(
    r"(?!models/)(?:v1|hf-inference|fal-ai|[a-z0-9-]+/(?:v\d+|api|compatibility|inference|openai))/."
)
_MODEL = re.compile(rf"{_OWN}(?P<model>[^/]+(?:/(?!pipeline/|v1/)[^/]+)?)(?:/(?P<rest>.*))?")
# Where a vendor's path names the model: fal, then those with queues of predictions.
_NAMED = re.compile(
    r"fal-ai/(?P<app>.+)|[a-z0-9-]+/(?:v1/models|v3/hf|api/v3)/(?P<model>.+?)(?:/predictions)?"
)
_OPENAI = re.compile(
    r"(?:.*?/)??((?:chat/completions|completions|responses|embeddings|images|audio|videos)(?:/.*)?)"
)
_PIPELINES = {
    "pipeline/feature-extraction": "text-embeddings",
    "pipeline/sentence-similarity": "text-embeddings",
}


def routed(path: str) -> str:
    """Return the path at the router: a model's, as the former inference API had it, is its own."""
    return path if _ROUTED.match(path) else _OWN + path.removeprefix("models/")


def ask(path: str, body: str | None, query: str = "") -> Ask:
    """Return what a request wants. The path names the model, unless the task is one of OpenAI's."""
    path = routed(path)
    own = _MODEL.fullmatch(path)
    rest = (own["rest"] or "") if own else path
    named = own or _NAMED.fullmatch(path)
    task = None if named and not own else _OPENAI.fullmatch(rest)
    asked = openai.ask(task[1], body, query) if task else _ask_task(rest, body)
    model = next(filter(None, named.groups()), None) if named else None
    return replace(asked, model=unquote(model)) if model else asked


def _ask_task(rest: str, body: str | None) -> Ask:
    asked = ask_in_body(body, _PIPELINES.get(rest))
    # Of the tasks of one model alone, only the one that writes text is told by a request: by a
    # stream, or by how much may be written.
    # https://huggingface.co/docs/inference-providers/tasks/text-generation
    writes = asked.stream or "max_new_tokens" in _parameters(body)
    return replace(asked, model_type="text-generation") if writes else asked


def _parameters(body: str | None) -> _Parameters:
    return (read(_INPUT, body or "") or {}).get("parameters", {})


def report(text: str) -> Report:
    """Return what a whole answer says of itself. Most tasks tell nothing."""
    told = openai.report(text)
    generated = read(_GENERATED_LIST, text) or [read(_GENERATED, text) or {}]
    usage = _usage(generated[0])
    return told if usage == Usage() else replace(told, usage=usage)


def stream_report(text: str) -> Report:
    """Return what an ended stream says of itself.

    Text generation has events of its own, one for each token. The last has the whole text.
    https://huggingface.co/docs/text-generation-inference/conceptual/streaming
    """
    last = read(_GENERATED, next(sse.backwards(text), "")) or {}
    if not last.get("token"):
        return openai.stream_report(text)
    return Report(None, _usage(last), complete=as_text(last.get("generated_text")) is not None)


def _usage(generated: _Generated) -> Usage:
    details = generated.get("details", {})
    return Usage(
        tokens_in=as_count(details.get("input_length")),
        tokens_out=as_count(details.get("generated_tokens")),
    )


def beside(ask: Ask, headers: Headers) -> Usage:
    """Return what the headers of an answer tell.

    The servers of text generation and of embeddings count so, whatever the body says.
    https://github.com/huggingface/text-generation-inference/blob/main/router/src/server.rs
    https://github.com/huggingface/text-embeddings-inference/blob/main/router/src/http/server.rs
    """
    told = openai.OPENAI.beside(ask, headers) if openai.OPENAI.beside else Usage()
    prompt = _number(headers, "x-prompt-tokens")
    return replace(
        told,
        tokens_in=_number(headers, "x-compute-tokens") if prompt is None else prompt,
        tokens_out=_number(headers, "x-generated-tokens"),
    )


def _number(headers: Headers, name: str) -> int | None:
    value = headers.get(name, "")
    return as_count(int(value)) if re.fullmatch(r"[0-9]{1,15}", value) else None


def failure(status: int, text: str, headers: Headers = NO_HEADERS) -> Failure:
    """Return what an error says of itself: of a model that is loading, how long that will take.

    https://huggingface.co/docs/api-inference/parameters
    """
    told = openai.failure(status, text, headers)
    answer = read(_ERROR, text) or {}
    # One sentence, or a list of them.
    message = next(filter(None, map(as_text, answer.get("error", []))), told.message)
    code = as_text(answer.get("error_type")) or told.code
    return Failure(code, message, told.retryable, as_amount(answer.get("estimated_time")))


HUGGING_FACE = Dialect(
    ask=ask,
    report=report,
    stream_report=stream_report,
    failure=failure,
    hidden=openai.OPENAI.hidden,
    beside=beside,
)
