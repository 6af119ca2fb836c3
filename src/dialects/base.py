"""What a wire format must answer, and what several of them share."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, TypeVar, cast

from pydantic import Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict  # pydantic wants it below Python 3.12

from call import Ask, Failure, Report, Usage

T = TypeVar("T")
Headers = Mapping[str, str]
"""Names in lower case."""
NO_HEADERS: Headers = MappingProxyType({})
MOST = 10**12
"""What one answer can count at the most. The sums of a log hold millions of it."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """A wire format. Its functions never raise: what they cannot read, they do not know."""

    ask: Callable[[str, str | None, str], Ask]
    """(path, body, query) to what the request wants. The body is None where it is not JSON."""
    report: Callable[[str], Report]
    """The text of a whole answer to what it says of itself."""
    stream_report: Callable[[str], Report]
    """The text of an ended stream to what it says of itself."""
    failure: Callable[[int, str, Headers], Failure]
    """(status, text, headers) of an error to what it says of itself."""
    hidden: Callable[[str], Failure | None] = lambda _text: None
    """The error in an answer of status 200: in the whole of one, or in a stream's first event."""
    beside: Callable[[Ask, Headers], Usage] | None = None
    """What a request, and the headers of its answer, tell of the use, beside the answer's text."""
    charged: Callable[[Headers], float | None] = lambda _headers: None
    """What the headers of a whole answer say that it cost, in USD."""


COUNT = TypeAdapter(Annotated[int, Field(strict=True, ge=0, le=MOST)])


class _Ask(TypedDict, total=False):
    model: Any
    # https://openrouter.ai/docs/guides/routing/model-fallbacks
    models: Any
    stream: Any


_ASK = TypeAdapter(_Ask)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


def ask_in_body(body: str | None, model_type: str | None) -> Ask:
    """Return what a request wants that names its model, and whether to stream, in its body."""
    fields = read(_ASK, body or "") or {}
    others = tuple(filter(None, map(as_text, as_list(fields.get("models")))))
    stream = fields.get("stream") is True
    return Ask(as_text(fields.get("model")), model_type, stream, body, others=others)


def read(adapter: TypeAdapter[T], text: str) -> T | None:
    """Return the fields of a JSON text that an adapter names. None where it is something else.

    Adapters are of TypedDicts that name the few fields we need: pydantic parses the whole text in
    Rust and makes Python objects of these fields alone, so that a large prompt costs no
    dictionaries, and one made of colliding keys costs no more.
    """
    try:
        return adapter.validate_json(text)
    except ValidationError:
        pass
    # Half a character, as JavaScript writes where it cuts a text in two, is no fault of the rest.
    mended = _SURROGATE.sub(r"\\ufffd", text)
    return None if mended == text else read(adapter, mended)


def retryable(status: int) -> bool:
    """Return whether HTTP and the habits of vendors let a status be tried again."""
    # A method or a version of HTTP that a vendor does not know, it will not know a moment later.
    return status in (408, 409, 425, 429) or (status >= 500 and status not in (501, 505))


def as_object(value: object) -> dict[str, object]:
    """Return a parsed JSON object, or an empty one in place of anything else."""
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def as_count(value: object) -> int | None:
    """Return a number of tokens, or None in place of anything else."""
    if type(value) is int and 0 <= value <= MOST:  # a bool is an int of another type
        return value
    return None


def as_text(value: object) -> str | None:
    """Return a string, or None in place of anything else."""
    return value if isinstance(value, str) else None


def as_list(value: object) -> list[object]:
    """Return a parsed JSON array, or an empty one in place of anything else."""
    return cast("list[object]", value) if isinstance(value, list) else []


def located(detail: dict[str, object]) -> str | None:
    """Return what is wrong with a request, and where, as FastAPI tells it: many vendors use it.

    https://fastapi.tiangolo.com/tutorial/handling-errors/
    """
    message, where = as_text(detail.get("msg")), as_list(detail.get("loc"))
    return f"{'.'.join(map(str, where))}: {message}" if message and where else message
