"""What a gateway tells its caller when the provider fails."""

from collections.abc import Iterator

import httpx

from bench.ends import Call
from bench.scenario import Finding, Scenario
from bench.sites import Feature
from bench.subject import Subject
from bench.told import Reply, told

PATIENCE_S = 10

FAULTS = {
    "stream dropped": ("dropped", True),
    "stream malformed": ("malformed", True),
    "JSON truncated": ("truncated", False),
    "503": ("unavailable", False),
    "429, Retry-After: 7": ("limited", False),
}
"""The script of each fault, and whether a stream is asked for."""


def _faults(subject: Subject) -> Iterator[Finding]:
    door = subject.door(Feature.PLAIN)
    assert door
    for name, (play, stream) in FAULTS.items():
        subject.tools.upstream.calls()
        reply = ask(door.call(play, "faults", stream=stream))
        calls = subject.tools.upstream.calls().get(play, 0)
        yield name, told(reply) + (f", {calls} calls" if calls > 1 else ""), ""


def ask(call: Call) -> Reply | None:
    """Ask once, and return what a caller gets; None if that takes too long."""
    try:
        with httpx.stream(
            "POST", call.url, content=call.body, headers=dict(call.headers), timeout=PATIENCE_S
        ) as response:
            return _read(response)
    except httpx.TimeoutException:
        return None
    except httpx.TransportError:
        return Reply(0, None, "", broken=True)


def _read(response: httpx.Response) -> Reply:
    body = bytearray()
    broken = False
    try:
        for part in response.iter_bytes():
            body += part
    except httpx.TransportError:
        broken = True
    text = body.decode(errors="replace")
    return Reply(response.status_code, response.headers.get("retry-after"), text, broken)


FAULT_MATRIX = [Scenario("faults", _faults, once=True)]
