"""Filters of datasets, and the SQL that finds the rows of the log which pass them."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from api.log_search import EARLY_MS, LATE_MS
from api.times import TimeText, milliseconds
from ids import since

MOST_VALUES = 100
MOST_ROWS = 100_000
"""The rows that are looked at: what a question costs does not grow with the log."""

_Text = Annotated[str, Field(max_length=1024)]
_LARGEST = 10**15


def _number(value: object) -> int | float:
    """Return a number as it is. It is no union to pydantic, which would tell of each member."""
    if type(value) in (int, float) and -_LARGEST <= cast("float", value) <= _LARGEST:
        return cast("float", value)
    raise PydanticCustomError("number", "Use a number, -10^15 to 10^15")


_Number = Annotated[
    float,
    PlainValidator(_number),
    WithJsonSchema({"type": "number", "minimum": -_LARGEST, "maximum": _LARGEST}),
]
_MANY = Field(min_length=1, max_length=MOST_VALUES)


class _Filter(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class TextFilter(_Filter):
    """Rows in which a text is one of the values, or contains one of them, of whatever case."""

    key: Literal["request_content_type", "response_content_type", "provider", "model"]
    operator: Literal["eq", "contains"]
    value: Annotated[list[_Text], _MANY]


class NumberFilter(_Filter):
    """Rows in which a number is one of the values, or less or greater than one of them."""

    key: Literal["cost", "tokens", "tokens_in", "tokens_out", "duration", "feedback"]
    operator: Literal["eq", "lt", "gt"]
    value: Annotated[list[_Number], _MANY]


class TimeFilter(_Filter):
    """Rows of a time, or from before or after it."""

    key: Literal["created_at"]
    operator: Literal["eq", "lt", "gt"]
    value: Annotated[list[TimeText], _MANY]


class FlagFilter(_Filter):
    """Rows of which something is true, or is not."""

    key: Literal["success", "cached"]
    operator: Literal["eq"]
    value: Annotated[list[bool], _MANY]


Filter = Annotated[TextFilter | NumberFilter | TimeFilter | FlagFilter, Field(discriminator="key")]

# A row for which the total is not known passes no filter on it.
_COLUMNS = {"tokens": "(tokens_in + tokens_out)"}
_TESTS = {
    "eq": "{column} IN (SELECT value FROM {values})",
    "contains": "EXISTS (SELECT 1 FROM {values} WHERE instr(lower({column}), lower(value)) > 0)",
    "lt": "{column} < (SELECT max(value) FROM {values})",
    "gt": "{column} > (SELECT min(value) FROM {values})",
}


def selection(datasets: Sequence[Sequence[dict[str, Any]]]) -> tuple[str, str, str, str]:
    """Return the rows that any of some datasets selects, each of them a list of filters.

    As an SQL query in parentheses, the newest MOST_ROWS of the period that the filters allow; and
    the values that it is bound to: ?2 to ?4. ?1 is the gateway. It names the columns of `logs`.
    """
    values: list[list[Any]] = []
    wanted = " OR ".join(_all(filters, values) for filters in datasets)
    periods = [_period(filters) for filters in datasets]
    first, last = min(one[0] for one in periods), max(one[1] for one in periods)
    query = (
        "(SELECT * FROM (SELECT * FROM logs WHERE gateway_id = ?1 AND id >= ?3 AND id < ?4 "  # noqa: S608 - our own names
        f"ORDER BY id DESC LIMIT {MOST_ROWS}) WHERE {wanted})"
    )
    return query, json.dumps(values, ensure_ascii=False), first, last


def _all(filters: Sequence[dict[str, Any]], values: list[list[Any]]) -> str:
    """Return the SQL for a row that passes all filters, whose values are put with the others."""
    tests = ["1"]
    for one in filters:
        tests.append(_test(one["key"], one["operator"], len(values)))
        values.append(_values(one))
    return f"({' AND '.join(tests)})"


def _test(key: str, operator: str, index: int) -> str:
    column = _COLUMNS.get(key, key)
    return _TESTS[operator].format(column=column, values=f"json_each(?2, '$[{index}]')")


def _values(one: dict[str, Any]) -> list[Any]:
    return list(map(milliseconds, one["value"])) if one["key"] == "created_at" else one["value"]


def _period(filters: Sequence[dict[str, Any]]) -> tuple[str, str]:
    """Return between which ids the rows lie that filters may let pass.

    They are those among which the list of the log looks for the same times.
    """
    first, last = "", "g"
    for one in filters:
        if one["key"] == "created_at":
            times = _values(one)
            if one["operator"] in ("eq", "gt"):
                first = max(first, since(min(times) - EARLY_MS))
            if one["operator"] in ("eq", "lt"):
                last = min(last, since(max(times) + LATE_MS))
    return first, last
