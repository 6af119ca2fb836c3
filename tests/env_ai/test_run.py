"""`env.AI.run` of a Worker that has the gateway bound, in JavaScript and in Python."""

import json
from typing import Any

import httpx
import pytest

from env_ai.conftest import Caller
from running import Gateway, until

MODEL = "@cf/meta/llama-3.1-8b-instruct"
ENDLESS = "@cf/stub/endless"
SAID = "Hello from the stand-in for Workers AI."


def test_a_run_returns_the_model_s_own_output(js: Caller) -> None:
    told = js.told("run")

    assert told["response"] == SAID
    assert told["usage"]["prompt_tokens"] == 12


def test_a_run_is_logged_with_its_usage_and_its_options(js: Caller) -> None:
    told = js.told("logged")

    row = js.gateway.row(told["headers"]["cf-aig-log-id"])
    assert (row["provider"], row["model"], row["success"]) == ("workers-ai", MODEL, True)
    assert (row["tokens_in"], row["tokens_out"]) == (12, 9)
    assert (row["metadata"], row["event_id"]) == ({"team": "blue", "user": 7}, "an-event")


def test_a_stream_is_a_stream_event_by_event(js: Caller) -> None:
    told = js.told("stream")

    assert told["stream"] is True
    assert told["text"].count("data: ") == 9
    assert told["text"].endswith("data: [DONE]\n\n")


def test_a_raw_answer_has_the_headers_and_the_model_s_own_output(js: Caller) -> None:
    told = js.told("raw")

    assert json.loads(told["text"])["response"] == SAID
    assert told["headers"]["cf-aig-cache-status"] == "MISS"


def test_an_image_comes_out_as_its_bytes(js: Caller) -> None:
    assert js.told("image") == [0x89, 0x50, 0x4E, 0x47, 0, 255]


def test_a_stream_of_bytes_goes_in(js: Caller) -> None:
    assert js.told("binary") == {"text": "audio: 1000 bytes of audio/mpeg"}
    # It stays the input that it was, whatever its type says.
    assert js.told("untold") == {"text": "audio: 10 bytes of application/octet-stream"}


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("bytes", {"audio": [1, 2, 3]}),
        ("nothing", {"prompt": "Hi"}),
        ("text", {"prompt": "Hi", "content": None}),
    ],
)
def test_inputs_arrive_as_they_were_meant(js: Caller, name: str, inputs: dict[str, Any]) -> None:
    assert js.told(name)["inputs"] == inputs


def test_options_of_workers_ai_reach_it(js: Caller) -> None:
    assert js.told("options")["options"] == {
        "queueRequest": True,
        "tags": ["a", "b"],
        "returnRawResponse": True,
    }


def test_an_answer_is_kept_where_the_caller_asks_for_it(js: Caller) -> None:
    first = js.told("cached")

    def hit() -> Any:
        told = js.told("cached")
        return told if told["headers"]["cf-aig-cache-status"] == "HIT" else None

    assert until(hit, "a hit")["text"] == first["text"]


def test_a_model_of_another_provider_runs_with_the_stored_key(js: Caller) -> None:
    with js.gateway.another("with-key") as place:
        place.store("openai", "sk-stored")
        options = {"gateway": {"id": "with-key"}}
        inputs = {"messages": [{"role": "user", "content": "Hi"}]}

        told = js.told("model", model="openai/gpt-5-mini", inputs=inputs, options=options)

    assert told["choices"][0]["message"]["role"] == "assistant"


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("@cf/stub/throws", "3040: Capacity temporarily exceeded"),
        ("@cf/stub/out-of-capacity", "3040: Capacity temporarily exceeded"),
        ("@cf/stub/no-neurons", "3036: You have used up your daily free allocation"),
        ("@cf/stub/no-model", "5007: No such model"),
        ("nobody/x", "2008: Invalid provider 'nobody'"),
        ("dynamic/x", "7503: "),
        ("openai/gpt-5", "7502: No key for provider 'openai'"),
        ("@cf/../x", "7001: "),
        ("@cf/stub/crashes", "2005: Failed to get response from provider"),
    ],
)
def test_an_error_has_the_shape_of_the_binding_s_and_no_traceback(
    js: Caller, model: str, message: str
) -> None:
    error = js.error("model", model=model)

    assert error["name"] == "InferenceUpstreamError"
    assert error["message"].startswith(message)
    assert ".py" not in error["message"] + error["stack"]


def test_a_run_that_lacks_capacity_is_tried_again(js: Caller, stand_in: Any) -> None:
    options = {"gateway": {"retries": {"maxAttempts": 3, "retryDelayMs": 1}}}

    assert js.told("model", model="@cf/stub/once-full", options=options)["response"] == SAID
    assert stand_in()["runs"]["@cf/stub/once-full"] == 2


