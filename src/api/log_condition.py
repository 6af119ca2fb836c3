"""Which rows of the log a request is about: its query as a condition of SQL."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from api.log_filters import Filter, filters
from api.parameters import Wrong, checked, date, flag, number, text
from errors import Invalid

Value = str | int | float | None
MOST_VALUES = 60
"""Values of all filters together: the database binds a hundred."""


_TOKENS = "(tokens_in + tokens_out)"
_KINDS: dict[Callable[[object], Value], dict[str, str]] = {
    text: {
        **{name: name for name in ("id", "provider", "model", "model_type", "event_id")},
        **{name: name for name in ("request_type", "request_content_type", "path", "user_agent")},
        **{name: name for name in ("response_content_type", "token_id", "key_id")},
        "dlp_action": "NULL",
    },
    flag: {
        **{name: name for name in ("success", "cached", "authentication")},
        "wholesale": "0",
        "compatibilityMode": "(request_type = 'compat')",
    },
    number: {
        **{name: name for name in ("cost", "tokens_in", "tokens_out", "duration", "feedback")},
        **{name: name for name in ("status_code", "error_code", "score", "step")},
        "tokens": _TOKENS,
    },
    date: {"created_at": "created_at"},
}
_KEYS = {key: (sql, read) for read, keys in _KINDS.items() for key, sql in keys.items()}
_SIGNS = {"eq": "IS", "neq": "IS NOT", "lt": "<", "gt": ">"}
_SOME = "EXISTS (SELECT 1 FROM (SELECT {} AS entry FROM json_each(metadata)) WHERE {{}})"
_METADATA = {
    "metadata.key": _SOME.format("key"),
    # What JSON has as true, SQL has as 1.
    "metadata.value": _SOME.format(
        "CASE type WHEN 'true' THEN type WHEN 'false' THEN type ELSE CAST(value AS TEXT) END"
    ),
}
KEYS = tuple(sorted((*_KEYS, *_METADATA)))

BOUNDED = {
    **{name: name for name in ("cost", "duration", "tokens_in", "tokens_out")},
    "total_tokens": _TOKENS,
}
"""What has a least and a most: `min_cost`, `max_cost`, …"""
_Read = Callable[[object], Value]
_PARAMETERS: dict[str, tuple[str, _Read]] = {
    **{name: (f"{name} = {{}}", flag) for name in ("cached", "success")},
    **{name: (f"{name} = {{}}", text) for name in ("provider", "model", "model_type")},
    **{
        f"{side}_content_type": (f"{side}_content_type = {{}}", text)
        for side in ("request", "response")
    },
    **{f"min_{name}": (f"{sql} >= {{}}", number) for name, sql in BOUNDED.items()},
    **{f"max_{name}": (f"{sql} <= {{}}", number) for name, sql in BOUNDED.items()},
    "feedback": ("CASE {} WHEN 1 THEN feedback > 0 ELSE feedback <= 0 END", flag),
}
"""Parameters of a list, and what each asks for."""


@dataclass(slots=True)
class Condition:
    """A condition on rows, and the values that go with it."""

    values: list[Value]
    terms: list[str] = field(default_factory=list[str])
    start: int | None = None
    """Epoch milliseconds: rows from then on."""
    end: int | None = None
    """Epoch milliseconds: rows up to then."""

    def bind(self, value: Value) -> str:
        """Return the placeholder of a value."""
        self.values.append(value)
        return f"?{len(self.values)}"


def condition(query: str, *first: Value) -> Condition:
    """Return what a query asks for. `first` are values that are bound already.

    Raises BadParameter and Invalid.
    """
    pairs = parse_qsl(query, keep_blank_values=True)
    parameters, made = dict(pairs), Condition(list(first))
    for name, (term, read) in _PARAMETERS.items():
        if name in parameters:
            value = checked(name, parameters[name], read)
            made.terms.append(term.format(made.bind(value)))
    if "search" in parameters:
        made.terms.append(_contains("metadata", made, _in_json(_cases(parameters["search"]))))
    if "start_date" in parameters:
        made.start = checked("start_date", parameters["start_date"], date)
    if "end_date" in parameters:
        made.end = checked("end_date", parameters["end_date"], date)
    given = filters(pairs)
    if sum(len(one.values) for one in given) > MOST_VALUES:
        raise Invalid([(f"Use at most {MOST_VALUES} values", ["query", "filters"])])
    for place, one in enumerate(given):
        made.terms.append(_term(made, one, ["query", "filters", str(place)]))
    return made


def _term(made: Condition, given: Filter, path: list[str]) -> str:
    """Return the SQL of a filter. Raises Invalid."""
    if given.key not in KEYS:
        raise Invalid([(f"Use one of {', '.join(KEYS)}", [*path, "key"])])
    sql, read = _KEYS.get(given.key, ("entry", text))
    terms: list[str] = []
    for place, value in enumerate(given.values):
        try:
            known = None if value is None else read(value)
        except Wrong as rule:
            raise Invalid([(str(rule), [*path, "value", str(place)])]) from None
        terms.append(_compare(sql, given, made, known))
    return f"({(' AND ' if given.operator == 'neq' else ' OR ').join(terms)})"


def _compare(sql: str, given: Filter, made: Condition, value: Value) -> str:
    # That there is none, not that there is one which is not.
    none = given.operator == "neq" and given.key in _METADATA
    if given.operator == "contains":
        term = _contains(sql, made, _cases(value) if isinstance(value, str) else [_whole(value)])
    else:
        term = f"{sql} {_SIGNS['eq' if none else given.operator]} {made.bind(value)}"
    if given.key in _METADATA:
        term = _METADATA[given.key].format(term)
    return f"NOT {term}" if none else term


def _whole(value: Value) -> Value:
    """Return a whole number as columns of whole numbers are written: without a point."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _contains(sql: str, made: Condition, parts: Sequence[Value]) -> str:
    """Return that a text contains any of some parts, whose letters of ASCII are small."""
    # One value, however many parts: the database binds a hundred.
    place = made.bind(json.dumps(parts))
    terms = [f"instr(lower({sql}), {place} ->> {index}) > 0" for index in range(len(parts))]
    return f"({' OR '.join(terms)})"


def _cases(part: str) -> list[str]:
    """Return a part of a text in the cases in which it may stand there.

    SQLite makes letters of ASCII small, and no others.
    """
    cases = (part, part.lower(), part.upper(), part.title(), part.capitalize())
    return list(dict.fromkeys(case.encode().lower().decode() for case in cases))


def _in_json(parts: Sequence[str]) -> list[str]:
    """Return parts as JSON writes them, in their own letters and, as it was once, in ASCII."""
    written = [json.dumps(part, ensure_ascii=old) for old in (False, True) for part in parts]
    return list(dict.fromkeys(one[1:-1] for one in written))
