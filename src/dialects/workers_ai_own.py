"""Workers AI's models, run by a server that speaks OpenAI's format.

Who asks below `v1/` speaks it as well, and is given what the server says. Who runs a model asks in
the words of Workers AI, and gets its output, with OpenAI's fields beside, as newer models have it.
https://developers.cloudflare.com/workers-ai/models/
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from pydantic_core import from_json

from dialects import openai_errors
from dialects.base import as_count, as_list, as_object, as_text
from dialects.workers_ai_chat import calls_of
from dialects.workers_ai_run import failed, fields_of
from ports import Run

_DONE = "[DONE]"
_BAD_GATEWAY = 502
_CHAT = "chat/completions"
# What a request for words has not: those of pictures, voices, translations and batches.
_OTHER_TASKS = frozenset(
    {
        *("audio", "contexts", "guidance", "height", "image", "image_b64", "lang", "mask"),
        *("negative_prompt", "num_steps", "queries", "query", "requests", "source_lang", "speaker"),
        *("steps", "strength", "target_lang", "target_language", "width"),
    }
)

Output = Callable[[dict[str, Any]], dict[str, Any] | None]
"""An answer in OpenAI's format to the model's own. None where it is no such answer."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A run as a request in OpenAI's format."""

    path: str
    """Below `v1`."""
    body: str
    """JSON."""
    answer: Callable[[int, str], tuple[int, str]] | None = None
    """Status and text of the answer to what the API of the models answers. None: unchanged."""
    event: Callable[[str], list[str]] | None = None
    """As that of a Run."""


def asked(run: Run, model: str) -> Asked | None:
    """Return a run as a request for a model of the server. None: it has no way to ask for it."""
    fields = fields_of(run.inputs)
    if run.path:
        if "text" in fields:  # embeddings, already in the words of a run
            fields["input"] = fields.pop("text")
        return Asked(run.path, _written(fields | {"model": model}))
    if not _OTHER_TASKS.isdisjoint(fields) or fields_of(run.options).get("queueRequest"):
        return None
    if "messages" in fields or "prompt" in fields:
        return _words(run, fields, model)
    if "text" in fields:
        body = {"model": model, "input": fields["text"]}
        return Asked("embeddings", _written(body), partial(_answer, run, _vectors))
    if "input" in fields:
        whole = partial(_answer, run, _response)
        return Asked("responses", _written(fields | {"model": model}), whole)
    return None


def _words(run: Run, fields: dict[str, Any], model: str) -> Asked:
    """Return the request of a chat. A raw prompt is one that no template of a chat goes around."""
    body, prompt = dict(fields), fields.get("prompt")
    raw = fields.get("raw") is True and "messages" not in fields
    body.pop("raw", None)
    if not raw:
        body.pop("prompt", None)
        told = fields.get("messages", [{"role": "user", "content": prompt}])
        body["messages"] = _messages(told)
    if "tools" in fields:
        body["tools"] = [_tool(each) for each in as_list(fields["tools"])]
    wanted = as_object(fields.get("response_format"))
    if schema := as_object(wanted.get("json_schema")):
        named = schema if "schema" in schema else {"name": "answer", "schema": schema}
        body["response_format"] = wanted | {"json_schema": named}
    if fields.get("stream") is True:
        # The last event of a model's own stream tells what was used.
        body["stream_options"] = {"include_usage": True}
    structured = wanted.get("type") in ("json_object", "json_schema")
    whole = partial(_answer, run, partial(_completion, structured))
    path = "completions" if raw else _CHAT
    return Asked(path, _written(body | {"model": model}), whole, Words())


def _tool(tool: object) -> object:
    told = as_object(tool)
    return tool if "function" in told or "type" in told else {"type": "function", "function": told}


