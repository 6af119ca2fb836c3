"""OpenAI's wire format: chat completions, responses, embeddings, images, audio.

https://developers.openai.com/api/reference

Many vendors speak it, each with habits of its own. What is read here tells them apart by the shape
of what they send, never by their names.
"""

import re
from itertools import chain
from typing import Any, cast

from pydantic import TypeAdapter
from typing_extensions import TypedDict  # pydantic wants it below Python 3.12

import sse
from call import Ask, Failure, Report, Usage
from dialects.base import Dialect, as_count, as_object, as_text, ask_in_body, read, retryable


class _Answer(TypedDict, total=False):
    type: Any
    object: Any
    error: Any
    model: Any
    usage: Any
    response: Any
    x_groq: Any


class _Choices(TypedDict, total=False):
    choices: Any


class _Error(TypedDict, total=False):
    error: Any
    message: Any
    detail: Any
    code: Any
    type: Any


_ANSWER = TypeAdapter(_Answer)
_CHOICES = TypeAdapter(_Choices)
_ERROR = TypeAdapter(_Error)

# What stands before the path of a task. Beta is DeepSeek's: https://api-docs.deepseek.com/guides
_VERSION = re.compile(r"\A(?:(?:[a-z]+/)?v1|beta)/")

_MODEL_TYPES = (
    ("chat/completions", "text-generation"),
    ("completions", "text-generation"),
    ("responses", "text-generation"),
    ("messages", "text-generation"),
    ("fim/completions", "text-generation"),
    ("agents/completions", "text-generation"),
    ("embeddings", "text-embeddings"),
    ("images/", "text-to-image"),
    ("audio/speech", "text-to-speech"),
    ("audio/", "automatic-speech-recognition"),
    ("moderations", "text-classification"),
    ("videos", "text-to-video"),
)

# The last event of a stream that ended as it should. Chat ends with a word instead of an event.
_DONE = "[DONE]"
_LAST_EVENTS = {
    "response.completed",
    "response.incomplete",
    "image_generation.completed",
    "image_edit.completed",
    "speech.audio.done",
    "transcript.text.done",
    # Of Anthropic's format, which DeepSeek, xAI and OpenRouter speak on paths of their own.
    "message_stop",
}
# Perplexity names its last event so, and need not send the word.
# https://github.com/perplexityai/api-discussion/issues/209
_LAST_OBJECT = "chat.completion.done"
# Why a model stopped, where it did not finish: of OpenRouter and Mistral, and of DeepSeek.
# https://openrouter.ai/docs/api-reference/errors
# https://api-docs.deepseek.com/api/create-chat-completion
_BROKEN = {"error", "insufficient_system_resource"}
_HAS_USAGE = re.compile(r'"usage"\s*:\s*\{')
# Within a string of JSON quotes are escaped, so what a model says does not match.
_HAS_ERROR = re.compile(
    r'"error"\s*:\s*[^\sn]|"(?:type|finish_reason)"\s*:\s*"(?:error|insufficient_system_resource)"'
)

# Groq's word for a flexible tier that is full: https://console.groq.com/docs/errors
_CAPACITY_EXCEEDED = 498


def ask(path: str, body: str | None) -> Ask:
    """Return what a request wants."""
    path = _VERSION.sub("", path)
    model_type = next((name for prefix, name in _MODEL_TYPES if path.startswith(prefix)), None)
    return ask_in_body(body, model_type)


def report(text: str) -> Report:
    """Return what a whole answer says of itself."""
    answer = read(_ANSWER, text) or {}
    return Report(as_text(answer.get("model")), _usage(answer.get("usage")))


def stream_report(text: str) -> Report:
    """Return what an ended stream says of itself.

    Only a caller who set `stream_options.include_usage` has usage in a chat stream; without it,
    tokens are unknown.
    """
    events = sse.backwards(text)
    last = next(events, "")
    done = last == _DONE
    if done:
        last = next(events, "")
    final = _event(last)
    ended = (
        done
        or as_text(final.get("type")) in _LAST_EVENTS
        or as_text(final.get("object")) == _LAST_OBJECT
    )
    unknown = Report(as_text(final.get("model")))
    counted = next(filter(None, map(_counted, chain([last], events))), unknown)
    return Report(counted.model, counted.usage, ended and not _failed(text))


def _event(data: str) -> _Answer:
    return read(_ANSWER, data) or {}


def _counted(data: str) -> Report | None:
    # Most events have no usage, or `"usage":null`: those are not worth parsing.
    if not _HAS_USAGE.search(data):
        return None
    event = _event(data)
    # A responses stream tells its usage one level down, and so did Groq, in a place of its own:
    # https://console.groq.com/docs/api-reference#chat-create
    source = as_object(event.get("response") or event)
    usage = source.get("usage") or as_object(event.get("x_groq")).get("usage")
    return Report(as_text(source.get("model")), _usage(usage)) if usage else None


def _failed(text: str) -> bool:
    # Not the last event alone: usage may follow an error.
    return bool(_HAS_ERROR.search(text)) and any(map(_is_error, sse.backwards(text)))


