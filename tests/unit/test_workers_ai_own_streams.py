"""Streams of a server that speaks OpenAI's format, as those of Workers AI's models."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call import Usage
from dialects.workers_ai import WORKERS_AI
from dialects.workers_ai_own import Asked, Words, asked
from ports import Run

USED = {"prompt_tokens": 12, "completion_tokens": 9, "total_tokens": 21}


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **more: Any) -> str:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    return json.dumps({"object": "chat.completion.chunk", "choices": choices, **more})


def call(index: int, **function: str) -> dict[str, Any]:
    return {"tool_calls": [{"index": index, "function": function}]}


def events(*data: str) -> list[Any]:
    words = Words()
    told = [each for one in data for each in words(one)]
    return [each if each == "[DONE]" else json.loads(each) for each in told]


def test_a_chat_is_told_word_by_word_and_then_its_usage() -> None:
    assert events(
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": "Hel"}),
        chunk({"content": "lo"}, usage=None),
        chunk({}, "stop"),
        chunk(usage=USED),
        "[DONE]",
    ) == [{"response": "Hel"}, {"response": "lo"}, {"response": "", "usage": USED}, "[DONE]"]


def test_a_completion_is_told_word_by_word() -> None:
    data = json.dumps({"choices": [{"index": 0, "text": "Hi"}]})

    assert events(data) == [{"response": "Hi"}]


def test_calls_of_tools_are_told_whole() -> None:
    told = events(
        chunk(call(0, name="weather", arguments="")),
        chunk(call(1, name="time", arguments="{}")),
        chunk(call(0, arguments='{"city":')),
        chunk(call(0, arguments=' "Rome"}')),
        chunk({}, "tool_calls"),
        "[DONE]",
    )

    named = {"name": "weather", "arguments": {"city": "Rome"}}
    assert told == [{"tool_calls": [named, {"name": "time", "arguments": {}}]}, "[DONE]"]


def test_of_several_choices_the_first_is_told() -> None:
    second = json.dumps({"choices": [{"index": 1, "delta": {"content": "b"}}]})

    assert events(chunk({"content": "a"}), second) == [{"response": "a"}]


def test_a_stream_that_breaks_has_no_end_and_no_half_a_call() -> None:
    assert events(chunk(call(0, name="weather", arguments='{"ci'))) == []


@pytest.mark.parametrize(
    "data",
    ['{"error": {"message": "Full"}}', '{"choices": [], "error": {"code": 1}}', "x", "[]", "{}"],
)
def test_what_is_no_chunk_stays(data: str) -> None:
    assert Words()(data) == [data]


def test_the_log_reads_what_is_told() -> None:
    words = Words()
    data = [chunk({"content": "Hi"}), chunk({}, "stop"), chunk(usage=USED), "[DONE]"]
    text = "".join(f"data: {each}\n\n" for one in data for each in words(one))

    report = WORKERS_AI.stream_report(text)

    assert (report.usage, report.complete) == (Usage(12, 9), True)
    assert WORKERS_AI.stream_report(text.removesuffix("data: [DONE]\n\n")).complete is False


NAMES = """
choices message delta content text tool_calls function name arguments data index embedding usage
error finish_reason messages prompt tools role response_format json_schema input stream raw
"""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES.split()), inner, max_size=4)
    ),
    max_leaves=12,
)
TEXTS = st.text() | JSON.map(json.dumps)


def native(inputs: str) -> Asked | None:
    return asked(Run("@cf/a/b", inputs, "{}", lambda _, text: text, lambda _: None), "x")


@given(TEXTS, TEXTS, st.sampled_from([200, 400, 500]))
def test_nothing_that_is_said_is_too_strange(inputs: str, answer: str, status: int) -> None:
    found = native(inputs)
    known = [native('{"messages":[]}'), native('{"text":"a"}'), native('{"input":"a"}')]
    for each in filter(None, [found, *known]):
        json.loads(each.body)
        assert each.answer
        told, text = each.answer(status, answer)
        assert told in (status, 502)
        assert text.encode()
        assert json.loads(text) is not None


@given(st.lists(TEXTS | st.just("[DONE]")))
def test_no_event_is_too_strange(data: list[str]) -> None:
    words = Words()
    for each in data:
        for told in words(each):
            assert isinstance(told, str)