def test_spent_neurons_are_not_asked_for_again(js: Caller, stand_in: Any) -> None:
    before = stand_in()["runs"].get("@cf/stub/no-neurons", 0)
    options = {"gateway": {"retries": {"maxAttempts": 3, "retryDelayMs": 1}}}

    js.error("model", model="@cf/stub/no-neurons", options=options)

    assert stand_in()["runs"]["@cf/stub/no-neurons"] == before + 1


def test_a_run_that_hangs_ends_with_the_caller_s_timeout(js: Caller) -> None:
    options = {"gateway": {"requestTimeoutMs": 200}}

    error = js.error("model", model="@cf/stub/hangs", options=options)

    assert "no first byte" in error["message"]


def test_a_stream_that_breaks_breaks_for_the_caller_and_is_no_success(js: Caller) -> None:
    js.error("streamed", model="@cf/stub/breaks")

    row = until(lambda: row_of(js.gateway, "@cf/stub/breaks"), "the row")
    assert (row["success"], row["status_code"]) == (False, 200)


def test_a_worker_that_leaves_a_stream_ends_the_run(js: Caller, stand_in: Any) -> None:
    before = rows_of(js.gateway, ENDLESS)

    assert js.told("leaves") == "left"

    stops_and_is_499(js.gateway, stand_in, before)


def test_a_caller_that_leaves_the_worker_ends_the_run(js: Caller, stand_in: Any) -> None:
    before = rows_of(js.gateway, ENDLESS)

    with httpx.stream("POST", f"{js.url}/passed", json={"model": ENDLESS}, timeout=60) as answer:
        next(answer.iter_bytes())

    stops_and_is_499(js.gateway, stand_in, before)


def stops_and_is_499(gateway: Gateway, stand_in: Any, before: list[dict[str, Any]]) -> None:
    said: list[int] = []

    def has_stopped() -> bool | None:
        # Of a stream that goes on, an event comes in the time between two looks.
        said.append(stand_in()["endless"])
        return (len(said) >= 25 and said[-1] == said[-25]) or None

    def new() -> dict[str, Any] | None:
        return next((row for row in rows_of(gateway, ENDLESS) if row not in before), None)

    until(has_stopped, "the run to be given up")
    row = until(new, "the row")
    assert (row["success"], row["status_code"]) == (False, 499)


def test_a_date_arrives_as_javascript_writes_it(js: Caller) -> None:
    assert js.told("dated")["inputs"] == {"at": "2025-06-15T15:06:40.123Z"}


def test_a_property_of_the_binding_is_no_value(js: Caller) -> None:
    assert js.told("property") == "function"
    assert js.error("noId")["name"] == "DataCloneError"


def test_a_form_is_no_input_and_a_number_that_json_has_not_is_refused(js: Caller) -> None:
    assert js.error("form")["name"] == "DataCloneError"
    assert js.error("nan")["message"].startswith("7001: ")


def test_options_that_are_not_known_change_nothing(js: Caller) -> None:
    options = {"prefix": "x", "sessionOptions": {"extraHeaders": {"x-session-affinity": "a"}}}

    assert js.told("model", model=MODEL, options=options)["response"] == SAID
    assert js.told("beta") == "string"


@pytest.mark.parametrize("method", ["getLogs", "toMarkdown", "autorag", "aiSearch", "websearch"])
def test_what_the_gateway_has_not_is_a_type_error(js: Caller, method: str) -> None:
    assert js.error("absent", method=method)["name"] == "TypeError"


def test_a_binding_is_no_way_to_the_gateway_s_addresses(js: Caller) -> None:
    error = js.error("fetched")

    assert error["name"] == "TypeError"
    assert ".py" not in error["message"] + error["stack"]


def test_what_a_header_cannot_hold_is_refused(js: Caller) -> None:
    error = js.error("model", model=MODEL, options={"gateway": {"cacheKey": "ключ"}})

    assert error["message"].startswith("7001: ")


@pytest.mark.parametrize("name", ["worker-js", "worker-python"])
def test_an_example_streams_an_answer(bound: Gateway, name: str) -> None:
    page = httpx.get(f"{bound.url}/{name}", timeout=60)
    answer = httpx.get(f"{bound.url}/{name}?question=What", timeout=60)

    assert page.headers["content-type"].startswith("text/html")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.endswith("data: [DONE]\n\n")


def test_a_python_worker_reads_the_log(bound: Gateway) -> None:
    told = httpx.get(f"{bound.url}/worker-python?logged=What", timeout=60).json()

    assert told["answer"]["response"] == SAID
    assert (told["model"], told["metadata"]) == (MODEL, {"app": "worker-python"})


def row_of(gateway: Gateway, model: str) -> dict[str, Any] | None:
    return next(iter(rows_of(gateway, model)), None)


def rows_of(gateway: Gateway, model: str) -> list[dict[str, Any]]:
    rows = gateway.ask("/logs?per_page=50").json()["result"]
    return [row for row in rows if row["model"] == model]
