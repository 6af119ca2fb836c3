"""Workers AI's models on a server of one's own that speaks OpenAI's format, without a token."""

import json
from typing import Any

import httpx
import pytest

from running import Gateway, until
from worker.own_models import LLAMA, MESSAGES, ask, listen
from worker.scripted import PLAY, ScriptedUpstream, Wire
from worker.scripts import CHAT, DONE, USAGE, event, stream_head

NAMED = {"name": "weather", "arguments": '{"city": "Rome"}'}
CALLED = {
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "call_x", "type": "function", "function": NAMED}],
            },
            "finish_reason": "tool_calls",
        }
    ],
}
VECTORS = {
    "object": "list",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 1, -1]}],
    "usage": {"prompt_tokens": 3, "total_tokens": 3},
}


async def own_tool_call(wire: Wire) -> None:
    await wire.whole("200 OK", "application/json", json.dumps(CALLED).encode())


async def own_vectors(wire: Wire) -> None:
    await wire.whole("200 OK", "application/json", json.dumps(VECTORS).encode())


async def own_stream_unended(wire: Wire) -> None:
    """Send events with CR for line ends, the last one without its blank line."""
    await stream_head(wire)
    for part in ((event("Hel") + event("lo")).replace(b"\n", b"\r").rstrip(b"\r"), b""):
        await wire.chunk(part)


@pytest.fixture(autouse=True, scope="module")
def _scripts(upstream: ScriptedUpstream) -> None:
    upstream.learn(own_tool_call, own_vectors, own_stream_unended)


def events(text: str) -> list[Any]:
    data = [each.removeprefix("data: ") for each in text.split("\n\n") if each]
    return [each if each == "[DONE]" else json.loads(each) for each in data]


@pytest.mark.parametrize("path", [LLAMA, f"run/{LLAMA}"])
def test_a_model_is_run_by_the_server_that_is_named(
    gateway: Gateway, upstream: ScriptedUpstream, path: str
) -> None:
    response = ask(gateway, path, "json_answer", prompt="Hello")

    told = response.json()
    assert (response.status_code, told["success"], told["result"]["response"]) == (
        200,
        True,
        "Grüße 👋",
    )
    assert told["result"]["choices"] == json.loads(CHAT)["choices"]
    sent = upstream.last()
    assert (sent.target, sent.header("authorization")) == ("/v1/chat/completions", "Bearer sk-own")
    assert json.loads(sent.body) == {"messages": MESSAGES, "model": "llama3.1:8b"}


def test_a_run_is_a_row_with_its_usage_and_no_price(gateway: Gateway) -> None:
    row = gateway.row_of(ask(gateway, LLAMA, "json_answer", messages=MESSAGES))

    assert (row["provider"], row["model"], row["success"]) == ("workers-ai", LLAMA, True)
    assert (row["tokens_in"], row["tokens_out"]) == (12, 7)
    assert (row["cost"], row["flags"]) == (None, ["cost_unknown"])


def test_the_caller_s_own_price_is_the_cost(gateway: Gateway) -> None:
    url = f"{gateway.address}/workers-ai/{LLAMA}"
    headers = {PLAY: "json_answer", "cf-aig-custom-cost": '{"total_cost": 0}'}

    row = gateway.row_of(httpx.post(url, json={"prompt": "Hi"}, headers=headers))

    assert (row["cost"], row["custom_cost"], row["flags"]) == (0, True, [])


