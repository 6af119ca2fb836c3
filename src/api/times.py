"""Times, as bodies and queries of the management API name them: ISO 8601 with a time zone."""

import contextlib
from datetime import UTC, datetime
from typing import Annotated, cast

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

_LATEST = datetime(9999, 1, 1, tzinfo=UTC)
_SHAPE = WithJsonSchema({"type": "string", "format": "date-time"})


def milliseconds(text: object) -> int:
    """Return a time in ISO 8601 as milliseconds since the epoch. Raises PydanticCustomError."""
    with contextlib.suppress(ValueError, TypeError):
        # TypeError: it is no text, or has no time zone.
        moment = datetime.fromisoformat(cast("str", text))
        if moment < _LATEST:
            return round(moment.timestamp() * 1000)
    raise PydanticCustomError("time", "Use ISO 8601 with a time zone, as in 2030-01-31T12:00:00Z")


def _checked(text: str) -> str:
    milliseconds(text)
    return text


Time = Annotated[int, BeforeValidator(milliseconds), _SHAPE]
"""A time in ISO 8601; epoch milliseconds once it is read."""
TimeText = Annotated[str, AfterValidator(_checked), _SHAPE]
"""A time in ISO 8601, kept as it was written."""
