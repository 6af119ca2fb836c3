"""Google's wire format for Gemini, and OpenAI's where Google speaks that.

https://ai.google.dev/api/generate-content
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from itertools import chain
from typing import Annotated, Any
from urllib.parse import unquote

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict  # pydantic wants it below Python 3.12

from call import COUNTING, Ask, Failure, Report, Usage
from costs.terms import terms
from dialects import openai, sse
from dialects.base import (
    NO_HEADERS,
    Dialect,
    Headers,
    as_count,
    as_list,
    as_object,
    as_text,
    read,
    retryable,
)
from dialects.openai_errors import status_within
from dialects.opening import parts

# TypedDicts that name the few fields we need, as in the dialect of OpenAI. A candidate has one of
# its own, so that what the model said, images among it, makes no Python objects.


class _Candidate(TypedDict, total=False):
    finishReason: Any


class _Prediction(TypedDict, total=False):
    mimeType: Any


class _Answer(TypedDict, total=False):
    # What is no list of candidates must not hide the usage beside it.
    candidates: Annotated[list[_Candidate] | Any, Field(union_mode="left_to_right")]
    predictions: Annotated[list[_Prediction] | Any, Field(union_mode="left_to_right")]
    promptFeedback: Any
    usageMetadata: Any
    modelVersion: Any
    error: Any


_ANSWER = TypeAdapter(_Answer)
_ARRAY = TypeAdapter(list[_Answer])

# The model is in the path, and so is what is asked of it: `v1beta/models/{model}:{method}`.
# https://ai.google.dev/api/models
_METHOD = re.compile(r"(?:^|/)((?:m|tunedM)odels/[^/:]+):(\w+)$")
_SECONDS = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)s")
_MODEL_TYPES = {
    "generateContent": "text-generation",
    "streamGenerateContent": "text-generation",
    "batchGenerateContent": "text-generation",
    "embedContent": "text-embeddings",
    "batchEmbedContents": "text-embeddings",
    "asyncBatchEmbedContent": "text-embeddings",
    "predict": "text-to-image",
    "predictLongRunning": "text-to-video",
    # https://ai.google.dev/api/tokens
    "countTokens": COUNTING,
}


def ask(path: str, body: str | None, _query: str = "") -> Ask:
    """Return what a request wants.

    Only a path without a method, as those of the OpenAI format, needs a look into the body.
    https://ai.google.dev/gemini-api/docs/openai
    """
    path = unquote(path)
    if called := _METHOD.search(path):
        model, method = called.groups()
        stream = method.startswith("stream")
        return Ask(_bare(model), _MODEL_TYPES.get(method), stream, body)
    asked = openai.ask(path.partition("/openai/")[2] or path, body)
    return replace(asked, model=_bare(asked.model))


def _bare(model: str | None) -> str | None:
    # `models/` says nothing; `tunedModels/` tells a model from a public one of the same name.
    return model and model.removeprefix("models/")


def report(text: str) -> Report:
    """Return what a whole answer says of itself.

    A stream that was not asked for as `alt=sse` is one too, as far as HTTP can tell: a JSON array.
    """
    if text.lstrip().startswith("["):
        return _array_report(text)
    answer = _answer(text)
    complete = not answer.get("error")
    read = Report(
        as_text(answer.get("modelVersion")), _usage(answer), complete, terms=_terms(answer)
    )
    return openai.report(text) if read == Report() else read


def _array_report(text: str) -> Report:
    whole = _array(text)
    # Chunks that came before a cut still count. Google begins the line after a chunk with the
    # comma, which nothing else in JSON does when it is laid out so: strings have no line ends.
    chunks = whole or _array(text + "]") or _array(text.rpartition("\n,")[0] + "]") or [{}]
    read = _read(chunks[-1], reversed(chunks[:-1]))
    return replace(read, complete=read.complete and bool(whole))


def stream_report(text: str) -> Report:
    """Return what an ended stream of events says of itself."""
    events = sse.backwards(text)
    last = _answer(next(events, ""))
    read = _read(last, (_answer(data) for data in events if '"usageMetadata"' in data))
    # What says nothing in Google's words may say it in OpenAI's: the path is not known here.
    return openai.stream_report(text) if read == Report(complete=False) else read


def _read(last: _Answer, earlier: Iterable[_Answer]) -> Report:
    # Every chunk counts from the beginning of the stream: the last count holds. A chunk may have
    # usage without counts: `{"trafficType":"ON_DEMAND"}`.
    # https://ai.google.dev/api/generate-content#UsageMetadata
    counted = (answer for answer in chain([last], earlier) if _usage(answer) != Usage())
    source = next(counted, last)
    model = as_text(source.get("modelVersion"))
    return Report(model, _usage(source), _finished(last), terms=_terms(source))


def _finished(last: _Answer) -> bool:
    # No word ends a stream: its last chunk tells why the model stopped, or why it did not begin.
    # https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse
    blocked = as_object(last.get("promptFeedback")).get("blockReason")
    reasons = [as_object(item).get("finishReason") for item in as_list(last.get("candidates"))]
    return bool(blocked or any(reasons)) and not last.get("error")


def _answer(text: str) -> _Answer:
    return read(_ANSWER, text) or {}


def _array(text: str) -> list[_Answer]:
    return read(_ARRAY, text) or []


def _usage(answer: _Answer) -> Usage:
    # The prompt includes what was cached, but not what tools added to it; the candidates do not
    # include what was thought. https://ai.google.dev/api/generate-content#UsageMetadata
    counts = as_object(answer.get("usageMetadata"))
    return Usage(
        tokens_in=_sum(counts, "promptTokenCount", "toolUsePromptTokenCount"),
        tokens_out=_sum(counts, "candidatesTokenCount", "thoughtsTokenCount"),
        cached=as_count(counts.get("cachedContentTokenCount")),
        reasoning=as_count(counts.get("thoughtsTokenCount")),
        audio_in=_of_kind(counts, "AUDIO", "promptTokensDetails", "toolUsePromptTokensDetails"),
        audio_out=_of_kind(counts, "AUDIO", "candidatesTokensDetails"),
        image_in=_of_kind(counts, "IMAGE", "promptTokensDetails", "toolUsePromptTokensDetails"),
        image_out=_of_kind(counts, "IMAGE", "candidatesTokensDetails"),
        video_in=_of_kind(counts, "VIDEO", "promptTokensDetails", "toolUsePromptTokensDetails"),
        cached_audio=_of_kind(counts, "AUDIO", "cacheTokensDetails"),
        cached_image=_of_kind(counts, "IMAGE", "cacheTokensDetails"),
        images=_images(answer),
    )


def _of_kind(counts: dict[str, object], kind: str, *names: str) -> int | None:
    # https://ai.google.dev/api/generate-content#ModalityTokenCount
    details = (as_object(item) for name in names for item in as_list(counts.get(name)))
    of_kind = (as_count(item.get("tokenCount")) for item in details if item.get("modality") == kind)
    return sum(filter(None, of_kind)) or None


def _terms(answer: _Answer) -> dict[str, str]:
    # The one is Google AI Studio's word, the other Vertex AI's: `ON_DEMAND_PRIORITY`.
    counts = as_object(answer.get("usageMetadata"))
    traffic = (as_text(counts.get("trafficType")) or "").removeprefix("ON_DEMAND").strip("_")
    return terms(counts.get("serviceTier") or traffic)


def _images(answer: _Answer) -> int | None:
    # Imagen leaves out what it filtered: https://ai.google.dev/gemini-api/docs/imagen
    kinds = (as_object(item).get("mimeType") for item in as_list(answer.get("predictions")))
    return sum((as_text(kind) or "").startswith("image/") for kind in kinds) or None


def _sum(counts: dict[str, object], *names: str) -> int | None:
    # Google leaves out what is 0, and an embedding has no answer to count: nothing is unknown.
    known = [count for name in names if (count := as_count(counts.get(name))) is not None]
    return as_count(sum(known)) if known else None


def failure(status: int, text: str, _headers: Headers = NO_HEADERS) -> Failure:
    """Return what an error says of itself.

    Streams and the OpenAI format wrap the error in an array.
    https://ai.google.dev/gemini-api/docs/troubleshooting
    """
    error = _error(text)
    code = as_text(error.get("status")) or as_text(error.get("code"))
    again = retryable(status) and not _daily(error)
    return Failure(code, as_text(error.get("message")), again, _wait(error))


def _error(text: str) -> dict[str, object]:
    # What begins an array may be all that has come of it.
    chunks = _array(text) or _array(text + "]") or [_answer(text)]
    return as_object(chunks[0].get("error"))


def _daily(error: dict[str, object]) -> bool:
    # A 429 may be a limit for the minute, or one for the day, which no wait of ours outlasts; it
    # names each that was exceeded. https://ai.google.dev/gemini-api/docs/rate-limits
    violations = chain.from_iterable(as_list(item.get("violations")) for item in _details(error))
    return any("PerDay" in str(as_object(item).get("quotaId")) for item in violations)


def _wait(error: dict[str, object]) -> float | None:
    # `34.4s`, in place of a header.
    # https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto
    delays = (_SECONDS.fullmatch(as_text(item.get("retryDelay")) or "") for item in _details(error))
    return next((float(delay[1]) for delay in delays if delay), None)


def _details(error: dict[str, object]) -> list[dict[str, object]]:
    return [as_object(item) for item in as_list(error.get("details"))]


def hidden(text: str) -> Failure | None:
    """Return the error that an answer of status 200 holds instead of words.

    A stream of events may have one that is none of them, but plain JSON. A prompt that is blocked
    is no error: it was answered. https://ai.google.dev/gemini-api/docs/troubleshooting
    """
    if '"error"' not in text:
        return None
    _, first = next(parts(text), ("", ""))
    error = _error(first)
    return failure(status_within(error), first) if error else None


GEMINI = Dialect(
    ask=ask, report=report, stream_report=stream_report, failure=failure, hidden=hidden
)
