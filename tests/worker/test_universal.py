"""A list of targets in one request, on the real runtime."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from running import Gateway
from worker.scripted import ScriptedUpstream
from worker.scripts import CHAT, DONE, USAGE, event

HELLO = [{"role": "user", "content": "Hello"}]


def entry(script: str, **more: Any) -> dict[str, Any]:
    """Return an entry that plays a script, with a model that no other test makes fail."""
    return {
        "provider": "openai",
        "endpoint": f"script/{script}",
        "headers": {"Authorization": "Bearer sk-test", "Content-Type": "application/json"},
        "query": {"model": f"m-{uuid4()}", "messages": HELLO},
    } | more


def chat(provider: str, endpoint: str, **more: Any) -> dict[str, Any]:
    """Return an entry that the mock of the provider answers."""
    query = {"model": f"m-{uuid4()}", "messages": HELLO, "max_tokens": 20}
    return entry("", provider=provider, endpoint=endpoint, query=query) | more


def send(gateway: Gateway, body: Any, event_id: str = "", **headers: str) -> httpx.Response:
    named = {f"cf-aig-{name.replace('_', '-')}": value for name, value in headers.items()}
    if event_id:
        named["cf-aig-event-id"] = event_id
    return httpx.post(gateway.address, json=body, headers=named, timeout=30)


@pytest.fixture
def mock(gateway: Gateway) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.llmock.removesuffix("/v1") + "/_llmock") as mock:
        mock.post("/reset").raise_for_status()
        yield mock
        mock.post("/reset").raise_for_status()


def test_targets_are_tried_in_their_order_until_one_succeeds(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    before = len(upstream.requests)
    scripts = ["rate_limited_at_once", "slam", "json_cut", "json_answer", "stream"]
    entries = [entry(script) for script in scripts]

    response = send(gateway, entries, "in-order")

    assert (response.status_code, response.content) == (200, CHAT)
    assert response.headers["cf-aig-step"] == "3"
    assert response.headers["x-request-id"] == "req_1"
    asked = upstream.requests[before:]
    assert [one.target for one in asked] == [f"/v1/script/{script}" for script in scripts[:4]]
    assert [json.loads(one.body) for one in asked] == [one["query"] for one in entries[:4]]
    assert {one.header("authorization") for one in asked} == {"Bearer sk-test"}


def test_each_try_is_a_row_of_the_same_event(gateway: Gateway) -> None:
    entries = [entry("rate_limited_at_once"), entry("slam"), entry("json_answer"), entry("slam")]

    response = send(gateway, entries, "rows")

    rows = gateway.rows_of_event("rows", 3)
    assert [row["status_code"] for row in rows] == [429, 502, 200]
    assert [row["step"] for row in rows] == [0, 1, 2]
    assert [row["success"] for row in rows] == [False, False, True]
    assert [row["error_code"] for row in rows] == [None, 2005, None]
    assert {row["request_type"] for row in rows} == {"universal"}
    assert [row["model"] for row in rows] == [one["query"]["model"] for one in entries[:3]]
    assert rows[0]["id"] == response.headers["cf-aig-request-id"]
    assert rows[2]["id"] == response.headers["cf-aig-log-id"]
    assert (rows[2]["tokens_in"], rows[2]["tokens_out"]) == (12, 7)


def test_a_target_may_be_any_provider(gateway: Gateway, upstream: ScriptedUpstream) -> None:
    entries = [entry("slam"), chat("anthropic", "v1/messages")]
    entries[1]["headers"] = {"x-api-key": "k", "anthropic-version": "2023-06-01"}

    response = send(gateway, entries, "other")

    assert response.headers["cf-aig-step"] == "1"
    assert response.json()["type"] == "message"
    assert [row["provider"] for row in gateway.rows_of_event("other", 2)] == ["openai", "anthropic"]
    assert upstream.last().target == "/v1/script/slam"


def test_the_endpoint_that_is_not_built_is_passed_over(gateway: Gateway) -> None:
    entries = [chat("compat", "chat/completions"), chat("openai", "v1/chat/completions")]

    assert send(gateway, entries).headers["cf-aig-step"] == "1"
    assert send(gateway, entries[0]).json()["internalCode"] == 7503


def test_a_target_that_hangs_is_left_after_its_own_timeout(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    entries = [entry("hang", config={"requestTimeout": 200}), entry("json_answer")]

    # What the entry says counts more than what the request says.
    response = send(gateway, entries, "patience", request_timeout="60000")

    assert (response.status_code, response.headers["cf-aig-step"]) == (200, "1")
    assert upstream.requests[-2].abandoned()
    assert [row["status_code"] for row in gateway.rows_of_event("patience", 2)] == [504, 200]


def test_a_target_has_attempts_of_its_own_before_the_next_one(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    before = len(upstream.requests)
    patient = {"maxAttempts": 3, "retryDelay": 0, "backoff": "constant"}
    entries = [
        entry("slam", config=patient),
        entry("json_cut"),
        entry("rate_limited_at_once", headers={"authorization": "k", "cf-aig-max-attempts": 2}),
        entry("json_answer"),
    ]

    response = send(gateway, entries, "attempts", retry_delay="1")

    assert response.headers["cf-aig-step"] == "3"
    assert len(upstream.requests) == before + 7
    rows = gateway.rows_of_event("attempts", 7)
    assert [row["step"] for row in rows] == [0, 0, 0, 1, 2, 2, 3]


def test_a_stream_takes_over_event_by_event(gateway: Gateway, upstream: ScriptedUpstream) -> None:
    entries = [entry("slam"), entry("stream_step_by_step")]
    entries[1]["query"]["stream"] = True

    with httpx.stream("POST", gateway.address, json=entries) as response:
        pieces = response.iter_raw()
        first = next(pieces)
        upstream.go_on()
        rest = b"".join(pieces)

    assert (first, rest) == (event("first"), event("second") + USAGE + DONE)
    assert response.headers["content-type"] == "text/event-stream"
    row = gateway.row_of(response)
    assert (row["step"], row["tokens_in"], row["success"]) == (1, 12, True)


def test_when_all_fail_the_last_one_s_answer_is_the_caller_s(gateway: Gateway) -> None:
    response = send(gateway, [entry("slam"), entry("hang", config={"requestTimeout": 100})])
    assert (response.status_code, response.json()["internalCode"]) == (504, 2005)
    assert response.headers["cf-aig-step"] == "1"

    response = send(gateway, [entry("slam"), entry("rate_limited")])
    assert (response.status_code, response.headers["cf-aig-step"]) == (429, "1")
    assert response.json()["error"]["code"] == "rate_limit_exceeded"
    assert response.headers["retry-after"] == "7"


def test_a_single_entry_needs_no_array(gateway: Gateway) -> None:
    response = send(gateway, entry("json_answer"))

    assert (response.content, response.headers["cf-aig-step"]) == (CHAT, "0")
    assert gateway.row_of(response)["request_type"] == "universal"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "JSON"),
        (b"[{", "JSON"),
        (b"[]", "0 entries"),
        (json.dumps([entry("json_answer")] * 11).encode(), "11 entries"),
        (json.dumps([entry("json_answer"), "gpt"]).encode(), "entry 1"),
        (json.dumps([entry("json_answer", provider=1)]).encode(), "entry 0, field `provider`"),
        (json.dumps([entry("../../admin")]).encode(), "entry 0, field `endpoint`"),
        (
            json.dumps([entry("json_answer"), {"provider": "openai", "endpoint": "x"}]).encode(),
            "entry 1, field `query`",
        ),
        (
            json.dumps([entry("json_answer", config={"retries": 1})]).encode(),
            "entry 0, field `config.retries`",
        ),
        (
            json.dumps([entry("json_answer", config={"maxAttempts": 6})]).encode(),
            "entry 0, Invalid header `cf-aig-max-attempts`: '6'",
        ),
    ],
)
def test_what_is_wrong_with_a_request_is_told_with_its_entry_and_field(
    gateway: Gateway, upstream: ScriptedUpstream, body: bytes, told: str
) -> None:
    before = len(upstream.requests)

    response = httpx.post(gateway.address, content=body)

    assert (response.status_code, response.json()["error"][0]["code"]) == (400, 7001)
    assert told in response.json()["message"]
    assert len(upstream.requests) == before
    row = gateway.row_of(response)
    assert (row["status_code"], row["request_type"]) == (400, "universal")


def test_only_a_post_is_a_universal_request(gateway: Gateway) -> None:
    response = httpx.get(gateway.address)

    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert httpx.post(f"{gateway.address}/", json=entry("json_answer")).content == CHAT


def test_the_mock_finds_nothing_to_blame_in_how_targets_are_retried(
    gateway: Gateway, mock: httpx.Client
) -> None:
    behaviors = [
        {"type": "fail", "status": 429, "retry_after": 1, "times": 1},
        {"type": "fail", "status": 503, "times": 1},
        {"type": "fail", "status": 400, "times": 1},
    ]
    mock.post("/scenario", json={"behaviors": behaviors}).raise_for_status()
    entries = [
        chat("openai", "chat/completions", config={"maxAttempts": 5, "retryDelay": 100}),
        chat("groq", "chat/completions", config={"maxAttempts": 5, "retryDelay": 100}),
    ]

    response = send(gateway, entries, "blameless")

    assert (response.status_code, response.headers["cf-aig-step"]) == (200, "1")
    rows = gateway.rows_of_event("blameless", 4)
    assert [row["status_code"] for row in rows] == [429, 503, 400, 200]
    verdict = mock.get("/verdict").json()
    assert verdict["findings"] == [], verdict


def test_a_target_that_keeps_failing_is_passed_over_while_there_is_another(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    failing, other = entry("slam"), entry("json_answer")
    for _ in range(5):
        assert send(gateway, [failing, other]).headers["cf-aig-step"] == "1"
    before = len(upstream.requests)

    response = send(gateway, [failing, other])

    assert response.headers["cf-aig-step"] == "1"
    assert len(upstream.requests) == before + 1
    assert gateway.row_of(response)["skipped_steps"] == [0]
    # Whoever has no other target is not told to wait.
    assert send(gateway, [failing]).json()["internalCode"] == 2005
    assert upstream.last().target == "/v1/script/slam"
