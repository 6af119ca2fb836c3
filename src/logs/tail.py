"""Watching the log as it grows: who listens, and to what.

Whoever listens has a lease in the database, and whoever writes rows there reads it in the same
batch. So a gateway that nobody watches costs nothing but a look at an empty table, and one that
somebody watches is found out with the next row.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from errors import BadParameter

LEASE_S = 90
"""For how long a gateway counts as watched, unless the lease is renewed."""

RENEW = f"""
INSERT INTO tails (gateway_id, until) VALUES (?1, (unixepoch() + {LEASE_S}) * 1000)
ON CONFLICT DO UPDATE SET until = excluded.until
"""  # noqa: S608 - our own names
RELEASE = "DELETE FROM tails WHERE gateway_id = ?1"
WATCHED = """
SELECT gateway_id FROM tails
WHERE gateway_id IN (SELECT value ->> 0 FROM json_each(?)) AND until > unixepoch() * 1000
"""
"""[[gateway, …], …] to the gateways among them that somebody watches."""

TEXT_LENGTH = 256
_MOST = 20
"""Values in one filter."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows somebody wants to see: for each field, any of its values."""

    wanted: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, query: str) -> "Filter":
        """Read the parameters of a query. Raises BadParameter."""
        wanted: dict[str, list[str]] = {}
        given = parse_qsl(query, keep_blank_values=True)
        for name, value in given:
            # One that is misspelt must not show everything.
            if name not in _RULES:
                raise BadParameter(name, value, f"Use {', '.join(_RULES)}")
            allowed, rule = _RULES[name]
            if not allowed(value) or len(given) > _MOST:
                raise BadParameter(name, value, f"{rule}, and at most {_MOST} in all")
            wanted.setdefault(name, []).append(value)
        return cls(wanted)

    @classmethod
    def load(cls, text: str) -> "Filter":
        """Return what was dumped."""
        return cls(json.loads(text))

    def dump(self) -> str:
        """Return the filter as JSON."""
        return json.dumps(self.wanted)

    def accepts(self, row: Mapping[str, Any]) -> bool:
        """Return whether a row of the log is wanted."""
        return self._metadata(row) and all(
            any(_FIELDS[name](row, value) for value in values)
            for name, values in self.wanted.items()
            if name in _FIELDS
        )

    def _metadata(self, row: Mapping[str, Any]) -> bool:
        """Return whether one entry has a name that is wanted and a value that is."""
        keys, values = self.wanted.get("metadata.key"), self.wanted.get("metadata.value")
        if not (keys or values):
            return True
        entries: dict[str, object] = json.loads(row["metadata"] or "{}")
        return any(
            (not keys or key in keys) and (not values or _text(value) in values)
            for key, value in entries.items()
        )


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _same(column: str) -> Callable[[Mapping[str, Any], str], bool]:
    return lambda row, value: row[column] == value


def _flag(column: str) -> Callable[[Mapping[str, Any], str], bool]:
    return lambda row, value: bool(row[column]) == (value == "true")


def _status(row: Mapping[str, Any], value: str) -> bool:
    status = str(row["status_code"])
    return status[0] == value[0] if value.endswith("xx") else status == value


def _is_status(value: str) -> bool:
    rest = value[1:]
    digits = rest.isascii() and rest.isdecimal() and len(rest) == 2
    return value[:1] in tuple("12345") and (digits or rest == "xx")


_FIELDS: dict[str, Callable[[Mapping[str, Any], str], bool]] = {
    "provider": _same("provider"),
    "model": _same("model"),
    "success": _flag("success"),
    "cached": _flag("cached"),
    "status": _status,
    "token_id": _same("token_id"),
    "event_id": _same("event_id"),
}

_Rule = tuple[Callable[[str], bool], str]
_TEXT: _Rule = (
    lambda value: 1 <= len(value) <= TEXT_LENGTH,
    f"Use 1 to {TEXT_LENGTH} characters",
)
_FLAG: _Rule = (lambda value: value in ("true", "false"), "Use `true` or `false`")
_RULES: dict[str, _Rule] = {
    **dict.fromkeys(("provider", "model", "token_id", "event_id"), _TEXT),
    **dict.fromkeys(("metadata.key", "metadata.value"), _TEXT),
    **dict.fromkeys(("success", "cached"), _FLAG),
    "status": (_is_status, "Use a status, or the first digit of one and `xx`"),
}
