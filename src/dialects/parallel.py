"""Parallel's wire format: searches, tasks of research, and OpenAI's format for chat.

https://docs.parallel.ai/getting-started/glossary
"""

import re
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict  # pydantic wants it below Python 3.12

from call import Ask, Failure, Report
from dialects import openai, sse
from dialects.base import Dialect, as_count, as_list, as_object, as_text, ask_in_body, read
from dialects.opening import parts

# As in the other dialects: of a text of any size, these fields alone become Python objects.


class _Ask(TypedDict, total=False):
    processor: Any
    generator: Any


class _Result(TypedDict, total=False):
    url: Any


class _Item(TypedDict, total=False):
    name: Any
    count: Any


class _Search(TypedDict, total=False):
    search_id: str
    results: list[_Result]
    usage: Annotated[list[_Item] | Any, Field(union_mode="left_to_right")]


class _Run(TypedDict, total=False):
    status: Any
    is_active: Any
    processor: Any
    generator: Any
    error: Any


class _Answer(_Run, total=False):
    type: Any
    # An event has these for objects; a search, a chat and others may have something else.
    run: Annotated[_Run | Any, Field(union_mode="left_to_right")]
    data: Annotated[_Run | Any, Field(union_mode="left_to_right")]


_ASK = TypeAdapter(_Ask)
_SEARCH = TypeAdapter(_Search)
_ANSWER = TypeAdapter(_Answer)

_PATH = re.compile(r"(?:v\d+(?:beta)?/)?(chat/completions|responses|tasks/runs)(?=/|\Z)")
_FAILED = ("failed", "cancelled")


def ask(path: str, body: str | None, _query: str = "") -> Ask:
    """Return what a request wants.

    Tasks name a processor where chats name a model, and lists of entities a generator.
    https://docs.parallel.ai/task-api/guides/choose-a-processor
    """
    asked = ask_in_body(body, "text-generation" if _PATH.match(path) else None)
    fields = read(_ASK, body or "") or {}
    names = (asked.model, fields.get("processor"), fields.get("generator"))
    return replace(asked, model=next(filter(None, map(as_text, names)), None))


def report(text: str) -> Report:
    """Return what a whole answer says of itself.

    Chats and tasks are billed by the request, and count nothing.
    https://parallel.ai/pricing
    """
    told = openai.report(text)
    run = _run(_read(text))
    usage = replace(told.usage, searches=_searches(text))
    complete = told.complete and _status(run) not in _FAILED
    return replace(told, model=_name(run) or told.model, usage=usage, complete=complete)


def _searches(text: str) -> int | None:
    # What has results was a search, and may say how many it is billed as:
    # https://docs.parallel.ai/api-reference/search
    answer = read(_SEARCH, text) or {}
    if "search_id" not in answer or "results" not in answer:
        return None
    items = map(as_object, as_list(answer.get("usage")))
    counts = [as_count(item.get("count")) for item in items if item.get("name") == "sku_search"]
    known = [count for count in counts if count is not None]
    return as_count(sum(known)) if known else 1


def stream_report(text: str) -> Report:
    """Return what an ended stream says of itself.

    A stream of events may be closed while the work goes on: then its last event tells so.
    https://docs.parallel.ai/task-api/task-sse
    """
    last = _read(next(sse.backwards(text), ""))
    state = _state(last)
    if not state:
        return openai.stream_report(text)
    ended = state.get("is_active") is False and _status(state) not in _FAILED
    return Report(_name(_run(last)), complete=ended)


def _read(text: str) -> dict[str, object]:
    return as_object(read(_ANSWER, text))


def _run(answer: dict[str, object]) -> dict[str, object]:
    """Return the run that an answer or an event is about."""
    return as_object(answer.get("run")) or as_object(answer.get("data")) or answer


def _state(event: dict[str, object]) -> dict[str, object]:
    """Return what tells whether the work of an event goes on: of a run, of a group, of a list."""
    run = _run(event)
    return as_object(run.get("status")) or (run if "is_active" in run else {})


def _status(run: dict[str, object]) -> str | None:
    status = run.get("status")
    return as_text(as_object(status).get("status") or status)


def _name(run: dict[str, object]) -> str | None:
    return as_text(run.get("processor")) or as_text(run.get("generator"))


def hidden(text: str) -> Failure | None:
    """Return why a run failed, or what the error in a stream of events is.

    https://docs.parallel.ai/task-api/task-sse
    """
    errors = filter(None, (_error(_read(data)) for _, data in parts(text)))
    return next(errors, None) or openai.OPENAI.hidden(text)


def _error(answer: dict[str, object]) -> Failure | None:
    run = _run(answer)
    failed = _status(run) == "failed"
    if not failed and answer.get("type") != "error":
        return None
    error = as_object(run.get("error"))
    # A run that is begun anew is billed anew.
    return Failure("failed" if failed else None, as_text(error.get("message")), retryable=False)


# The vendor's client tries again what OpenAI's does, tasks among it.
# https://github.com/parallel-web/parallel-sdk-python#retries
PARALLEL = Dialect(
    ask=ask,
    report=report,
    stream_report=stream_report,
    failure=openai.OPENAI.failure,
    hidden=hidden,
)
