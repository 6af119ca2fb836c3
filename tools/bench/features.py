"""What gateways do beside passing on: cache, limit, fall back."""

import secrets
from collections.abc import Iterator

from bench.ends import Load
from bench.scenario import Finding, Scenario, failures, found, words
from bench.sites import LIMIT, Door, Feature
from bench.speed import DONE
from bench.subject import CHAT, Subject

CROWD = 20
"""Callers that ask for the same at once."""
OFFERED = 2 * LIMIT
SECONDS_UNTIL_KEPT = 0.3


def _cached(play: str, about: str, *, stream: bool) -> Scenario:
    def look(subject: Subject) -> Iterator[Finding]:
        if (door := subject.door(Feature.CACHE)) is None:
            yield "p50", None, "ms"
            return
        call = door.call(play, about, stream=stream)
        expect = DONE if stream else CHAT
        # The answer is kept while this lasts; what is kept is what the rest is about.
        subject.tools.load(call, expect, 1, seconds=SECONDS_UNTIL_KEPT)
        subject.tools.upstream.calls()
        load = subject.tools.load(call, expect, 1, seconds=subject.tools.seconds)
        asked = subject.tools.upstream.calls().get(play, 0)
        if load.answers and asked > load.answers / 2:
            yield "p50", "not kept", "ms"
            return
        yield "p50", found(load, load.p50), "ms"
        yield from failures(load)

    return Scenario(about, look)


def _stampede(subject: Subject) -> Iterator[Finding]:
    if (door := subject.door(Feature.CACHE)) is None:
        yield "calls of the provider", None, ""
        return
    # Each round asks for something new.
    call = door.call("slow", f"stampede {secrets.token_hex(8)}")
    subject.tools.upstream.calls()
    load = subject.tools.load(call, CHAT, CROWD, requests=CROWD)
    calls = float(subject.tools.upstream.calls().get("slow", 0))
    yield "calls of the provider", found(load, calls), ""
    yield "p50", found(load, load.p50), "ms"
    yield from failures(load)


def _limited(subject: Subject) -> Iterator[Finding]:
    if (door := subject.door(Feature.LIMITED)) is None:
        yield f"let through of {OFFERED}, limit {LIMIT}", None, ""
        return
    burst = _offer(subject, door, CROWD, requests=OFFERED)
    yield f"let through of {OFFERED}, limit {LIMIT}", float(burst.answers), ""
    again = _offer(subject, door, 1, seconds=subject.tools.seconds)
    refused = again.failures.get("429", 0)
    yield "a refusal", again.seconds * 1000 / refused if refused else words(again), "ms"


def _offer(subject: Subject, door: Door, connections: int, **limits: float) -> Load:
    return subject.tools.load(door.call("json", "limited"), CHAT, connections, refusals=1, **limits)


def _fallback(subject: Subject) -> Iterator[Finding]:
    if (door := subject.door(Feature.FALLBACK)) is None:
        yield "p50", None, "ms"
        return
    subject.tools.upstream.calls()
    load = subject.tools.load(door.call("json", "fallback"), CHAT, 1, seconds=subject.tools.seconds)
    tried = subject.tools.upstream.calls().get("unavailable", 0)
    yield "p50", found(load, load.p50), "ms"
    if load.answers:
        yield "first provider tried", 100 * tried / (load.answers + load.failed), "%"
    yield from failures(load)


FEATURES = [
    _cached("json", "cache_json", stream=False),
    _cached("stream11", "cache_stream", stream=True),
    Scenario("stampede", _stampede),
    Scenario("limited", _limited, once=True),
    Scenario("fallback", _fallback),
]
