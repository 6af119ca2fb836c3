"""A gateway that runs, as tests use it."""

import contextlib
import json
import os
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from serve.listening import free_port

T = TypeVar("T")
PATIENCE_S = 20.0
ROOT = Path(__file__).resolve().parent.parent
ADMIN_TOKEN = "test-admin-token"
TLS = ssl.create_default_context()
"""Made once: that takes some 40 ms, and httpx makes one for each client that is given none."""
SERVE = os.environ.get("SERVE") == "1"
"""Whether gateways run as by `make serve`, and not as by `make dev`."""
MAKE_DEV = (sys.executable, ROOT / "tools" / "dev.py")
MAKE_SERVE = (sys.executable, "-m", "serve")
PRINTED = "test.log"
"""What the program prints, in the folder of its data."""
SETTINGS = {
    "cache_invalidate_on_update": False,
    "cache_ttl": 0,
    "collect_logs": True,
    "rate_limiting_interval": 0,
    "rate_limiting_limit": 0,
}
"""What every gateway must be made with."""


def until(look: Callable[[], T | None], what: str, patience: float = PATIENCE_S) -> T:
    """Look again and again until there is something to see, and return it."""
    pause = threading.Event()
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if (seen := look()) is not None:
            return seen
        pause.wait(0.02)
    raise AssertionError(f"waited {patience} s in vain for {what}")


def pass_time(seconds: float) -> None:
    """Let time pass, where time itself is what is tested."""
    threading.Event().wait(seconds)


def children(pid: int) -> list[int]:
    """Return the ids of the processes that a process started."""
    tasks = Path(f"/proc/{pid}/task")
    found = [task.joinpath("children").read_text().split() for task in tasks.iterdir()]
    return [int(child) for each in found for child in each]


def gone(pid: int) -> bool | None:
    """Return whether a process has ended, where it has."""
    try:
        # One that nobody waited for is there, but has no command any more.
        return not Path(f"/proc/{pid}/cmdline").read_bytes() or None
    except FileNotFoundError:
        return True


