"""`env.AI.run` where a server of one's own runs what Workers AI's models are called."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from env_ai.conftest import HERE, Caller, beside
from running import until
from worker.scripted import PLAY, ScriptedUpstream

LLAMA = "@cf/meta/llama-3.1-8b-instruct"
MODELS = {
    LLAMA: "gpt-5-mini",
    "@cf/baai/bge-m3": "text-embedding-3-small",
    "@cf/stub/endless": "endless",
}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream) -> Iterator[Caller]:
    state = tmp_path_factory.mktemp("own")
    given = json.dumps({"url": upstream.base_url, "models": MODELS})
    with beside(state, HERE / "caller.toml", WORKERS_AI=given) as gateway:
        yield Caller(f"{gateway.url}/caller", gateway)


def test_a_run_returns_the_output_in_both_formats(own: Caller) -> None:
    told = own.told("run")

    assert told["response"] == told["choices"][0]["message"]["content"] != ""
    assert told["usage"]["prompt_tokens"] > 0


def test_a_run_is_logged_like_any_other(own: Caller) -> None:
    told = own.told("logged")

    row = own.gateway.row(told["headers"]["cf-aig-log-id"])
    assert (row["provider"], row["model"], row["success"]) == ("workers-ai", LLAMA, True)
    assert row["tokens_out"] > 0


def test_a_stream_has_the_model_s_own_events(own: Caller) -> None:
    told = own.told("stream")

    *words, last, done = [each.removeprefix("data: ") for each in told["text"].split("\n\n")][:-1]
    assert all(json.loads(word)["response"] for word in words)
    assert json.loads(last)["usage"]["completion_tokens"] > 0
    assert done == "[DONE]"


def test_text_is_embedded(own: Caller) -> None:
    told = own.told("model", model="@cf/baai/bge-m3", inputs={"text": ["a", "b"]})

    assert told["shape"] == [2, len(told["data"][0])]


def test_the_models_are_those_that_are_named(own: Caller) -> None:
    assert [model["name"] for model in own.told("models")] == list(MODELS)


def test_a_model_that_is_not_named_is_not_there(own: Caller) -> None:
    error = own.error("model", model="@cf/deepgram/nova-3")

    assert error["message"].startswith("5007: No such model @cf/deepgram/nova-3")


def test_a_worker_that_leaves_a_stream_ends_the_run(
    own: Caller, upstream: ScriptedUpstream
) -> None:
    options = {"extraHeaders": {PLAY: "stream_on_and_on"}}

    assert own.told("leaves", options=options) == "left"

    assert upstream.last().abandoned()

    def row() -> dict[str, Any] | None:
        rows = own.gateway.ask("/logs?per_page=50").json()["result"]
        return next((row for row in rows if row["status_code"] == 499), None)

    assert until(row, "the row")["success"] is False
