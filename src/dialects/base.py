"""What a wire format must answer."""

from collections.abc import Callable
from dataclasses import dataclass

from call import Ask, Report


@dataclass(frozen=True, slots=True)
class Dialect:
    """A wire format. Its functions never raise: what they cannot read, they do not know."""

    ask: Callable[[str, str | None], Ask]
    """(path, request body) to what the request wants. The body is None where it is not JSON."""
    report: Callable[[str], Report]
    """The text of a whole answer to what it says of itself."""
    stream_report: Callable[[str], Report]
    """The text of an ended stream to what it says of itself."""
