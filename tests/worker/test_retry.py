"""Retries on the real runtime, against a mock that judges its clients."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from running import Gateway, post, until
from worker.scripted import ScriptedUpstream

CHAT_REQUEST = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture
def mock(gateway: Gateway) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.llmock.removesuffix("/v1") + "/_llmock") as mock:
        mock.post("/reset").raise_for_status()
        yield mock
        mock.post("/reset").raise_for_status()


def ask(gateway: Gateway, path: str, event_id: str, **headers: str) -> httpx.Response:
    sent = {f"cf-aig-{name.replace('_', '-')}": value for name, value in headers.items()}
    sent["cf-aig-event-id"] = event_id
    return post(f"{gateway.openai}/{path}", json=CHAT_REQUEST, headers=sent, timeout=30)


def rows(gateway: Gateway, event_id: str, count: int) -> list[dict[str, Any]]:
    def look() -> list[dict[str, Any]] | None:
        found = gateway.ask("/logs").json()["result"]
        mine = [row for row in found if row["event_id"] == event_id]
        return mine[::-1] if len(mine) == count else None

    return until(look, f"{count} rows of {event_id}")


def test_a_failure_that_passes_is_not_the_caller_s(gateway: Gateway, mock: httpx.Client) -> None:
    behaviors = [{"type": "fail", "status": 503, "times": 2}]
    mock.post("/scenario", json={"behaviors": behaviors}).raise_for_status()

    response = ask(gateway, "chat/completions", "passes", max_attempts="3", retry_delay="50")

    assert response.status_code == 200
    assert [row["status_code"] for row in rows(gateway, "passes", 3)] == [503, 503, 200]


def test_the_mock_finds_nothing_to_blame_in_how_we_retry(
    gateway: Gateway, mock: httpx.Client
) -> None:
    behaviors = [
        {"type": "fail", "status": 429, "retry_after": 1, "times": 1},
        {"type": "fail", "status": 500, "times": 2},
    ]
    mock.post("/scenario", json={"behaviors": behaviors}).raise_for_status()
    began = time.monotonic()

    response = ask(gateway, "chat/completions", "judged", max_attempts="5", retry_delay="100")

    assert response.status_code == 200
    assert time.monotonic() - began >= 1
    verdict = mock.get("/verdict").json()
    assert verdict["findings"] == [], verdict


def test_what_will_not_pass_is_tried_once(gateway: Gateway, mock: httpx.Client) -> None:
    behaviors = [{"type": "fail", "status": 401, "times": 1}]
    mock.post("/scenario", json={"behaviors": behaviors}).raise_for_status()

    response = ask(gateway, "chat/completions", "hopeless", max_attempts="5", retry_delay="0")

    assert response.status_code == 401
    assert mock.get("/requests").json()["count"] == 1


def test_a_provider_that_hangs_is_tried_again_after_its_timeout(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    before = len(upstream.requests)

    response = ask(
        gateway,
        "script/hang",
        "hangs",
        max_attempts="2",
        retry_delay="0",
        request_timeout="200",
    )

    assert response.status_code == 504
    assert len(upstream.requests) == before + 2
    assert upstream.requests[-1].body == upstream.requests[-2].body
    assert [row["status_code"] for row in rows(gateway, "hangs", 2)] == [504, 504]


def test_an_answer_cut_in_the_middle_is_tried_again(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    before = len(upstream.requests)

    response = ask(gateway, "script/json_cut", "cut", max_attempts="3", retry_delay="0")

    assert response.status_code == 502
    assert len(upstream.requests) == before + 3


def test_an_upload_is_sent_again_byte_for_byte(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    content = bytes(range(256)) * 4_000

    post(
        f"{gateway.openai}/script/rate_limited_at_once",
        files={"file": ("data.bin", content, "application/octet-stream")},
        headers={"cf-aig-max-attempts": "2", "cf-aig-retry-delay": "0"},
    )

    assert content in upstream.requests[-1].body
    assert upstream.requests[-1].body == upstream.requests[-2].body
