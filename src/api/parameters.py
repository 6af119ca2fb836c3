"""The values of query parameters, which are texts, as what they stand for."""

import contextlib
import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from errors import BadParameter

T = TypeVar("T")
# A time within can be rounded to a day, and be written again.
_EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
_LATEST = datetime(9999, 1, 1, tzinfo=UTC)


class Wrong(Exception):
    """A value breaks its rule, which is the message."""


def text(value: object) -> str:
    """Return a value as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def flag(value: object) -> int:
    """Return 1 or 0. Raises Wrong."""
    known = {"true": 1, "1": 1, "false": 0, "0": 0}.get(text(value).lower())
    if known is None:
        raise Wrong("Use `true` or `false`")
    return known


def number(value: object) -> float:
    """Return a number. Raises Wrong."""
    try:
        read = float(text(value))
    except ValueError:
        read = math.nan
    if not math.isfinite(read):
        raise Wrong("Use a number")
    return read


def date(value: object) -> int:
    """Return an ISO 8601 time, or milliseconds since the epoch, as the latter. Raises Wrong."""
    given = text(value)
    if given.isascii() and given.isdecimal() and len(given) <= 14:
        return int(given)
    with contextlib.suppress(ValueError):
        moment = datetime.fromisoformat(given)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if _EARLIEST <= moment < _LATEST:
            return round(moment.timestamp() * 1000)
    raise Wrong("Use a time like 2026-01-31T12:00:00Z")


def checked(name: str, value: object, read: Callable[[object], T]) -> T:
    """Return what a parameter says. Raises BadParameter."""
    try:
        return read(value)
    except Wrong as rule:
        raise BadParameter(name, text(value), str(rule)) from None


def one_of(*known: str) -> Callable[[object], str]:
    """Return what reads one of some words."""

    def read(value: object) -> str:
        if value not in known:
            raise Wrong(f"Use {', '.join(known[:-1])} or {known[-1]}")
        return text(value)

    return read
