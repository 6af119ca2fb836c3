"""Models on a server of one's own that is down, hangs, breaks off, or does not have them."""

from typing import Any

import httpx
import pytest

from running import Gateway
from worker.own_models import LLAMA, MESSAGES, ask, listen
from worker.scripted import PLAY, ScriptedUpstream, Wire
from worker.scripts import CHAT


async def own_missing(wire: Wire) -> None:
    body = b'{"error":{"message":"model \'llama3.1:8b\' not found","type":"api_error"}}'
    await wire.whole("404 Not Found", "application/json", body)


async def own_half(wire: Wire) -> None:
    await wire.head("200 OK", content_type="application/json", content_length="5000")
    await wire.send(CHAT)
    await wire.hang()


@pytest.fixture(autouse=True, scope="module")
def _scripts(upstream: ScriptedUpstream) -> None:
    upstream.learn(own_missing, own_half)


def entry(model: str, script: str = "json_answer", **more: Any) -> dict[str, Any]:
    query = {"prompt": "Hello", "stream": more.pop("stream", False)}
    headers = {PLAY: script}
    return {"provider": "workers-ai", "endpoint": model, "headers": headers, "query": query, **more}


@pytest.mark.parametrize("script", ["no_content", "redirect", "json_cut", "audio"])
def test_what_is_no_answer_is_the_server_s_fault(gateway: Gateway, script: str) -> None:
    response = ask(gateway, LLAMA, script, prompt="Hello")

    assert response.status_code == 502
    assert gateway.row_of(response)["success"] is False


def test_an_entry_of_the_universal_endpoint_falls_back_from_a_server_that_is_down(
    gateway: Gateway,
) -> None:
    headers = {"cf-aig-event-id": "own-fallback"}
    entries = [entry("@cf/stub/down"), entry("@cf/nobody/has-it"), entry(LLAMA)]
    response = httpx.post(gateway.address, json=entries, headers=headers, timeout=30)

    assert (response.status_code, response.headers["cf-aig-step"]) == (200, "2")
    assert response.json()["result"]["response"] == "Grüße 👋"
    down, unnamed, _ = gateway.rows_of_event("own-fallback", 3)
    assert (down["status_code"], down["error_code"]) == (502, 2005)
    assert (unnamed["status_code"], unnamed["provider_error"]) == (400, "5007")


def test_a_server_that_is_down_is_tried_again_and_named(gateway: Gateway) -> None:
    url = f"{gateway.address}/workers-ai/@cf/stub/down"
    headers = {"cf-aig-event-id": "own-down", "cf-aig-max-attempts": "2"}
    headers["cf-aig-retry-delay"] = "1"

    response = httpx.post(url, json={"prompt": "Hello"}, headers=headers, timeout=30)

    assert response.status_code == 502
    assert "127.0.0.1:9" in response.text
    gateway.rows_of_event("own-down", 2)


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("@cf/nobody/has-it", {"prompt": "Hi"}, "WORKERS_AI names neither it nor *"),
        (LLAMA, {"prompt": "A cat", "num_steps": 4}, "WORKERS_AI runs chats and embeddings alone"),
        ("v1/chat/completions", {"model": "@cf/x/y", "messages": []}, "names neither"),
    ],
)
def test_what_no_server_runs_is_a_model_that_is_not_there(
    gateway: Gateway, path: str, body: dict[str, Any], message: str
) -> None:
    response = ask(gateway, path, "json_answer", **body)

    error = response.json()["errors"][0]
    assert (response.status_code, error["code"]) == (400, 5007)
    assert message in error["message"]


def test_an_error_of_the_server_gets_the_envelope_and_keeps_its_status(gateway: Gateway) -> None:
    native = ask(gateway, LLAMA, "own_missing", prompt="Hello")
    plain = ask(gateway, "v1/chat/completions", "own_missing", model=LLAMA, messages=MESSAGES)

    error = {"code": 404, "message": "model 'llama3.1:8b' not found"}
    assert (native.status_code, native.json()["errors"]) == (404, [error])
    assert (plain.status_code, plain.json()["error"]["type"]) == (404, "api_error")


@pytest.mark.parametrize("path", [LLAMA, "v1/chat/completions"])
def test_a_caller_who_leaves_ends_the_server_s_work(
    gateway: Gateway, upstream: ScriptedUpstream, path: str
) -> None:
    with listen(gateway, path, "stream_on_and_on", model=LLAMA, messages=MESSAGES) as response:
        next(response.iter_raw())

    assert upstream.last().abandoned()
    row = gateway.row_of(response)
    assert (row["status_code"], row["success"]) == (499, False)


def test_a_stream_that_breaks_breaks_for_the_caller(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    with listen(gateway, LLAMA, "stream_cut", prompt="Hello") as response:
        pieces = response.iter_text()
        next(pieces)
        upstream.go_on()
        with pytest.raises(httpx.RemoteProtocolError):
            next(pieces)

    row = gateway.row_of(response)
    assert (row["status_code"], row["success"]) == (200, False)


@pytest.mark.parametrize("script", ["hang", "own_half"])
def test_a_server_that_hangs_is_left_before_the_next_one_answers(
    gateway: Gateway, upstream: ScriptedUpstream, script: str
) -> None:
    entries = [entry(LLAMA, script, config={"requestTimeout": 200})]
    entries.append(entry(LLAMA, "stream_step_by_step", stream=True))

    with httpx.stream("POST", gateway.address, json=entries, timeout=30) as response:
        next(response.iter_raw())
        hanging = upstream.requests[-2]
        assert hanging.abandoned()
        upstream.go_on()

    assert response.headers["cf-aig-step"] == "1"
