"""What a wire format must answer, and what several of them share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from call import Ask, Failure, Report


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
