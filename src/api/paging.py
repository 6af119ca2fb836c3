"""Pages of a list, and the parameters that choose one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs

from errors import BadParameter

PER_PAGE = 20
MOST_PER_PAGE = 50
MOST_PAGES = 5_000
"""What lies before a page is read to find it. Further back a list is narrowed, by a time."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page, and the other parameters of its list."""

    number: int
    size: int
    parameters: dict[str, list[str]]

    @classmethod
    def of(cls, query: str) -> "Page":
        """Read `page` and `per_page`. Raises BadParameter."""
        parameters = parse_qs(query, keep_blank_values=True)
        number = whole(parameters, "page", 1, MOST_PAGES)
        return cls(number, whole(parameters, "per_page", PER_PAGE, MOST_PER_PAGE), parameters)

    @property
    def offset(self) -> int:
        """The rows before this page."""
        return (self.number - 1) * self.size

    def text(self, name: str) -> str:
        """Return another parameter, empty where it is not given."""
        return self.parameters.get(name, [""])[-1]

    def info(self, count: int, total: int | None = None) -> dict[str, object]:
        """Return what an answer says of the page: rows on it, and, where known, rows in all."""
        told: dict[str, object] = {"page": self.number, "per_page": self.size, "count": count}
        return told if total is None else told | {"total_count": total}


def whole(parameters: Mapping[str, Sequence[str]], name: str, default: int, most: int) -> int:
    """Return a parameter that is a whole number from 1 on. Raises BadParameter."""
    values = parameters.get(name)
    if values is None:
        return default
    value = values[-1]
    whole = value.isascii() and value.isdecimal() and len(value) <= 7
    if not (whole and 1 <= int(value) <= most):
        raise BadParameter(name, value, f"Use a whole number, 1 to {most}")
    return int(value)
