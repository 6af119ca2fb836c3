"""Google Vertex AI's wire formats: Google's own, and those of the publishers that it hosts.

https://docs.cloud.google.com/vertex-ai/generative-ai/docs/model-reference/overview

Paths tell formats apart. Answers have none, and are told apart by their shape.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from pydantic import TypeAdapter
from typing_extensions import TypedDict  # pydantic wants it below Python 3.12

from call import COUNTING, Ask, Failure, Report
from dialects import gemini, openai
from dialects.anthropic import ANTHROPIC
from dialects.base import (
    NO_HEADERS,
    Dialect,
    Headers,
    as_count,
    as_object,
    ask_in_body,
    read,
)
from dialects.gemini import GEMINI
from dialects.openai import OPENAI

# As in the other dialects: of a text of any size, these fields alone become Python objects. Vectors
# do not.


class _Embedding(TypedDict, total=False):
    statistics: Any


class _Prediction(TypedDict, total=False):
    embeddings: _Embedding


class _Predicted(TypedDict, total=False):
    predictions: list[_Prediction]
    metadata: Any


_PREDICTED = TypeAdapter(_Predicted)

# What is asked of a publisher's model, of a model that a project has deployed (by itself or from a
# tuning), and what is asked in OpenAI's manner, which has the model in the body.
_MODEL = re.compile(r"(?:^|/)publishers/([^/]+)/models/([^/:]+):(\w+)\Z")
_ENDPOINT = re.compile(r"(?:^|/)(endpoints/[^/:]+):(\w+)\Z")
_OPENAI = re.compile(r"(?:^|/)(?:endpoints|publishers)/[^/]+/(.+)")

_RAW = ("rawPredict", "streamRawPredict")
# https://docs.cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/count-tokens
_COUNTING = "count-tokens"
# What chats, publisher and model: Mistral's have one that reads documents instead.
# https://docs.cloud.google.com/vertex-ai/generative-ai/docs/partner-models/mistral
_CHATS = re.compile(r"(?:anthropic|mistralai)/(?!.*ocr)")

# Of Google's own models, those that are asked to `predict`.
_PREDICTS = (
    ("embedding", "text-embeddings"),
    ("imagen", "text-to-image"),
    ("imagegeneration", "text-to-image"),
)

_FORMATS = (GEMINI, ANTHROPIC, OPENAI)

# An event of Vertex's own among those of Anthropic, which says nothing new. A line that begins so
# cannot come out of a model's mouth: within JSON, the ends of lines are escaped.
# https://github.com/vercel/ai/issues/11309
_OWN = re.compile(
    r"(?<![^\r\n])event: ?vertex_event(?:\r\n|[\r\n]|\Z)(?:[^\r\n]+(?:\r\n|[\r\n]|\Z))*"
)


def ask(path: str, body: str | None, _query: str = "") -> Ask:
    """Return what a request wants."""
    path = unquote(path)
    if called := _MODEL.search(path):
        publisher, model, method = called.groups()
        if method in _RAW:
            return _raw(publisher, model, method, body)
        asked = gemini.ask(path, body)
        return replace(asked, model_type=_task(model)) if method == "predict" else asked
    if called := _ENDPOINT.search(path):
        endpoint, method = called.groups()
        asked = gemini.ask(f"models/tuned:{method}", body)
        model_type = None if method == "predict" else asked.model_type
        return replace(asked, model=endpoint, model_type=model_type)
    spoken = _OPENAI.search(path)
    return openai.ask(spoken[1] if spoken else path, body)


def _raw(publisher: str, model: str, method: str, body: str | None) -> Ask:
    """Return what a request in the publisher's own format wants.

    https://docs.cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/use-claude
    """
    asked = ask_in_body(body, COUNTING)
    if model == _COUNTING:
        return asked
    model_type = "text-generation" if _CHATS.match(f"{publisher}/{model}") else None
    stream = asked.stream or method.startswith("stream")
    return Ask(model, model_type, stream, body)


def _task(model: str) -> str | None:
    return next((task for word, task in _PREDICTS if word in model), None)


def report(text: str) -> Report:
    """Return what a whole answer says of itself."""
    # Google's reader knows the other formats by what it cannot find.
    told = gemini.report(text)
    vectors = read(_PREDICTED, text) if '"predictions"' in text else None
    # The word may as well stand in what a model gives to a tool.
    if vectors is None or "predictions" not in vectors:
        return told
    usage = replace(told.usage, tokens_in=_tokens(vectors), characters=_characters(vectors))
    return replace(told, usage=usage)


def _tokens(answer: _Predicted) -> int | None:
    # Vectors tell their tokens one by one, and their characters, which are paid for, together.
    # https://docs.cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api
    embeddings = (one.get("embeddings", {}) for one in answer.get("predictions", ()))
    statistics = (as_object(one.get("statistics")) for one in embeddings)
    counts = [_count(one.get("token_count")) for one in statistics]
    known = [count for count in counts if count is not None]
    return as_count(sum(known)) if known else None


def _characters(answer: _Predicted) -> int | None:
    return _count(as_object(answer.get("metadata")).get("billableCharacterCount"))


def _count(value: object) -> int | None:
    # Predictions have no types of their own, and Google's libraries call their numbers doubles.
    return as_count(int(value) if isinstance(value, float) and value.is_integer() else value)


def stream_report(text: str) -> Report:
    """Return what an ended stream says of itself."""
    return gemini.stream_report(_OWN.sub("", text))


def failure(status: int, text: str, headers: Headers = NO_HEADERS) -> Failure:
    """Return what an error says of itself: Google's own, or the publisher's."""
    return _telling([dialect.failure(status, text, headers) for dialect in _FORMATS])


def hidden(text: str) -> Failure | None:
    """Return the error in an answer of status 200, or at the beginning of a stream."""
    said = _OWN.sub("", text)
    found = [failed for dialect in _FORMATS if (failed := dialect.hidden(said))]
    return _telling(found) if found else None


def _telling(failures: Sequence[Failure]) -> Failure:
    """Return the one that names the error or, where none does, the one that describes it."""
    named = next((failure for failure in failures if failure.code), None)
    return named or next((failure for failure in failures if failure.message), failures[0])


VERTEX = Dialect(
    ask=ask, report=report, stream_report=stream_report, failure=failure, hidden=hidden
)
