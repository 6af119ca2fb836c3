"""Errors in answers of status 200, in every dialect that has them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call import Failure, Report
from dialects.anthropic import ANTHROPIC
from dialects.base import Dialect
from dialects.cohere import COHERE
from dialects.gemini import GEMINI
from dialects.openai import OPENAI

EVERY = pytest.mark.parametrize(
    "dialect",
    [OPENAI, ANTHROPIC, COHERE, GEMINI],
    ids=["openai", "anthropic", "cohere", "gemini"],
)
NAMES = st.sampled_from(
    ["error", "type", "message", "code", "choices", "output", "response", "x_groq", "event_type"]
) | st.sampled_from(["delta", "finish_reason", "details", "retryDelay", "violations"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["error", "ERROR"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
)

Spell = Callable[[dict[str, Any]], str]


def data(*payloads: object) -> str:
    return "".join(f"data: {json.dumps(payload)}\n\n" for payload in payloads)


def named(*payloads: dict[str, Any]) -> str:
    return "".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in payloads)


def whole(payload: object) -> str:
    return json.dumps(payload)


def plain(payload: object) -> str:
    return json.dumps(payload, indent=2)


def array(payload: object) -> str:
    return f"[{plain(payload)}\n]"


def begun_array(payload: object) -> str:
    return f"[{plain(payload)}\n"


def retryable(dialect: Dialect, payload: dict[str, Any], spell: Spell = whole) -> bool | None:
    failure = dialect.hidden(spell(payload))
    return failure and failure.retryable


CHUNK = {"choices": [{"delta": {"content": "a"}}]}


@EVERY
@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "null",
        "[]",
        "[" * 100_000,
        '{"error":null}',
        '{"error":{}}',
        '{"error":"',
        '{"message":"\\"error\\":{}"}',
        ": ping\n\n",
        "data: [DONE]\n\n",
        'data: {"error": {"code": 5',
        data(CHUNK, {"error": {"code": 502}}),
        data({"error": None} | CHUNK),
        whole({"choices": [{"message": {"content": "a"}}], "error": None}),
        whole({"object": "response", "error": None, "output": [{"error": {"code": 1}}]}),
        data({"type": "message_start"}, {"type": "error", "error": {"type": "api_error"}}),
        data({"type": "content-delta"}, {"type": "message-end", "delta": {"error": "x"}}),
        data({"candidates": [1]}, {"error": {"code": 503}}),
        '[{"candidates":[]},{"error":{"code":503}}]',
    ],
)
def test_an_ordinary_beginning_hides_nothing(dialect: Dialect, text: str) -> None:
    assert dialect.hidden(text) is None


@pytest.mark.parametrize("spell", [whole, named])
@pytest.mark.parametrize(
    ("kind", "passes"),
    [
        ("overloaded_error", True),
        ("api_error", True),
        ("timeout_error", True),
        ("rate_limit_error", True),
        ("invalid_request_error", False),
        ("authentication_error", False),
        ("billing_error", False),
        ("not_found_error", False),
        ("request_too_large", False),
        ("another_error", False),
        (None, False),
    ],
)
def test_an_error_in_place_of_a_message_passes_by_its_type(
    kind: str | None, passes: bool, spell: Spell
) -> None:
    event = {"type": "error", "error": {"type": kind, "message": "x"}}

    assert ANTHROPIC.hidden(spell(event)) == Failure(kind, "x", passes)


def test_a_months_spend_does_not_pass_wherever_it_is_told() -> None:
    error = {"type": "rate_limit_error", "details": {"error_code": "enforced_spend_limit_reached"}}

    assert retryable(ANTHROPIC, {"type": "error", "error": error}, named) is False


@pytest.mark.parametrize("dialect", [ANTHROPIC, COHERE], ids=["anthropic", "cohere"])
def test_an_error_in_openais_format_is_found_where_that_is_spoken_too(dialect: Dialect) -> None:
    told = Failure("rate_limit_exceeded", "x", retryable=True)

    text = data({"error": {"code": "rate_limit_exceeded", "message": "x"}})
    assert dialect.hidden(text) == told


@pytest.mark.parametrize(
    "end",
    [
        {"type": "message-end", "delta": {"error": "x"}},
        {"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "x"}},
        {"event_type": "stream-end", "finish_reason": "ERROR", "response": {"error": "x"}},
    ],
)
def test_a_stream_that_ends_before_it_says_anything_may_have_failed(end: dict[str, Any]) -> None:
    told = Failure(None, "x", retryable=True)
    first = {"type": "message-start", "delta": {"message": {"content": ""}}}

    assert COHERE.hidden(data(end)) == told
    assert COHERE.hidden(data(first, end)) == told


def test_lines_of_json_may_fail_too() -> None:
    lines = [{"event_type": "stream-start"}, {"event_type": "stream-end", "finish_reason": "ERROR"}]
    text = "\n".join(map(json.dumps, lines)) + "\n"

    assert COHERE.hidden(text) == Failure(None, None, retryable=True)
    assert COHERE.hidden(text.replace("ERROR", "COMPLETE")) is None


@pytest.mark.parametrize("spell", [whole, data, plain, array, begun_array])
@pytest.mark.parametrize(("code", "passes"), [(503, True), (429, True), (402, False), (400, False)])
def test_an_error_of_gemini_is_found_however_it_is_wrapped(
    spell: Spell, code: int, passes: bool
) -> None:
    error = {"code": code, "status": "SOME", "message": "x", "details": [{"retryDelay": "2s"}]}

    assert GEMINI.hidden(spell({"error": error})) == Failure("SOME", "x", passes, 2.0)


def test_an_answer_of_gemini_that_holds_an_error_is_not_complete() -> None:
    assert GEMINI.report('{"error":{"code":503}}') == Report(complete=False)


@pytest.mark.parametrize(
    ("delay", "wait"),
    [
        ("34.4s", 34.4),
        ("7s", 7.0),
        ("0s", 0.0),
        ("1m", None),
        ("s", None),
        (7, None),
        (None, None),
        ("-1s", None),
        ("1e9s", None),
        ("9" * 400 + "s", None),
    ],
)
def test_an_error_may_tell_how_long_to_wait(delay: object, wait: float | None) -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.Help"}, {"retryDelay": delay}]

    assert GEMINI.failure(429, whole({"error": {"details": details}}), {}).wait == wait


def test_a_limit_for_the_day_does_not_pass_wherever_it_is_told() -> None:
    details = [{"violations": [{"quotaId": "GenerateRequestsPerDayPerProject"}]}]

    assert retryable(GEMINI, {"error": {"code": 429, "details": details}}, data) is False


@EVERY
def test_a_long_answer_is_no_error(dialect: Dialect) -> None:
    words = json.dumps({"choices": [{"message": {"content": "an error, " * 2_000_000}}]})
    stream = data(*[CHUNK] * 200_000)

    assert dialect.hidden(words) is None
    assert dialect.hidden(stream) is None


@EVERY
@given(text=st.text() | VALUES.map(json.dumps) | st.lists(VALUES).map(lambda each: data(*each)))
def test_anything_may_be_looked_at(dialect: Dialect, text: str) -> None:
    failure = dialect.hidden(text)

    assert failure is None or isinstance(failure.retryable, bool)


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 520, 524, 529])
@EVERY
def test_a_status_that_passes_is_tried_again(dialect: Dialect, status: int) -> None:
    assert dialect.failure(status, "", {}).retryable


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422, 501, 505])
@EVERY
def test_a_status_that_lasts_is_not_tried_again(dialect: Dialect, status: int) -> None:
    assert not dialect.failure(status, "", {}).retryable
