"""How fast plain requests are, and what they cost."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bench.ends import Load
from bench.scenario import Finding, Scenario, failures, found
from bench.sites import Feature
from bench.subject import CHAT, Subject

DONE = "[DONE]"
BUSY = 32
"""Connections that keep a gateway busy."""


@dataclass(frozen=True)
class Shape:
    """What is asked for."""

    play: str
    connections: int = 1
    prompt: int = 1000
    stream: bool = False
    feature: Feature = Feature.PLAIN


SHAPES = {
    "json1": Shape("json"),
    "json32": Shape("json", connections=BUSY),
    "prompt20k": Shape("json", prompt=20_000),
    "prompt500k": Shape("json", prompt=500_000),
    "stream11": Shape("stream11", stream=True),
    "stream500": Shape("stream500", stream=True),
    "counted": Shape("json", feature=Feature.COUNTED),
}


def apply(subject: Subject, shape: Shape, about: str) -> tuple[Load, float | None] | None:
    """Send requests for a while. Return what came, and the CPU time of each in milliseconds."""
    door = subject.door(shape.feature)
    if door is None:
        return None
    call = door.call(shape.play, about, stream=shape.stream, prompt=shape.prompt)
    # Other features may be served by another process than the one that is watched.
    watched = subject.process if shape.feature is Feature.PLAIN else None
    before = watched and watched.cpu_ms()
    load = subject.tools.load(
        call, DONE if shape.stream else CHAT, shape.connections, seconds=subject.tools.seconds
    )
    after = watched and watched.cpu_ms()
    if before is None or after is None or not load.answers:
        return load, None
    return load, (after - before) / (load.answers + load.failed)


def _look(name: str, shape: Shape) -> Scenario:
    def look(subject: Subject) -> Iterable[Finding]:
        came = apply(subject, shape, name)
        return _findings(shape, *came) if came else _nothing(shape)

    return Scenario(name, look)


def _findings(shape: Shape, load: Load, cpu: float | None) -> Iterator[Finding]:
    if shape.connections > 1:
        yield "answers", found(load, load.answers / load.seconds), "1/s"
    if shape.stream:
        yield "first event p50", found(load, load.first), "ms"
    yield _whole(shape), found(load, load.p50), "ms"
    yield "p99", found(load, load.p99), "ms"
    if cpu is not None:
        yield "CPU each", cpu, "ms"
    yield from failures(load)


def _nothing(shape: Shape) -> Iterator[Finding]:
    yield _whole(shape), None, "ms"


def _whole(shape: Shape) -> str:
    return "whole p50" if shape.stream else "p50"


PIECES = {"5 pieces": Shape("few", stream=True), "500 pieces": Shape("many", stream=True)}
"""The same stream, as it may come over a network: in few pieces or in many."""


def _pieces(subject: Subject) -> Iterator[Finding]:
    for name, shape in PIECES.items():
        came = apply(subject, shape, "pieces")
        if came:
            load, cpu = came
            if subject.process:
                yield f"CPU of a stream in {name}", found(load, cpu), "ms"
            yield f"whole p50 in {name}", found(load, load.p50), "ms"


SPEED = [*(_look(name, shape) for name, shape in SHAPES.items()), Scenario("pieces", _pieces)]