@dataclass
class Gateway:
    """A gateway of account `local`, `default` unless another one was made."""

    url: str
    admin_token: str
    llmock: str
    """Where the mock provider behind it listens."""
    state: Path
    """The folder of its data, and of what it prints."""
    name: str = "default"

    @property
    def address(self) -> str:
        """The universal endpoint, and what the slug of a provider is appended to."""
        return f"{self.url}/v1/local/{self.name}"

    @property
    def openai(self) -> str:
        """The base URL of OpenAI through the gateway."""
        return f"{self.address}/openai"

    @property
    def account(self) -> str:
        """The account in the management API."""
        return f"{self.url}/client/v4/accounts/local/ai-gateway"

    @property
    def management(self) -> str:
        """The gateway in the management API."""
        return f"{self.account}/gateways/{self.name}"

    @contextlib.contextmanager
    def another(self, name: str, **settings: Any) -> Generator["Gateway", None, None]:
        """Make another gateway, open unless the settings say otherwise, and delete it."""
        asked = SETTINGS | {"id": name, "authentication": False} | settings
        self.manage("POST", "/gateways", asked)
        try:
            yield replace(self, name=name)
        finally:
            self.manage("DELETE", f"/gateways/{name}")

    def manage(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Return the result of a request to the management API of the account."""
        headers = {"authorization": f"Bearer {self.admin_token}"}
        url = self.account + path
        answer = httpx.request(method, url, json=body, headers=headers, timeout=30, verify=TLS)
        assert answer.is_success, answer.text
        return answer.json()["result"]

    def store(self, provider: str, secret: str, **more: Any) -> dict[str, Any]:
        """Store the key of a provider."""
        body = {"provider_slug": provider, "secret": secret, **more}
        return self.manage("POST", f"/gateways/{self.name}/provider_configs", body)

    def rows_of_event(self, event_id: str, count: int) -> list[dict[str, Any]]:
        """Wait until an event has so many rows, and return them, the oldest first."""

        def look() -> list[dict[str, Any]] | None:
            found = self.ask("/logs?per_page=50").json()["result"]
            mine = [row for row in found if row["event_id"] == event_id]
            # Ids do not tell which of two attempts of one millisecond was the first; steps do.
            mine.sort(key=lambda row: (row["step"], row["id"]))
            return mine if len(mine) == count else None

        return until(look, f"{count} rows of {event_id}")

    def printed(self) -> str:
        """Return what the gateway has printed."""
        return (self.state / (PRINTED if SERVE else "dev.log")).read_text()

    def at_rest(self) -> bytes:
        """Return all that lies in the folder: the databases, and what was printed."""
        files = (file for file in sorted(self.state.rglob("*")) if file.is_file())
        return b"\n".join(file.read_bytes() for file in files)

    def ask(self, path: str) -> httpx.Response:
        """Ask the management API."""
        headers = {"authorization": f"Bearer {self.admin_token}"}
        return httpx.get(self.management + path, headers=headers, timeout=30, verify=TLS)

    def row(self, log_id: str) -> dict[str, Any]:
        """Wait for a row of the log, and return it."""

        def look() -> dict[str, Any] | None:
            answer = self.ask(f"/logs/{log_id}")
            return answer.json()["result"] if answer.is_success else None

        return until(look, f"log row {log_id}")

    def row_of_event(self, event_id: str) -> dict[str, Any] | None:
        """Return the newest row of an event, where it is on the first page."""
        rows: list[dict[str, Any]] = self.ask("/logs").json()["result"]
        return next((row for row in rows if row["event_id"] == event_id), None)

    def row_of(self, response: httpx.Response) -> dict[str, Any]:
        """Wait for the row of an answer, and return it."""
        return self.row(response.headers["cf-aig-log-id"])


KEY = {"authorization": "Bearer sk-test"}
"""A provider's key: without one there is nothing to send."""


def request(method: str, url: str, **more: Any) -> httpx.Response:
    """Send a request with a provider's key."""
    return httpx.request(method, url, **_keyed(more))


def post(url: str, **more: Any) -> httpx.Response:
    """Send a POST with a provider's key."""
    return httpx.post(url, **_keyed(more))


def stream(method: str, url: str, **more: Any) -> AbstractContextManager[httpx.Response]:
    """Send a request with a provider's key, and read its answer bit by bit."""
    return httpx.stream(method, url, **_keyed(more))


def _keyed(more: dict[str, Any]) -> dict[str, Any]:
    headers = KEY | dict(more.get("headers") or {})
    return {"verify": TLS, "timeout": 30} | more | {"headers": headers}


@contextlib.contextmanager
def serving(state: Path, *configs: Path, **variables: str) -> Generator[Gateway, None, None]:
    """Run a gateway on a folder of data, as `make dev` or `make serve` does, until the block ends.

    `configs` are those of the gateway and of Workers beside it. Its gateway `default` is open.
    """
    if SERVE and len(configs) > 1:
        pytest.skip("make serve runs no other Workers beside the gateway")
    command = [*(MAKE_SERVE if SERVE else MAKE_DEV), *(f"--config={config}" for config in configs)]
    with started(command, state, **variables) as (gateway, _):
        if SERVE:
            open_default(gateway)
        yield gateway


@contextlib.contextmanager
def started(
    command: Sequence[str | Path], state: Path, **variables: str
) -> Generator[tuple[Gateway, "subprocess.Popen[bytes]"], None, None]:
    """Run a program that serves a gateway on a folder of data until the block ends."""
    port = free_port()
    own = {"PORT": str(port), "STATE": str(state), "ADMIN_TOKEN": ADMIN_TOKEN}
    environment = os.environ | {"PYTHONPATH": str(ROOT / "tools")} | own | variables
    with (state / PRINTED).open("a") as output:
        server = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        url = f"http://127.0.0.1:{port}"
        until(lambda: _ready(server, url, state), "the gateway", patience=150)
        yield Gateway(url, ADMIN_TOKEN, "", state), server
    finally:
        server.terminate()
        server.wait(40)


def refusal(state: Path, command: Sequence[str | Path] = MAKE_SERVE, **variables: str) -> str:
    """Return with which words a start of `make serve` ends."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "tools"), "STATE": str(state)}
    done = subprocess.run(
        command,
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    (line,) = done.stdout.splitlines()
    told = json.loads(line)
    assert told["level"] == "error"
    return told["message"]


def open_default(gateway: Gateway) -> None:
    """Make the gateway that `make dev` makes, if it is not there."""
    if gateway.ask("").status_code == 404:
        gateway.manage("POST", "/gateways", SETTINGS | {"id": "default", "authentication": False})


def _ready(server: "subprocess.Popen[bytes]", url: str, state: Path) -> bool | None:
    assert server.poll() is None, (state / PRINTED).read_text()
    try:
        return httpx.get(f"{url}/healthz", timeout=30).is_success or None
    except httpx.TransportError:
        return None