def test_a_stream_is_told_in_the_model_s_own_words_as_it_comes(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    with listen(gateway, LLAMA, "stream_step_by_step", prompt="Hello") as response:
        pieces = response.iter_text()
        first = next(pieces)
        upstream.go_on()
        rest = "".join(pieces)

    used = {"prompt_tokens": 12, "completion_tokens": 7}
    assert events(first) == [{"response": "first"}]
    assert events(rest) == [{"response": "second"}, {"response": "", "usage": used}, "[DONE]"]
    assert json.loads(upstream.last().body)["stream_options"] == {"include_usage": True}
    row = gateway.row_of(response)
    assert (row["tokens_in"], row["tokens_out"], row["success"]) == (12, 7, True)


def test_the_last_event_is_told_though_nothing_but_the_end_follows_it(gateway: Gateway) -> None:
    with listen(gateway, LLAMA, "own_stream_unended", prompt="Hello") as response:
        told = response.read()

    assert told == b'data: {"response": "Hel"}\n\ndata: {"response": "lo"}\n\n'


def test_a_call_of_a_tool_is_told_in_both_formats(gateway: Gateway) -> None:
    tools = [{"name": "weather", "parameters": {"type": "object"}}]

    told = ask(gateway, LLAMA, "own_tool_call", messages=MESSAGES, tools=tools).json()["result"]

    assert told["tool_calls"] == [{"name": "weather", "arguments": {"city": "Rome"}}]
    assert told["choices"] == CALLED["choices"]


@pytest.mark.parametrize("script", ["json_gzipped", "json_gzipped_in_chunks", "json_in_chunks"])
def test_an_answer_may_come_packed_and_in_pieces(gateway: Gateway, script: str) -> None:
    response = ask(gateway, LLAMA, script, prompt="Hello")

    assert response.json()["result"]["response"] == "Grüße 👋"


def test_text_is_embedded(gateway: Gateway, upstream: ScriptedUpstream) -> None:
    response = ask(gateway, "@cf/baai/bge-m3", "own_vectors", text="a")

    assert response.json()["result"] == {
        "shape": [1, 3],
        "data": [[0.5, 1, -1]],
        "usage": VECTORS["usage"],
    }
    assert upstream.last().target == "/v1/embeddings"
    assert json.loads(upstream.last().body) == {"model": "bge-m3", "input": "a"}
    assert gateway.row_of(response)["tokens_in"] == 3


def test_below_v1_the_server_s_answer_stays_as_it_is(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    chat = ask(gateway, "v1/chat/completions", "json_answer", model=LLAMA, messages=MESSAGES)
    vectors = ask(gateway, "v1/embeddings", "own_vectors", model="@cf/baai/bge-m3", input="a")

    assert (chat.content, vectors.json()) == (CHAT, VECTORS)
    asked = upstream.requests[-2:]
    assert [one.target for one in asked] == ["/v1/chat/completions", "/v1/embeddings"]
    assert [json.loads(one.body)["model"] for one in asked] == ["llama3.1:8b", "bge-m3"]


def test_below_v1_a_stream_passes_byte_for_byte(gateway: Gateway) -> None:
    path = "v1/chat/completions"
    with listen(gateway, path, "stream", model=LLAMA, messages=MESSAGES) as response:
        content = response.read()

    assert content == event("Hello ") + event("world") + USAGE + DONE
    assert gateway.row_of(response)["tokens_out"] == 7


def test_an_answer_is_kept_like_any_other(gateway: Gateway) -> None:
    url = f"{gateway.address}/workers-ai/{LLAMA}"
    headers = {PLAY: "json_answer", "cf-aig-cache-ttl": "60"}
    first = httpx.post(url, json={"prompt": "Keep this"}, headers=headers)

    def hit() -> httpx.Response | None:
        again = httpx.post(url, json={"prompt": "Keep this"}, headers=headers)
        return again if again.headers["cf-aig-cache-status"] == "HIT" else None

    assert until(hit, "a hit").content == first.content


def test_with_a_token_a_request_goes_to_cloudflare_as_before(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    url = f"{gateway.address}/workers-ai/{LLAMA}"
    headers = {PLAY: "json_answer", "authorization": "Bearer cf"}

    httpx.post(url, json={"prompt": "Hello"}, headers=headers)

    sent = upstream.last()
    assert sent.target.startswith("/workers-ai/client/v4/accounts/")
    assert sent.header("authorization") == "Bearer cf"
