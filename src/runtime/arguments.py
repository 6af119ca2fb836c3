"""What other Workers give to the methods of the entry point `AI`."""

from datetime import UTC, datetime
from typing import Any, cast

from js import JSON, Response
from pydantic_core import from_json
from pyodide.ffi import JsException, JsProxy, jsnull

from bound.binding import Inputs
from runtime.request_body import JsRequestBody

DEPTH = 200
"""How deep a value may be nested: what is deeper, the parser of JSON reads nowhere."""
_OBJECT = "the second argument is an object of what JSON has, or its JSON"


class BadCall(Exception):
    """A method was called with what it does not take."""


def name_of(name: object) -> str:
    """Return a name, empty where none was given. Raises BadCall."""
    if name is None or name is jsnull:
        return ""
    if not isinstance(name, str):
        raise BadCall("a name is a text")
    return name


def text_of(value: Any) -> str:
    """Return the JSON of a value that came over RPC as it is. Raises BadCall."""
    if value is None or value is jsnull:
        return "{}"
    try:
        text = JSON.stringify(value) if isinstance(value, JsProxy) else None
    except JsException:  # of a BigInt, or of what holds itself
        text = None
    if not isinstance(text, str):
        raise BadCall("an argument is no object that can be written as JSON")
    return text


def object_of(value: Any) -> dict[str, Any]:
    """Return an object that came over RPC as it is, empty where none was given. Raises BadCall."""
    try:
        parsed: object = from_json(text_of(value))
    except ValueError:
        raise BadCall(f"an argument is nested more than {DEPTH} deep") from None
    return fields_of(parsed)


def inputs_of(given: object) -> Inputs:
    """Return what a model is run on: an object, or the JSON of one. Raises BadCall."""
    if isinstance(given, str):
        return Inputs(_parsed(given))
    if not isinstance(given, dict):
        raise BadCall(_OBJECT)
    fields = cast("dict[str, Any]", given)
    held = [name for name, value in fields.items() if _holds_bytes(value)]
    if not held:
        return Inputs(plain(fields))
    if len(held) > 1:
        raise BadCall(f"one input alone may be bytes: {', '.join(held)}")
    name = held[0]
    body, kind = _bytes_of(name, fields[name])
    return Inputs(plain({each: fields[each] for each in fields if each != name}), body, kind)


def _parsed(text: str) -> dict[str, Any]:
    try:
        parsed: object = from_json(text)
    except ValueError as error:
        raise BadCall(f"the second argument is a text that is no JSON: {error}") from None
    if not isinstance(parsed, dict):
        raise BadCall(_OBJECT)
    return cast("dict[str, Any]", parsed)


def _holds_bytes(value: object) -> bool:
    return isinstance(value, dict) and isinstance(cast("Any", value).get("body"), JsProxy)


def _bytes_of(name: str, held: dict[str, Any]) -> tuple[JsRequestBody, str]:
    """Return a stream of bytes and its type. Raises BadCall."""
    stream, kind = held["body"], held.get("contentType")
    if stream.constructor.name != "ReadableStream":
        raise BadCall(f"`{name}.body` is a stream of bytes")
    if not isinstance(kind, str):
        raise BadCall(f"`{name}.contentType` says what the bytes are: audio/mpeg, say")
    response = Response.new(stream)
    body = JsRequestBody(response, response.body)
    body.name = name
    return body, kind


def fields_of(value: object) -> dict[str, Any]:
    """Return an object, empty where none was given. Raises BadCall."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadCall("an argument is no object of what JSON has")
    return cast("dict[str, Any]", value)


def plain(value: Any, depth: int = 0) -> Any:
    """Return a value as JSON has it. A property that is nothing is left out.

    The SDK makes None of `undefined` and of `null`; what callers mean by either is mostly the same.
    Raises BadCall for what JSON has not: a model must not be run on less than it was given.
    """
    if value is None or isinstance(value, str | int | float):
        return value
    if depth == DEPTH:
        raise BadCall(f"an argument is nested more than {DEPTH} deep")
    if isinstance(value, dict):
        fields = cast("dict[Any, Any]", value)
        return {
            _key(name): plain(each, depth + 1) for name, each in fields.items() if each is not None
        }
    if isinstance(value, list | tuple):
        return [plain(each, depth + 1) for each in cast("list[Any]", value)]
    if isinstance(value, bytes | memoryview):
        return list(cast("bytes", value))
    if isinstance(value, datetime):
        # The SDK makes one without a zone: that of the machine.
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    raise BadCall(f"an argument has in it what JSON has not: {_kind(value)}")


def _key(name: object) -> str:
    if not isinstance(name, str):
        raise BadCall("an argument has in it a property whose name is no text")
    return name


def _kind(value: Any) -> str:
    named: object = value.constructor.name if isinstance(value, JsProxy) else type(value).__name__
    return str(named)
