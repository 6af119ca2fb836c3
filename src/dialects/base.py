"""What a wire format must answer, and what several of them share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict  # pydantic wants it below Python 3.12

from call import Ask, Failure, Report

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Dialect:
    """A wire format. Its functions never raise: what they cannot read, they do not know."""

    ask: Callable[[str, str | None], Ask]
    """(path, request body) to what the request wants. The body is None where it is not JSON."""
    report: Callable[[str], Report]
    """The text of a whole answer to what it says of itself."""
    stream_report: Callable[[str], Report]
    """The text of an ended stream to what it says of itself."""
    failure: Callable[[int, str], Failure]
    """(status, text) of an error to what it says of itself."""


class _Ask(TypedDict, total=False):
    model: Any
    stream: Any


_ASK = TypeAdapter(_Ask)


def ask_in_body(body: str | None, model_type: str | None) -> Ask:
    """Return what a request wants that names its model, and whether to stream, in its body."""
    fields = read(_ASK, body or "") or {}
    return Ask(as_text(fields.get("model")), model_type, fields.get("stream") is True, body)


def read(adapter: TypeAdapter[T], text: str) -> T | None:
    """Return the fields of a JSON text that an adapter names. None where it is something else.

    Adapters are of TypedDicts that name the few fields we need: pydantic parses the whole text in
    Rust and makes Python objects of these fields alone, so that a large prompt costs no
    dictionaries, and one made of colliding keys costs no more.
    """
    try:
        return adapter.validate_json(text)
    except ValidationError:
        return None


def retryable(status: int) -> bool:
    """Return whether HTTP and the habits of vendors let a status be tried again."""
    return status in (408, 409, 429) or status >= 500


def as_object(value: object) -> dict[str, object]:
    """Return a parsed JSON object, or an empty one in place of anything else."""
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def as_count(value: object) -> int | None:
    """Return a number of tokens, or None in place of anything else."""
    # Above 2^53 a number is no count, and no reader in JavaScript would see it right.
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53:
        return value
    return None


def as_text(value: object) -> str | None:
    """Return a string, or None in place of anything else."""
    return value if isinstance(value, str) else None
