"""Errors in answers of status 200, and in whole answers, in OpenAI's dialect."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from call import Failure
from dialects.anthropic import ANTHROPIC
from dialects.openai import OPENAI

Spell = Callable[[dict[str, Any]], str]
CHUNK = {"choices": [{"delta": {"content": "a"}}]}


def data(*payloads: object) -> str:
    return "".join(f"data: {json.dumps(payload)}\n\n" for payload in payloads)


def whole(payload: object) -> str:
    return json.dumps(payload)


def retryable(payload: dict[str, Any], spell: Spell) -> bool | None:
    failure = OPENAI.hidden(spell(payload))
    return failure and failure.retryable


@pytest.mark.parametrize("spell", [whole, data])
@pytest.mark.parametrize(
    ("error", "passes"),
    [
        ({"code": 502}, True),
        ({"code": 429}, True),
        ({"code": 408}, True),
        ({"code": 402}, False),
        ({"code": 403, "type": "rate_limit_error"}, False),
        ({"code": "503"}, True),
        ({"code": "1500"}, True),
        ({"code": 501}, False),
        ({"code": 429, "type": "insufficient_quota"}, False),
        ({"code": "rate_limit_exceeded"}, True),
        ({"code": "rate_limit_exceeded", "type": "invalid_request_error"}, True),
        ({"type": "overloaded_error"}, True),
        ({"type": "server_error", "code": None}, True),
        ({"type": "api_error"}, True),
        ({"type": "internal_server_error"}, True),
        ({"message": "something else"}, True),
        ({"type": "invalid_request_error"}, False),
        ({"type": "authentication_error"}, False),
        ({"type": "permission_error"}, False),
        ({"code": "model_not_found"}, False),
        ({"code": "insufficient_quota"}, False),
        ({"code": "context_length_exceeded"}, False),
        ({"type": "billing_error"}, False),
        ("Overloaded", True),
        (1, True),
    ],
)
def test_the_words_of_an_error_tell_whether_it_passes(
    error: object, passes: bool, spell: Spell
) -> None:
    assert retryable({"error": error}, spell) is passes


def test_a_status_beside_an_error_counts_as_its_own() -> None:
    assert retryable({"error": {"message": "x"}, "status_code": 400}, data) is False
    assert retryable({"error": {"type": "invalid"}, "status_code": 500}, data) is True


def test_an_event_may_be_an_error_by_its_type_or_name_alone() -> None:
    told = Failure("server_error", "x", retryable=True)

    assert OPENAI.hidden(data({"type": "error", "code": "server_error", "message": "x"})) == told
    text = data({"code": "server_error", "message": "x"})
    assert OPENAI.hidden(f"event: error\n{text}") == told
    assert OPENAI.hidden(f"event:error\r\n{text}") == told
    assert OPENAI.hidden(data({"type": "error"})) == Failure(None, None, retryable=True)
    assert OPENAI.hidden("event: error\ndata: x\n\n") == Failure(None, None, retryable=True)


@pytest.mark.parametrize(
    "before",
    [
        "",
        ": OPENROUTER PROCESSING\n\n",
        ": keep-alive\r\n\r\n: keep-alive\r\n\r\n",
        "\n\n\n",
        "id: 1\n\n",
        'event: ping\ndata: {"type":"ping"}\n\n',
        "event: ping\ndata: {}\n\n",
        'data: {"type":"response.created","response":{"error":null}}\n\n',
    ],
)
def test_what_says_nothing_before_an_error_is_passed_over(before: str) -> None:
    told = Failure("502", "x", retryable=True)
    error = {"error": {"code": 502, "message": "x"}}

    assert OPENAI.hidden(before + data(error)) == told
    assert OPENAI.hidden(before + data(error).replace("\n", "\r\n")) == told
    assert OPENAI.hidden(before + f"data:{json.dumps(error)}") == told


@pytest.mark.parametrize(
    "said",
    [
        {"choices": [{"message": {"content": "a"}}]},
        {"choices": [{"message": {"content": None, "tool_calls": [{"id": "1"}]}}]},
        {"output": [{"type": "message"}]},
    ],
)
def test_an_error_beside_words_is_not_hidden_but_leaves_an_answer_incomplete(
    said: dict[str, Any],
) -> None:
    text = whole(said | {"error": {"code": 502}})

    assert OPENAI.hidden(text) is None
    assert OPENAI.report(text).complete is False


@pytest.mark.parametrize(
    "answer",
    [
        {"error": {"code": 502}},
        {"error": "x"},
        {"type": "error", "code": "server_error"},
        {"choices": [{"message": {"content": ""}, "finish_reason": "error"}]},
        {"choices": [{"finish_reason": "insufficient_system_resource"}]},
        {"type": "error", "error": {"type": "api_error"}},
    ],
)
def test_a_whole_answer_of_failure_is_not_complete(answer: dict[str, Any]) -> None:
    assert OPENAI.report(whole(answer)).complete is False
    assert ANTHROPIC.report(whole(answer)).complete is False


def test_a_named_error_leaves_a_stream_incomplete() -> None:
    text = data(CHUNK) + 'event: error\ndata: {"message":"x"}\n\n' + "data: [DONE]\n\n"

    assert OPENAI.stream_report(text).complete is False
