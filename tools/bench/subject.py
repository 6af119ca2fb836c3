"""A target that runs: what the scenarios measure."""

import contextlib
import socket
import subprocess
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from bench.ends import LoadGenerator, Upstream
from bench.process import Process, running, wait_until
from bench.sites import Door, Feature, Site

START_S = 90
CHAT = "total_tokens"
"""What is near the end of every whole answer."""


@dataclass(frozen=True)
class Tools:
    """What every target is measured with."""

    load: LoadGenerator
    upstream: Upstream
    starts: int
    """How often a gateway is started, to see how long that takes."""
    seconds: float
    """How long each load lasts."""


@dataclass(frozen=True)
class Subject:
    """A target, its processes, and what it is measured with."""

    name: str
    site: Site
    process: Process | None
    """The gateway; None where there is none."""
    starts_ms: Sequence[float]
    """Times from the start of its process to its first answer."""
    first_mb: float | None
    """Its memory after the first answer."""
    tools: Tools

    def door(self, feature: Feature) -> Door | None:
        """Return where a feature is found, or None."""
        return self.site.doors.get(feature)


@contextlib.contextmanager
def started(name: str, site: Site, tools: Tools) -> Generator[Subject, None, None]:
    """Run all that a site needs until the block ends."""
    if not site.programs:
        yield Subject(name, site, None, [], None, tools)
        return
    first, *others = site.programs
    starts: list[float] = []
    for _ in range(tools.starts - 1):
        with running(first) as (_, child):
            starts.append(_first_answer(name, site, child))
    with contextlib.ExitStack() as stack:
        process, child = stack.enter_context(running(first))
        starts.append(_first_answer(name, site, child))
        memory = process.resident_mb()
        for program in others:
            stack.enter_context(running(program))
        for feature, door in site.doors.items():
            log = site.programs[-1].folder / "output.log"
            wait_until(
                lambda url=door.url: _listens(url), f"{name} ({feature})", child, log, START_S
            )
        yield Subject(name, site, process, starts, memory, tools)


def _first_answer(name: str, site: Site, child: "subprocess.Popen[bytes]") -> float:
    call = site.doors[Feature.PLAIN].call("json", "start")

    def answers() -> bool:
        try:
            reply = httpx.post(call.url, content=call.body, headers=dict(call.headers), timeout=30)
        except httpx.TransportError:
            return False
        return reply.status_code == 200 and CHAT in reply.text

    return wait_until(answers, name, child, site.programs[0].folder / "output.log", START_S)


def _listens(url: str) -> bool:
    place = urlsplit(url)
    assert place.hostname
    assert place.port
    with contextlib.suppress(OSError), socket.create_connection((place.hostname, place.port), 1):
        return True
    return False
