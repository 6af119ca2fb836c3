"""The two ends of every gateway that is measured: who asks it, and whom it asks."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from wrangler import BIN

HERE = Path(__file__).resolve().parent
NODE = BIN / "node"


@dataclass(frozen=True)
class Call:
    """A request, as it is sent to a gateway."""

    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Load:
    """What came of sending a request again and again. Times are medians in milliseconds."""

    answers: int
    failures: Mapping[str, int]
    seconds: float
    p50: float | None
    p99: float | None
    first: float | None

    @property
    def failed(self) -> int:
        """How many requests had no answer, or a wrong one."""
        return sum(self.failures.values())


@dataclass(frozen=True)
class Upstream:
    """The scripted provider behind every gateway."""

    root: str

    @property
    def base(self) -> str:
        """What takes the place of a provider's base URL."""
        return f"{self.root}/v1"

    @property
    def failing(self) -> str:
        """The base URL of a provider that always fails."""
        return f"{self.root}/fail/v1"

    def calls(self) -> dict[str, int]:
        """Return how often each script was played since this was asked last."""
        return httpx.get(f"{self.root}/calls").json()


class LoadGenerator:
    """The generator. It is one process for the whole run, so that it is always warm."""

    def __init__(self, child: "subprocess.Popen[str]") -> None:
        self._child = child

    def __call__(self, call: Call, expect: str, connections: int, **limits: float) -> Load:
        """Send for so many `seconds`, or so many `requests`.

        An answer is one if its status is 200 and its last bytes hold what is expected.
        `refusals=1`: answers of status 429 are none, but do not end the sending either.
        """
        job: dict[str, Any] = {
            "url": call.url,
            "headers": dict(call.headers),
            "body": call.body.decode(),
            "connections": connections,
            "expect": expect,
            **limits,
        }
        assert self._child.stdin
        assert self._child.stdout
        self._child.stdin.write(json.dumps(job) + "\n")
        self._child.stdin.flush()
        told = self._child.stdout.readline()
        if not told:
            sys.exit("bench: the load generator has ended: see load.log in build/bench/run")
        return Load(**json.loads(told))


@contextlib.contextmanager
def upstream(log: Path) -> Generator[Upstream, None, None]:
    """Run the scripted provider."""
    with _node("upstream.mjs", log) as child:
        assert child.stdout
        yield Upstream(f"http://127.0.0.1:{int(child.stdout.readline())}")


@contextlib.contextmanager
def load_generator(log: Path) -> Generator[LoadGenerator, None, None]:
    """Run the load generator."""
    with _node("load.mjs", log) as child:
        yield LoadGenerator(child)


@contextlib.contextmanager
def _node(script: str, log: Path) -> Generator["subprocess.Popen[str]", None, None]:
    with (
        log.open("w") as output,
        subprocess.Popen(
            [NODE, HERE / script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
            start_new_session=True,
        ) as child,
    ):
        try:
            yield child
        finally:
            child.kill()
