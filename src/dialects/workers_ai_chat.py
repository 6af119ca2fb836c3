"""Outputs of Workers AI's models in OpenAI's format, for models that speak one of their own.

https://developers.cloudflare.com/workers-ai/configuration/open-ai-compatibility/
"""

import json
from typing import Any, cast

from pydantic_core import from_json

from dialects.base import as_list, as_object, as_text

_DONE = "[DONE]"


def completion(call_id: str, created: int, model: str, text: str) -> str:
    """Return the text of an answer as a chat completion. One that is one already stays."""
    output = _parsed(text)
    if "choices" in output:
        return text
    calls = calls_of(output)
    said = output.get("response")
    message: dict[str, object] = {"role": "assistant", "content": _said(said)}
    if calls:
        message["tool_calls"] = calls
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}
    whole = _head(call_id, created, model, "chat.completion") | {"choices": [choice]}
    return json.dumps(whole | _usage(output), ensure_ascii=False)


def embeddings(model: str, text: str) -> str:
    """Return the text of an answer as a list of embeddings. One that is one already stays."""
    output = _parsed(text)
    if output.get("object") == "list":
        return text
    vectors = as_list(output.get("data"))
    data = [
        {"object": "embedding", "index": index, "embedding": vector}
        for index, vector in enumerate(vectors)
    ]
    return json.dumps({"object": "list", "data": data, "model": model} | _usage(output))


class Chunks:
    """The events of one stream as chunks of a chat completion."""

    def __init__(self, call_id: str, created: int, model: str) -> None:
        self._head = _head(call_id, created, model, "chat.completion.chunk")
        self._begun = False
        self._finish: str | None = None

    def __call__(self, data: str) -> list[str]:
        """Return the data of the events in place of one event."""
        if data == _DONE:
            # Said by the model, which has ended: a stream that breaks has no such event.
            return [*self._last(), _DONE]
        output = _parsed(data)
        if "choices" in output or not ("response" in output or "tool_calls" in output):
            return [data]
        self._finish = self._finish or "stop"
        delta: dict[str, object] = {} if self._begun else {"role": "assistant"}
        self._begun = True
        if said := _said(output.get("response")):
            delta["content"] = said
        if calls := calls_of(output):
            self._finish = "tool_calls"
            delta["tool_calls"] = [{"index": index} | each for index, each in enumerate(calls)]
        return [self._chunk(delta, None, _usage(output))]

    def _last(self) -> list[str]:
        return [self._chunk({}, self._finish, {})] if self._finish else []

    def _chunk(self, delta: dict[str, object], finish: str | None, more: dict[str, object]) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return json.dumps(self._head | {"choices": [choice]} | more, ensure_ascii=False)


def _parsed(text: str) -> dict[str, object]:
    try:
        return as_object(from_json(text))
    except ValueError:
        return {}


def _head(call_id: str, created: int, model: str, kind: str) -> dict[str, object]:
    return {"id": f"chatcmpl-{call_id}", "object": kind, "created": created, "model": model}


def _said(value: object) -> str | None:
    # With a JSON schema the output is an object, and with numbers alone a number.
    return value if isinstance(value, str) or value is None else json.dumps(value)


def _usage(output: dict[str, object]) -> dict[str, object]:
    return {"usage": output["usage"]} if output.get("usage") else {}


def calls_of(output: dict[str, object]) -> list[dict[str, object]]:
    """Return the calls of tools as OpenAI writes them: Workers AI has name and arguments alone."""
    calls: list[dict[str, object]] = []
    for index, each in enumerate(as_list(output.get("tool_calls"))):
        told = as_object(each)
        if "function" in told:
            calls.append(cast("dict[str, Any]", told))
            continue
        arguments = told.get("arguments")
        written = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
        named = {"name": as_text(told.get("name")) or "", "arguments": written}
        calls.append({"id": f"call_{index}", "type": "function", "function": named})
    return calls
