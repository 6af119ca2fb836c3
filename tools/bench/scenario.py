"""What a scenario is."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from bench.ends import Load
from bench.measures import Measure, Value
from bench.subject import Subject

Finding = tuple[str, Value, str]
"""A metric, its value and its unit."""


@dataclass(frozen=True)
class Scenario:
    """Something that is measured, of every target by itself."""

    name: str
    look: Callable[[Subject], Iterable[Finding]]
    once: bool = False
    """It is measured in one round only, because it is long, or cannot be done twice."""

    def measures(self, subject: Subject) -> Iterator[Measure]:
        """Measure a target."""
        for metric, value, unit in self.look(subject):
            yield Measure(subject.name, self.name, metric, value, unit)


def found(load: Load, value: Value) -> Value:
    """Return a value that a load gave, or in words why it gave none."""
    return value if load.answers else words(load)


def words(load: Load) -> str:
    """Say in words how most of a load failed."""
    if not load.failures:
        return "no answer"
    return f"fails: {max(load.failures, key=lambda what: load.failures[what])}"


def failures(load: Load) -> Iterator[Finding]:
    """Tell the share of requests that failed, where any did."""
    if load.answers and load.failed:
        yield "failed", 100 * load.failed / (load.failed + load.answers), "%"
