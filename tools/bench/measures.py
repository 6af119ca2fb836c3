"""What is measured, and what becomes of it over the rounds."""

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from operator import attrgetter

Value = float | str | None
"""A number, words where it is not one that was found, or None: the target has no such feature."""

FLOOR = "direct"
"""The target that is no gateway: what the upstream and the load generator need by themselves."""

_row = attrgetter("target", "scenario", "metric", "unit")


@dataclass(frozen=True)
class Measure:
    """One figure of one target."""

    target: str
    scenario: str
    metric: str
    value: Value
    unit: str


def median_of_rounds(measures: Iterable[Measure]) -> list[Measure]:
    """Make one of all measures of the same thing, in the order in which each came first.

    Numbers give their median. Where any round was told in words, the words are what is told.
    """
    groups: dict[tuple[str, ...], list[Measure]] = {}
    for each in measures:
        groups.setdefault(_row(each), []).append(each)
    return [
        replace(group[0], value=_middle([each.value for each in group]))
        for group in groups.values()
    ]


def _middle(values: Sequence[Value]) -> Value:
    words = [value for value in values if isinstance(value, str)]
    if words:
        return " / ".join(dict.fromkeys(words))
    numbers = [value for value in values if isinstance(value, int | float)]
    return statistics.median(numbers) if numbers else None


def added(measures: Sequence[Measure], scenario: str, metric: str) -> list[Measure]:
    """Return how much each target adds to what the upstream needs without a gateway."""
    mine = [each for each in measures if (each.scenario, each.metric) == (scenario, metric)]
    floor = next((each.value for each in mine if each.target == FLOOR), None)
    if not isinstance(floor, int | float):
        return []
    return [
        replace(each, metric=f"added {metric}", value=each.value - floor)
        for each in mine
        if each.target != FLOOR and isinstance(each.value, int | float)
    ]


def as_json(measures: Iterable[Measure]) -> str:
    """Write measures as a JSON list, one a line."""
    lines = ",\n".join(json.dumps(asdict(each), ensure_ascii=False) for each in measures)
    return f"[\n{lines}\n]\n"
