"""A gateway that runs, as tests use it."""

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

T = TypeVar("T")
PATIENCE_S = 20.0


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


@dataclass
class Gateway:
    """The gateway `default` of account `local`."""

    url: str
    admin_token: str
    llmock: str
    """Where the mock provider behind it listens."""
    state: Path

    @property
    def openai(self) -> str:
        """The base URL of OpenAI through the gateway."""
        return f"{self.url}/v1/local/default/openai"

    @property
    def management(self) -> str:
        """The gateway in the management API."""
        return f"{self.url}/client/v4/accounts/local/ai-gateway/gateways/default"

    def ask(self, path: str) -> httpx.Response:
        """Ask the management API."""
        headers = {"authorization": f"Bearer {self.admin_token}"}
        return httpx.get(self.management + path, headers=headers)

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
    return more | {"headers": KEY | dict(more.get("headers") or {})}
