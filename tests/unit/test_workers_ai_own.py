"""Workers AI's models on a server that speaks OpenAI's format: what is asked, what is told."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from call import Ask, Target
from dialects.workers_ai import WORKERS_AI
from dialects.workers_ai_own import Asked, asked
from dialects.workers_ai_run import run
from fakes import a_call

MODEL = "@cf/meta/llama-3.1-8b-instruct"
USED = {"prompt_tokens": 12, "completion_tokens": 9, "total_tokens": 21}
HI = [{"role": "user", "content": "Hi"}]
CALL = {
    "id": "call_x",
    "type": "function",
    "function": {"name": "weather", "arguments": '{"city": "Rome"}'},
}


def asking(fields: Mapping[str, Any], path: str = MODEL, query: str = "") -> Asked | None:
    ask = Ask(text=json.dumps(fields))
    call = replace(a_call(ask=ask), target=Target("workers-ai", path, query))
    return asked(run(call), "llama3.1:8b")


def told(fields: Mapping[str, Any], path: str = MODEL) -> Asked:
    found = asking(fields, path)
    assert found
    return found


def sent(fields: Mapping[str, Any], path: str = MODEL) -> tuple[str, dict[str, Any]]:
    found = told(fields, path)
    return found.path, json.loads(found.body)


def result(fields: Mapping[str, Any], answer: Mapping[str, Any]) -> Any:
    translate = told(fields).answer
    assert translate
    status, text = translate(200, json.dumps(answer))
    enveloped = json.loads(text)
    assert (status, enveloped["success"], enveloped["errors"]) == (200, True, [])
    return enveloped["result"]


def chat(**message: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
    return {"object": "chat.completion", "model": "l", "choices": [choice], "usage": USED}


def test_messages_are_a_chat_of_the_model_that_is_mapped() -> None:
    assert sent({"messages": HI, "temperature": 0.5, "top_k": 3}) == (
        "chat/completions",
        {"messages": HI, "temperature": 0.5, "top_k": 3, "model": "llama3.1:8b"},
    )


def test_a_prompt_is_a_chat_and_a_raw_one_is_not() -> None:
    assert sent({"prompt": "Hi", "raw": False}) == (
        "chat/completions",
        {"messages": HI, "model": "llama3.1:8b"},
    )
    assert sent({"prompt": "[INST]Hi", "raw": True, "max_tokens": 5}) == (
        "completions",
        {"prompt": "[INST]Hi", "max_tokens": 5, "model": "llama3.1:8b"},
    )


def test_messages_are_never_raw() -> None:
    path, body = sent({"messages": HI, "raw": True, "prompt": "x"})

    assert (path, body) == ("chat/completions", {"messages": HI, "model": "llama3.1:8b"})


def test_a_stream_is_asked_for_with_its_usage() -> None:
    _, body = sent({"prompt": "Hi", "stream": True})

    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})


def test_tools_in_the_words_of_workers_ai_are_openai_s() -> None:
    mine = {"name": "weather", "description": "d", "parameters": {"type": "object"}}
    theirs = {"type": "function", "function": mine}

    _, body = sent({"messages": HI, "tools": [mine, theirs]})

    assert body["tools"] == [theirs, theirs]


def test_results_of_tools_get_the_ids_of_their_calls() -> None:
    named = {"name": "weather", "arguments": {"city": "Rome"}}
    messages = [
        *HI,
        {"role": "assistant", "content": "", "tool_calls": [named, named]},
        {"role": "tool", "name": "weather", "content": "sunny"},
        {"role": "tool", "name": "weather", "content": "rain", "tool_call_id": "given"},
        {"role": "tool", "name": "weather", "content": "snow"},
    ]

    _, body = sent({"messages": messages})

    _, assistant, first, given, second = body["messages"]
    ids = [call["id"] for call in assistant["tool_calls"]]
    assert assistant["tool_calls"][0]["function"] == CALL["function"]
    assert len(set(ids)) == 2
    assert [first["tool_call_id"], second["tool_call_id"]] == ids
    assert given["tool_call_id"] == "given"


def test_a_schema_gets_the_name_that_openai_wants() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    wanted = {"type": "json_schema", "json_schema": schema}

    _, body = sent({"messages": HI, "response_format": wanted})

    assert body["response_format"]["json_schema"] == {"name": "answer", "schema": schema}
    whole = {"type": "json_schema", "json_schema": {"name": "mine", "schema": schema}}
    assert sent({"messages": HI, "response_format": whole})[1]["response_format"] == whole


def test_text_is_embedded() -> None:
    assert sent({"text": ["a", "b"], "pooling": "cls"}) == (
        "embeddings",
        {"model": "llama3.1:8b", "input": ["a", "b"]},
    )


def test_input_is_a_response_and_its_output_stays_openai_s() -> None:
    answer: dict[str, Any] = {"output": [], "usage": {"input_tokens": 1}}

    assert sent({"input": "Hi", "instructions": "x"})[0] == "responses"
    assert result({"input": "Hi"}, answer) == answer


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("chat/completions", {"messages": HI, "stream": True}),
        ("embeddings", {"input": "a", "encoding_format": "base64"}),
        ("responses", {"input": "Hi"}),
    ],
)
def test_who_speaks_openai_s_format_gets_what_the_server_says(
    path: str, fields: dict[str, Any]
) -> None:
    found = told(fields | {"model": MODEL}, f"v1/{path}")

    assert (found.path, json.loads(found.body)) == (path, fields | {"model": "llama3.1:8b"})
    assert (found.answer, found.event) == (None, None)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"prompt": "A cat", "num_steps": 4},
        {"prompt": "A cat", "width": 512},
        {"prompt": "What is it?", "image": [1, 2]},
        {"prompt": "Hallo", "lang": "de"},
        {"text": "Hallo", "target_lang": "en"},
        {"text": "Hi", "speaker": "luna"},
        {"audio": [1]},
        {"query": "a", "contexts": [{"text": "b"}]},
        {"requests": [{"prompt": "Hi"}]},
    ],
)
def test_other_tasks_are_not_asked_for(fields: dict[str, Any]) -> None:
    assert asking(fields) is None


def test_a_batch_is_not_answered_at_once() -> None:
    assert asking({"prompt": "Hi"}, query="queueRequest=false")
    assert asking({"prompt": "Hi"}, query="queueRequest=true") is None


def test_a_chat_is_told_in_both_formats() -> None:
    answer = chat(content="Hello")

    assert result({"prompt": "Hi"}, answer) == answer | {"response": "Hello"}


def test_a_raw_completion_is_told_in_both_formats() -> None:
    answer = {"choices": [{"text": "Hello", "index": 0}], "usage": USED}

    assert result({"prompt": "Hi", "raw": True}, answer) == answer | {"response": "Hello"}


def test_a_call_of_a_tool_has_its_arguments_as_an_object() -> None:
    broken = CALL | {"function": {"name": "weather", "arguments": '{"city'}}

    output = result({"messages": HI}, chat(content=None, tool_calls=[CALL, broken]))

    assert output["response"] is None
    assert output["tool_calls"] == [
        {"name": "weather", "arguments": {"city": "Rome"}},
        {"name": "weather", "arguments": '{"city'},
    ]
    assert output["choices"][0]["message"]["tool_calls"][0] == CALL


@pytest.mark.parametrize(("said", "response"), [('{"a": 1}', {"a": 1}), ("{a", "{a"), (None, None)])
def test_what_was_asked_for_as_json_is_an_object(said: str | None, response: object) -> None:
    fields = {"messages": HI, "response_format": {"type": "json_object"}}

    assert result(fields, chat(content=said))["response"] == response
    assert result({"messages": HI}, chat(content=said))["response"] == said


def test_vectors_come_in_their_order_with_their_shape() -> None:
    listed = [{"index": 1, "embedding": [0.5, 1]}, {"index": 0, "embedding": [1, 2]}]

    output = result({"text": ["a", "b"]}, {"object": "list", "data": listed, "usage": USED})

    assert output == {"shape": [2, 2], "data": [[1, 2], [0.5, 1]], "usage": USED}


@pytest.mark.parametrize("status", [400, 404, 429, 503])
def test_an_error_of_the_server_keeps_its_status_and_gets_the_envelope(status: int) -> None:
    translate = told({"prompt": "Hi"}).answer
    assert translate

    code, text = translate(status, '{"error": {"message": "model \'x\' not found"}}')

    assert (code, json.loads(text)["success"]) == (status, False)
    assert json.loads(text)["errors"] == [{"code": status, "message": "model 'x' not found"}]
    assert WORKERS_AI.failure(code, text, {}).retryable is (status in (429, 503))


@pytest.mark.parametrize("text", ["", "<html>", "{}", "[]", '{"choices": []}', '{"data": []}'])
@pytest.mark.parametrize("fields", [{"prompt": "Hi"}, {"text": "Hi"}, {"input": "Hi"}])
def test_what_is_no_answer_is_the_server_s_fault(fields: dict[str, Any], text: str) -> None:
    translate = told(fields).answer
    assert translate

    status, error = translate(200, text)

    assert (status, json.loads(error)["errors"][0]["code"]) == (502, 502)


def test_an_error_behind_a_200_is_told() -> None:
    translate = told({"prompt": "Hi"}).answer
    assert translate

    status, error = translate(200, '{"error": {"message": "Out of memory"}}')

    assert (status, json.loads(error)["errors"][0]["message"]) == (502, "Out of memory")
