"""Workers AI through the binding: what is run, and what its answers become."""

import json
from dataclasses import replace
from typing import Any

import pytest

from call import Ask, Call, Request, Target
from dialects.workers_ai_run import refused, run, unwrapped
from errors import BadBody, BadPath, MethodNotAllowed, MissingKey
from fakes import ID, Bench, FakeAi, FakeBody, a_call, an_answer
from ports import Ports

MODEL = "@cf/meta/llama-3.1-8b-instruct"
USED = {"prompt_tokens": 12, "completion_tokens": 9, "total_tokens": 21}


def call_of(path: str, body: dict[str, Any] | None, query: str = "") -> Call:
    text = None if body is None else json.dumps(body)
    return replace(a_call(ask=Ask(text=text)), target=Target("workers-ai", path, query))


@pytest.mark.parametrize("path", [MODEL, f"run/{MODEL}", MODEL.replace("@", "%40")])
def test_a_native_path_names_the_model_and_its_body_is_the_input(path: str) -> None:
    told = run(call_of(path, {"prompt": "Hi"}, "queueRequest=true&tags=a,b&other=1"))

    assert (told.model, json.loads(told.inputs)) == (MODEL, {"prompt": "Hi"})
    assert json.loads(told.options) == {"queueRequest": True, "tags": ["a", "b"]}


def test_bytes_are_run_with_what_the_query_says_of_them() -> None:
    told = run(call_of("@cf/deepgram/nova-3", None, "language=it"))

    assert json.loads(told.inputs) == {"language": "it"}


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PUT"])
def test_nothing_is_run_by_another_method_than_post(method: str) -> None:
    call = call_of(MODEL, None, "prompt=Hi")

    with pytest.raises(MethodNotAllowed):
        run(replace(call, request=replace(call.request, method=method)))


@pytest.mark.parametrize("text", ["", "{", "[]", '"Hi"', '{"n": NaN}'])
def test_inputs_that_are_no_json_object_are_refused_before_anything_is_run(text: str) -> None:
    call = replace(call_of(MODEL, None), ask=Ask(text=text))

    with pytest.raises(BadBody, match="it is no JSON object"):
        run(call)


def test_what_is_wrong_with_inputs_is_told_and_what_to_do_where_they_are_bytes() -> None:
    deep = '{"a":' * 201 + "1" + "}" * 201

    for text, told in ((deep, "recursion limit exceeded"), ("ID3\x03", "expected value")):
        with pytest.raises(BadBody, match=f"{told}.*content-type: audio/mpeg"):
            run(replace(call_of(MODEL, None), ask=Ask(text=text)))
        with pytest.raises(BadBody, match=told):
            run(replace(call_of("v1/chat/completions", None), ask=Ask(text=text)))


def test_no_inputs_are_a_json_object_too() -> None:
    assert run(call_of(MODEL, {})).inputs == "{}"


def test_a_native_answer_gets_the_envelope_of_the_rest_api() -> None:
    answer = run(call_of(MODEL, {"prompt": "Hi"})).answer(200, '{"response":"Hello"}')

    assert json.loads(answer) == {
        "result": {"response": "Hello"},
        "success": True,
        "errors": [],
        "messages": [],
    }
    assert json.loads(unwrapped(answer)) == {"response": "Hello"}
    assert unwrapped('{"choices":[]}') == '{"choices":[]}'


def test_a_chat_names_its_model_in_the_body_and_is_answered_as_openai_does() -> None:
    asked: dict[str, Any] = {"model": MODEL, "messages": [], "max_completion_tokens": 5}
    told = run(call_of("v1/chat/completions", asked))
    output = {
        "response": None,
        "tool_calls": [{"name": "weather", "arguments": {"city": "Rome"}}],
        "usage": USED,
    }

    assert json.loads(told.inputs) == {"messages": [], "max_tokens": 5}
    answer = json.loads(told.answer(200, json.dumps(output)))
    assert (answer["id"], answer["model"]) == (f"chatcmpl-{ID}", MODEL)
    assert (answer["object"], answer["usage"]) == ("chat.completion", USED)
    choice = answer["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["tool_calls"][0]["function"] == {
        "name": "weather",
        "arguments": '{"city": "Rome"}',
    }


def test_what_speaks_openai_s_format_already_stays_as_it_is() -> None:
    told = run(call_of("v1/chat/completions", {"model": MODEL}))
    chunk = '{"choices":[{"delta":{}}]}'

    assert told.answer(200, '{"choices": []}') == '{"choices": []}'
    assert told.event
    assert told.event(chunk) == [chunk]
    assert told.event("[DONE]") == ["[DONE]"]


def test_a_stream_becomes_chunks_and_ends_only_where_the_model_ended() -> None:
    event = run(call_of("v1/chat/completions", {"model": MODEL, "stream": True})).event
    assert event

    first = json.loads(event('{"response":"Hel","p":"x"}')[0])
    second = json.loads(event(json.dumps({"response": "lo", "usage": USED}))[0])
    finish, done = event("[DONE]")

    assert first["choices"][0]["delta"] == {"role": "assistant", "content": "Hel"}
    assert second["choices"][0]["delta"] == {"content": "lo"}
    assert (second["choices"][0]["finish_reason"], second["usage"]) == (None, USED)
    assert json.loads(finish)["choices"][0]["finish_reason"] == "stop"
    assert done == "[DONE]"


