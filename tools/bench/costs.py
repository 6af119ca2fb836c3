"""What a gateway costs before anybody asks it for anything: time to start, and memory."""

import statistics
from collections.abc import Iterator

from bench.scenario import Finding, Scenario
from bench.subject import Subject


def _start(subject: Subject) -> Iterator[Finding]:
    if subject.starts_ms:
        yield "first answer", statistics.median(subject.starts_ms), "ms"


def _memory(subject: Subject) -> Iterator[Finding]:
    if subject.process:
        yield "after the first answer", subject.first_mb, "MB"
        yield "after all the others", subject.process.resident_mb(), "MB"


COSTS = [Scenario("start", _start, once=True), Scenario("memory", _memory, once=True)]
