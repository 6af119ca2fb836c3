"""The filters of a query, in all the spellings that clients have.

The official SDKs write them flat and repeated. That for JavaScript keeps each together
(`filters.key=a&filters.operator=eq&filters.value=x&filters.key=b&…`), that for Python sends first
all keys, then all operators, then all values. Others write indices (`filters[0][key]=a`), or JSON.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import from_json

from api.body import problems
from errors import Invalid

MOST_FILTERS = 20
_INDEXED = re.compile(r"filters\[(\d{0,3})\](?:\[|\.)(\w+)\]?(?:\[\d{0,3}\])?")
_FLAT = re.compile(r"filters(?:\.|\[)(key|operator|value)\]?(?:\[\d{0,3}\])?")
_FIELDS = ("key", "operator", "value")
_JSON = re.compile(r"filters(?:\[\d{0,3}\])?")

_Value = str | int | float | bool | None


def _listed(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else [value]


class Filter(BaseModel):
    """A condition on one property of a row: any of the values, or for `neq` none of them."""

    model_config = ConfigDict(extra="forbid")

    key: str
    operator: Literal["eq", "neq", "contains", "lt", "gt"]
    values: Annotated[list[_Value], Field(alias="value", min_length=1), BeforeValidator(_listed)]


_FILTERS = TypeAdapter(Annotated[list[Filter], Field(max_length=MOST_FILTERS)])


def filters(pairs: Sequence[tuple[str, str]]) -> list[Filter]:
    """Return the filters of a query. Raises Invalid."""
    given = _Given()
    for name, value in pairs:
        if name.startswith("filters"):
            given.read(name, value)
    given.end()
    found = list(given.found.values())
    try:
        return _FILTERS.validate_python(found)
    except ValidationError as error:
        raise Invalid(problems(error, found, "query", "filters")) from None


class _Given:
    """Filters as they are read, by what tells one from another."""

    def __init__(self) -> None:
        self.found: dict[str, Any] = {}
        self._flat: list[tuple[str, str]] = []

    def read(self, name: str, value: str) -> None:
        """Read a parameter. Raises Invalid."""
        if match := _FLAT.fullmatch(name):
            self._flat.append((match[1], value))
        elif match := _INDEXED.fullmatch(name):
            self._set(match[1], match[2], value)
        elif _JSON.fullmatch(name):
            self._read_json(value)
        else:
            raise Invalid([("Use `key`, `operator` and `value`", ["query", name])])

    def end(self) -> None:
        """Put flat filters together. Raises Invalid where a value may be of either of two."""
        columns = {name: [v for n, v in self._flat if n == name] for name in _FIELDS}
        keys, values = columns["key"], columns["value"]
        names = [name for name, _ in self._flat]
        if len(keys) > 1 and names == sorted(names, key=_FIELDS.index):
            if len(values) != len(keys):
                rule = "With several filters send one value each, or JSON"
                raise Invalid([(rule, ["query", "filters"])])
            for name, given in columns.items():
                for place, value in enumerate(given):
                    self._set(f"flat {place}", name, value)
            return
        place = 0
        for name, value in self._flat:
            # Only values come more than once in a filter.
            place += name != "value" and name in self.found.get(f"flat {place}", {})
            self._set(f"flat {place}", name, value)

    def _set(self, which: str, field: str, value: str) -> None:
        one = self.found.setdefault(which, {})
        if field == "value":
            # Nothing is how a query writes null.
            one.setdefault(field, []).append(value or None)
        else:
            one[field] = value

    def _read_json(self, value: str) -> None:
        try:
            parsed: object = from_json(value)
        except ValueError:
            raise Invalid([("Use JSON", ["query", "filters"])]) from None
        for one in _listed(parsed):
            self.found[f"json {len(self.found)}"] = one