def _is_error(data: str) -> bool:
    if not _HAS_ERROR.search(data):
        return False
    event = _event(data)
    errors = event.get("error"), as_object(event.get("x_groq")).get("error")
    return any(errors) or event.get("type") == "error" or _is_broken(data)


def _is_broken(data: str) -> bool:
    choices = (read(_CHOICES, data) or {}).get("choices")
    reasons = [as_text(as_object(choice).get("finish_reason")) for choice in _as_list(choices)]
    return not _BROKEN.isdisjoint(reasons)


def _usage(reported: object) -> Usage:
    usage = as_object(reported)
    # Chat says prompt and completion; responses, images and transcriptions say input and output.
    prompt, prompt_details = _part(usage, "prompt", "input")
    answer, answer_details = _part(usage, "completion", "output")
    # Mistral and DeepSeek: https://docs.mistral.ai/api, https://api-docs.deepseek.com/guides/kv_cache
    own = usage.get("num_cached_tokens"), usage.get("prompt_cache_hit_tokens")
    cached = _count(prompt_details.get("cached_tokens"), *own)
    # Perplexity tells reasoning beside the tokens: https://docs.perplexity.ai/api-reference
    reasoning = _count(answer_details.get("reasoning_tokens"), usage.get("reasoning_tokens"))
    read = as_count(usage.get("cache_read_input_tokens"))
    written = as_count(usage.get("cache_creation_input_tokens"))
    return Usage(
        tokens_in=_prompt(prompt, cached, 0 if "prompt_tokens" in usage else _sum(read, written)),
        tokens_out=_answer(usage.get("total_tokens"), prompt, answer, reasoning),
        cached=_count(cached, read),
        cache_write=_count(prompt_details.get("cache_write_tokens"), written),
        reasoning=reasoning,
    )


def _part(usage: dict[str, object], *names: str) -> tuple[int | None, dict[str, object]]:
    for name in names:
        tokens = as_count(usage.get(f"{name}_tokens"))
        if tokens is not None:
            # The singular is what OpenAI says of transcriptions, and Mistral of some models.
            plural = as_object(usage.get(f"{name}_tokens_details"))
            return tokens, plural or as_object(usage.get(f"{name}_token_details"))
    return None, {}


def _count(*values: object) -> int | None:
    return next((count for count in map(as_count, values) if count is not None), None)


def _sum(*counts: int | None) -> int:
    return sum(filter(None, counts))


def _prompt(prompt: int | None, cached: int | None, beside: int) -> int | None:
    """Return all of the prompt.

    Anthropic's format counts cached tokens beside the others. Elsewhere they are among them, unless
    they are more than all: xAI has sent that.
    """
    if prompt is None:
        return None
    return prompt + beside + (cached if cached and cached > prompt else 0)


def _answer(
    total: object, prompt: int | None, answer: int | None, reasoning: int | None
) -> int | None:
    """Return all of the answer.

    Reasoning is among its tokens, unless the sum or the size says that it is beside them: the sum
    at xAI (https://docs.x.ai/docs/guides/reasoning), the size at Perplexity's deep research
    (https://docs.perplexity.ai/getting-started/models/models/sonar-deep-research).
    """
    if answer is None or not reasoning:
        return answer
    beside = reasoning > answer or total == (prompt or 0) + answer + reasoning
    return answer + reasoning if beside else answer


def failure(status: int, text: str) -> Failure:
    """Return what an error says of itself.

    A 429 is two things: a limit on the rate, which passes, and a quota, which does not.
    https://developers.openai.com/api/docs/guides/error-codes
    """
    answer = as_object(read(_ERROR, text))
    # OpenAI's is an object below `error`. Cerebras and Mistral have its fields at the top, and xAI
    # has a text below `error` with the code beside it.
    error = as_object(answer.get("error")) or answer
    detail = _detail(answer)
    words = (error.get("message"), answer.get("error"), answer.get("detail"), _located(detail))
    message = next(filter(None, map(as_text, words)), None)
    codes = (error.get("code"), error.get("type"), detail.get("type"))
    passing = retryable(status) or status == _CAPACITY_EXCEEDED
    code = next(filter(None, map(_code, codes)), None)
    return Failure(code, message, passing and "insufficient_quota" not in codes)


def _code(value: object) -> str | None:
    # OpenRouter and Perplexity repeat the status, as a number.
    number = as_count(value)
    return as_text(value) if number is None else str(number)


def _detail(answer: dict[str, object]) -> dict[str, object]:
    """Return the first thing that Mistral found wrong with a request, as FastAPI tells it.

    https://fastapi.tiangolo.com/tutorial/handling-errors/
    """
    details = as_object(answer.get("message")).get("detail") or answer.get("detail")
    return as_object(next(iter(_as_list(details)), None))


def _located(detail: dict[str, object]) -> str | None:
    message, where = as_text(detail.get("msg")), _as_list(detail.get("loc"))
    return f"{'.'.join(map(str, where))}: {message}" if message and where else message


def _as_list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


OPENAI = Dialect(ask=ask, report=report, stream_report=stream_report, failure=failure)