def _messages(messages: object) -> object:
    """Return messages with an id for each call of a tool, which Workers AI does without."""
    waiting: list[object] = []
    made: list[object] = []
    for each in as_list(messages):
        message = as_object(each)
        if message.get("tool_calls"):
            calls = calls_of(message)
            waiting = [call.get("id") for call in calls]
            message = message | {"tool_calls": calls}
        elif message.get("role") == "tool" and "tool_call_id" not in message:
            called = waiting.pop(0) if waiting else "call_0"
            message = message | {"tool_call_id": called}
        made.append(message or each)
    return made if isinstance(messages, list) else messages


def _answer(run: Run, output: Output, status: int, text: str) -> tuple[int, str]:
    """Return status and text of the API: of a model's output, or of an error."""
    told = output(fields_of(text)) if status < 400 else None
    if told is not None:
        return status, run.answer(status, _written(told))
    status = status if status >= 400 else _BAD_GATEWAY
    said = openai_errors.failure(status, text).message or "What the server answered is no answer"
    return status, failed(status, said)


def _completion(structured: bool, told: dict[str, Any]) -> dict[str, Any] | None:
    choice = as_object(next(iter(as_list(told.get("choices"))), None))
    message = as_object(choice.get("message"))
    if not choice:
        return None
    said = message.get("content") if message else choice.get("text")
    output = {**told, "response": _structure(said) if structured else said}
    if calls := as_list(message.get("tool_calls")):
        output["tool_calls"] = [_call(each) for each in calls]
    return output


def _structure(said: object) -> object:
    """Return what was asked for as JSON as what it is, which a model may fail to say."""
    try:
        return (
            cast("object", from_json(said, allow_inf_nan=False)) if isinstance(said, str) else said
        )
    except ValueError:
        return said


def _call(call: object) -> dict[str, object]:
    told = as_object(as_object(call).get("function"))
    return {"name": told.get("name"), "arguments": _structure(told.get("arguments"))}


def _vectors(told: dict[str, Any]) -> dict[str, Any] | None:
    listed = [as_object(each) for each in as_list(told.get("data"))]
    data = [as_list(each.get("embedding")) for each in sorted(listed, key=_index)]
    if not data:
        return None
    used = {"usage": told["usage"]} if told.get("usage") else {}
    return {"shape": [len(data), len(data[0])], "data": data, **used}


def _index(vector: Mapping[str, object]) -> int:
    return as_count(vector.get("index")) or 0


def _response(told: dict[str, Any]) -> dict[str, Any] | None:
    return told if "output" in told else None


class Words:
    """The events of one stream of a chat, or of a completion, as a model's own."""

    def __init__(self) -> None:
        self._calls: dict[int, dict[str, str]] = {}

    def __call__(self, data: str) -> list[str]:
        """Return the data of the events in place of one event. What is no chunk stays."""
        if data == _DONE:
            return [*self._called(), _DONE]
        chunk = fields_of(data)
        if "choices" not in chunk or chunk.get("error"):
            return [data]
        choices = [as_object(each) for each in as_list(chunk["choices"])]
        choice = as_object(next((each for each in choices if not each.get("index")), None))
        delta = as_object(choice.get("delta"))
        self._collect(delta)
        said = delta.get("content") if delta else choice.get("text")
        used = {"usage": chunk["usage"]} if chunk.get("usage") else {}
        return [_written({"response": said or "", **used})] if said or used else []

    def _collect(self, delta: Mapping[str, object]) -> None:
        for each in map(as_object, as_list(delta.get("tool_calls"))):
            index, function = as_count(each.get("index")) or 0, as_object(each.get("function"))
            call = self._calls.setdefault(index, {"name": "", "arguments": ""})
            for name in call:
                call[name] += as_text(function.get(name)) or ""

    def _called(self) -> list[str]:
        # A model's own stream tells of a call whole: here, when nothing more can come of it.
        calls = [_call({"function": self._calls[index]}) for index in sorted(self._calls)]
        self._calls.clear()
        return [_written({"tool_calls": calls})] if calls else []


def _written(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields, ensure_ascii=False)