def test_embeddings_are_asked_for_and_answered_in_openai_s_format() -> None:
    told = run(call_of("v1/embeddings", {"model": "@cf/baai/bge-m3", "input": ["a", "b"]}))

    assert json.loads(told.inputs) == {"text": ["a", "b"]}
    answer = json.loads(told.answer(200, '{"shape":[2,1],"data":[[0.5],[1]]}'))
    assert [each["embedding"] for each in answer["data"]] == [[0.5], [1]]
    assert (answer["object"], answer["data"][1]["index"]) == ("list", 1)


@pytest.mark.parametrize(
    ("path", "body"), [("v1/chat/completions", {}), ("v1/other", {"model": MODEL}), ("v1/x", None)]
)
def test_what_cannot_be_run_is_refused(path: str, body: dict[str, Any] | None) -> None:
    with pytest.raises(BadPath):
        run(call_of(path, body))


@pytest.mark.parametrize(
    ("message", "status", "code"),
    [
        ("3040: Capacity temporarily exceeded", 429, 3040),
        ("3021: Too many requests", 429, 3021),
        ("AiError: 3036: Spent", 429, 3036),
        ("InferenceUpstreamError: 5007: No such model", 400, 5007),
        ("9999: News", 500, 9999),
    ],
)
def test_a_failed_run_says_status_and_code(message: str, status: int, code: int) -> None:
    told = refused(message)

    assert told
    assert (told[0], json.loads(told[1])["errors"][0]["code"]) == (status, code)


@pytest.mark.parametrize("message", ["", "Network connection lost.", "30: x"])
def test_a_failure_without_a_number_says_nothing_of_itself(message: str) -> None:
    assert refused(message) is None


def test_an_error_of_the_binding_becomes_one_of_the_rest_api() -> None:
    answer = run(call_of(MODEL, {})).answer
    told = {"internalCode": 3040, "description": "Full", "name": "AiError", "message": "x"}

    assert json.loads(answer(429, json.dumps(told)))["errors"] == [
        {"code": 3040, "message": "Full"}
    ]
    assert answer(400, '{"error":{"code":1}}') == '{"error":{"code":1}}'


def with_ai(bench: Bench, ai: FakeAi) -> Ports:
    bench.ports = replace(bench.ports, ai=ai)
    return bench.ports


def asked(**headers: str) -> Request:
    url = f"https://sluice.test/v1/acme/main/workers-ai/{MODEL}"
    given = {"content-type": "application/json", **headers}
    return Request("POST", url, given, FakeBody('{"prompt":"Hi"}'))


async def test_a_request_without_a_token_is_run_by_the_platform(bench: Bench) -> None:
    ai = FakeAi(an_answer(json.dumps({"result": {"usage": USED}, "success": True})))
    with_ai(bench, ai)

    reply = await bench.handle(asked())

    assert (reply.status, ai.runs[0].model, bench.fetch.sent) == (200, MODEL, [])
    row = bench.database.rows("logs")[0]
    assert (row["tokens_in"], row["tokens_out"], row["success"]) == (12, 9, 1)


@pytest.mark.parametrize("path", [MODEL, "v1/chat/completions"])
@pytest.mark.parametrize("kind", ["application/json", "", "application/x-www-form-urlencoded"])
async def test_json_that_is_too_long_to_be_read_is_not_run(
    bench: Bench, path: str, kind: str
) -> None:
    with_ai(bench, ai := FakeAi(an_answer("{}")))
    given = asked(**{"content-type": kind})
    url = given.url.replace(MODEL, path)

    reply = await bench.handle(replace(given, url=url, body=FakeBody(None)))

    assert (reply.status, ai.runs) == (400, [])
    assert "of more than 10 MB" in json.loads(str(reply.body))["error"][0]["message"]
    assert bench.database.rows("logs")[0]["error_code"] == BadBody.code


async def test_bytes_of_any_length_are_run(bench: Bench) -> None:
    with_ai(bench, ai := FakeAi(an_answer("{}")))

    reply = await bench.handle(
        replace(asked(**{"content-type": "audio/mpeg"}), body=FakeBody(None))
    )

    assert (reply.status, len(ai.runs)) == (200, 1)


async def test_a_request_with_a_token_goes_over_https(bench: Bench) -> None:
    ai = FakeAi(an_answer("{}"))
    with_ai(bench, ai)
    bench.fetch.script.append(an_answer("{}"))

    await bench.handle(asked(authorization="Bearer cf"))

    assert ai.runs == []
    assert bench.fetch.sent[0].headers["authorization"] == "Bearer cf"


async def test_a_stored_token_goes_before_the_platform(bench: Bench) -> None:
    ai = FakeAi(an_answer("{}"))
    with_ai(bench, ai)
    await bench.store("workers-ai", "cf-stored")
    bench.fetch.script.append(an_answer("{}"))

    await bench.handle(asked())

    assert ai.runs == []
    assert bench.fetch.sent[0].headers["authorization"] == "Bearer cf-stored"


async def test_where_the_platform_runs_nothing_a_token_is_wanted(bench: Bench) -> None:
    reply = await bench.handle(asked())

    assert (reply.status, MissingKey.code) == (400, 7502)
    assert bench.database.rows("logs")[0]["error_code"] == 7502


@pytest.mark.parametrize(
    ("charged", "cost", "flags"), [(True, True, []), (False, False, ["cost_unknown"])]
)
async def test_what_runs_elsewhere_does_not_cost_what_the_vendor_takes(
    bench: Bench, charged: bool, cost: bool, flags: list[str]
) -> None:
    answer = an_answer(json.dumps({"result": {"usage": USED}, "success": True}))
    with_ai(bench, FakeAi(answer, charged))

    await bench.handle(asked())

    row = bench.database.rows("logs")[0]
    assert (row["cost"] is not None, json.loads(row["flags"] or "[]")) == (cost, flags)
