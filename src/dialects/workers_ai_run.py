"""Workers AI through the binding of a Worker, which speaks otherwise than its REST API.

A run gives a model's own output, and its errors are numbers. Both become here what the REST API
answers, so that a caller, a cached answer and a row of the log do not tell which way it went.
https://developers.cloudflare.com/workers-ai/configuration/bindings/
"""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, cast
from urllib.parse import parse_qsl, unquote

from pydantic_core import from_json

from call import Call
from dialects.base import as_count, as_object, as_text
from dialects.workers_ai_chat import Chunks, completion, embeddings
from errors import BadBody, BadPath, MethodNotAllowed
from ports import Run

_NATIVE = re.compile("(?:run/)?(?P<model>(?:@|%40).+)")
_OPTIONS = ("queueRequest", "tags")
"""Parameters of the query that the binding takes as options."""
# What an error of a run begins with, with or without a name.
_CODE = re.compile(r"(?:[A-Za-z]+: )?(\d{4}): ?(.*)", re.DOTALL)

# https://developers.cloudflare.com/workers-ai/platform/errors/
_STATUS = {
    3003: 400,
    3006: 413,
    3007: 408,
    3008: 408,
    3021: 429,
    3023: 403,
    3036: 429,
    3039: 400,
    3040: 429,
    3041: 403,
    3042: 404,
    4006: 429,
    5004: 400,
    5005: 405,
    5007: 400,
    5016: 403,
    5018: 403,
    5019: 405,
}
_UNKNOWN = 500


def run(call: Call) -> Run:
    """Return how the binding runs what a call asks for.

    Raises MethodNotAllowed, for it runs whatever it is given, BadBody and BadPath.
    """
    if call.request.method != "POST":
        raise MethodNotAllowed(call.request.method, "POST")
    path = call.target.path
    query = dict(parse_qsl(call.target.query))
    options = json.dumps({name: _option(query.pop(name)) for name in _OPTIONS if name in query})
    if native := _NATIVE.fullmatch(path):
        if (inputs := call.ask.text) is None:
            inputs = json.dumps(query)
        else:
            _object(inputs)
        return Run(unquote(native["model"]), inputs, options, partial(_answer, _enveloped), refused)
    return replace(_below_v1(call, path, options), path=path.removeprefix("v1/"))


def _object(text: str) -> dict[str, Any]:
    """Return a JSON object. Raises BadBody where it is something else."""
    rule = "Send the inputs of the model as one, or say what else it is: `content-type: audio/mpeg`"
    try:
        parsed: object = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        # The position and the kind of the fault: nothing of the text.
        raise BadBody(f"it is no JSON object: {error}", rule) from None
    if not isinstance(parsed, dict):
        raise BadBody("it is no JSON object", rule)
    return cast("dict[str, Any]", parsed)


def _below_v1(call: Call, path: str, options: str) -> Run:
    fields = {} if call.ask.text is None else _object(call.ask.text)
    model = as_text(fields.pop("model", None))
    if model is None:
        raise BadPath(path, "Send a JSON object that names a `model`")
    if path == "v1/embeddings":
        asked = {"text": fields.pop("input", None), **fields}
        return _run(model, asked, options, partial(embeddings, model))
    if path == "v1/chat/completions":
        made = call.id, round(call.started / 1000), model
        fields.setdefault("max_tokens", fields.pop("max_completion_tokens", None))
        return _run(model, fields, options, partial(completion, *made), Chunks(*made))
    if path == "v1/responses":
        return _run(model, fields, options, lambda text: text)
    raise BadPath(path, "Without a token there are @cf/…, v1/chat/completions, v1/embeddings, …")


def _run(
    model: str,
    fields: dict[str, Any],
    options: str,
    answer: Callable[[str], str],
    event: Callable[[str], list[str]] | None = None,
) -> Run:
    inputs = json.dumps({name: value for name, value in fields.items() if value is not None})
    return Run(model, inputs, options, partial(_answer, answer), refused, event)


def _option(value: str) -> object:
    # A query has texts alone, a run has booleans and lists.
    return value.split(",") if value not in ("true", "false") else value == "true"


def fields_of(text: str | None) -> dict[str, Any]:
    """Return a JSON object, empty in place of anything else."""
    try:
        parsed: object = from_json(text or "", allow_inf_nan=False)
    except ValueError:
        return {}
    return cast("dict[str, Any]", parsed) if isinstance(parsed, dict) else {}


def _answer(success: Callable[[str], str], status: int, text: str) -> str:
    return success(text) if status < 400 else _error(text)


def _enveloped(text: str) -> str:
    return f'{{"result":{text},"success":true,"errors":[],"messages":[]}}'


def _error(text: str) -> str:
    """Return an error of the binding as one of the REST API. One that is that already stays."""
    told = fields_of(text)
    code = as_count(told.get("internalCode"))
    if code is None:
        return text
    return failed(code, as_text(told.get("description")) or as_text(told.get("message")))


def refused(message: str) -> tuple[int, str] | None:
    """Return status and text of what a failed run says, or None where it says no number."""
    told = _CODE.fullmatch(message)
    if told is None:
        return None
    code = int(told[1])
    return _STATUS.get(code, _UNKNOWN), failed(code, told[2])


def failed(code: int, message: str | None) -> str:
    """Return an error of the REST API."""
    errors = [{"code": code, "message": message or ""}]
    return json.dumps({"result": None, "success": False, "errors": errors, "messages": []})


def unwrapped(text: str) -> str:
    """Return a model's own output of an answer of the REST API."""
    fields = as_object(fields_of(text))
    return json.dumps(fields["result"]) if "result" in fields else text
