import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call import Ask, Report, Usage
from dialects.anthropic import ask, failure, report, stream_report

UNKNOWN = Usage(None, None, None, None, None)
DEEP = "[" * 100_000
GARBAGE = ["", " ", "x", "null", "[]", "1", '"a"', '{"a":', DEEP, '{"usage":1,"message":1}']
NAMES = st.sampled_from(["type", "message", "usage", "error", "details", "model", "input_tokens"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner),
)
TEXTS = st.text() | VALUES.map(json.dumps) | st.dictionaries(NAMES, VALUES).map(json.dumps)


def event(kind: str, **fields: object) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind} | fields)}\n\n"


def start(**usage: object) -> str:
    return event("message_start", message={"model": "claude", "content": [], "usage": usage})


def words(text: str) -> str:
    return event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})


def delta(**usage: object) -> str:
    return event("message_delta", delta={"stop_reason": "end_turn"}, usage=usage)


STOP = event("message_stop")
ERROR = event("error", error={"type": "overloaded_error", "message": "Overloaded"})
START = start(
    input_tokens=10, cache_read_input_tokens=200, cache_creation_input_tokens=30, output_tokens=2
)
STARTED = Usage(tokens_in=240, cached=200, cache_write=30)
ENDED = Usage(tokens_in=240, tokens_out=50, cached=200, cache_write=30)


@pytest.mark.parametrize(
    ("path", "model_type"),
    [
        ("v1/messages", "text-generation"),
        ("v1/messages/count_tokens", "token-counting"),
        ("v1/messages/batches", "text-generation"),
        ("v1/chat/completions", "text-generation"),
        ("v1/messagesx", None),
        ("v1/models", None),
        ("v1/files", None),
        ("", None),
    ],
)
def test_a_path_tells_the_task(path: str, model_type: str | None) -> None:
    assert ask(path, None) == Ask(model_type=model_type)


def test_a_request_tells_model_and_stream() -> None:
    body = '{"system":"be brief","stream":true,"model":"claude"}'

    assert ask("v1/messages", body) == Ask("claude", "text-generation", True, body)


@pytest.mark.parametrize("body", [*GARBAGE, '{"stream":1}', '{"model":2,"stream":"true"}'])
def test_a_request_that_says_nothing_keeps_its_text(body: str) -> None:
    assert ask("v1/messages", body) == Ask(None, "text-generation", False, body)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (
            {
                "input_tokens": 10,
                "cache_read_input_tokens": 200,
                "cache_creation_input_tokens": 30,
                "output_tokens": 50,
                "output_tokens_details": {"thinking_tokens": 20},
            },
            Usage(tokens_in=240, tokens_out=50, cached=200, cache_write=30, reasoning=20),
        ),
        (
            {"input_tokens": 10, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0},
            Usage(tokens_in=10, cached=0, cache_write=0),
        ),
        (
            {"input_tokens": 10, "cache_read_input_tokens": None, "output_tokens": 0},
            Usage(tokens_in=10, tokens_out=0),
        ),
        ({"input_tokens": 0, "cache_read_input_tokens": 9}, Usage(tokens_in=9, cached=9)),
        ({"server_tool_use": {"web_search_requests": 2}}, Usage(searches=2)),
        ({"server_tool_use": 1}, UNKNOWN),
        ({"cache_read_input_tokens": 9, "output_tokens": 1}, Usage(tokens_out=1, cached=9)),
        ({"input_tokens": 10**12, "cache_read_input_tokens": 1}, Usage(cached=1)),
        ({"input_tokens": -1, "output_tokens": "7", "output_tokens_details": 1}, UNKNOWN),
        ({}, UNKNOWN),
        (None, UNKNOWN),
        ([1], UNKNOWN),
    ],
)
def test_cached_tokens_are_part_of_the_prompt(usage: object, expected: Usage) -> None:
    text = json.dumps({"type": "message", "model": "claude", "content": [], "usage": usage})

    assert report(text) == Report("claude", expected, complete=True)


def test_counting_tokens_uses_none() -> None:
    assert report('{"input_tokens":2095}') == Report(None, UNKNOWN, complete=True)


@pytest.mark.parametrize("text", GARBAGE)
def test_an_answer_that_cannot_be_read_says_nothing(text: str) -> None:
    assert report(text) == Report(None, UNKNOWN, complete=True)


def test_a_stream_tells_the_prompt_first_and_the_answer_last() -> None:
    text = START + words("a") + delta(output_tokens=50) + STOP

    assert stream_report(text) == Report("claude", ENDED, complete=True)


def test_of_several_counts_the_newest_holds_and_none_is_added() -> None:
    text = START + delta(output_tokens=20) + words("a") + delta(output_tokens=50) + STOP

    assert stream_report(text).usage == ENDED


def test_a_later_count_of_the_prompt_replaces_the_first() -> None:
    later = delta(
        input_tokens=15, cache_read_input_tokens=300, cache_creation_input_tokens=0, output_tokens=9
    )

    usage = stream_report(START + words("a") + later + STOP).usage

    assert usage == Usage(tokens_in=315, tokens_out=9, cached=300, cache_write=0)


def test_what_a_later_event_leaves_null_stays_known() -> None:
    later = delta(input_tokens=None, cache_read_input_tokens=None, output_tokens=50)

    assert stream_report(START + later + STOP).usage == ENDED


def test_reasoning_is_told_by_the_last_count() -> None:
    later = delta(output_tokens=50, output_tokens_details={"thinking_tokens": 40})

    assert stream_report(START + later + STOP).usage.reasoning == 40


def test_an_aborted_stream_tells_the_prompt_and_the_newest_count() -> None:
    assert stream_report(START) == Report("claude", STARTED, complete=False)
    assert stream_report(START + words("a")) == Report("claude", STARTED, complete=False)
    assert stream_report(START + delta(output_tokens=50)) == Report("claude", ENDED, complete=False)
    cut = START + delta(output_tokens=50) + words("a") + 'event: message_delta\ndata: {"type":"mes'
    assert stream_report(cut) == Report("claude", ENDED, complete=False)


def test_a_stream_cut_within_its_last_count_tells_the_one_before() -> None:
    text = START + words("a") + delta(output_tokens=50)

    assert stream_report(text[:-5]) == Report("claude", STARTED, complete=False)


@pytest.mark.parametrize(
    "text",
    [
        ERROR,
        START + ERROR,
        START + words("a") + ERROR,
        START + ERROR + delta(output_tokens=50) + STOP,
        ERROR.replace("event: ", "event:") + START + STOP,
        START + STOP + words("a"),
        START + delta(output_tokens=50),
        "",
        "\n\n",
        ": ping\n\n",
        "data:" * 200_000,
    ],
)
def test_a_stream_that_failed_or_did_not_end_is_not_complete(text: str) -> None:
    assert stream_report(text).complete is False
    assert stream_report(text.replace("\n", "\r\n")).complete is False


def test_the_length_of_an_answer_is_unknown_until_it_is_counted() -> None:
    assert stream_report(START + delta(output_tokens=None) + STOP).usage == STARTED
    assert stream_report(START + words("a") + STOP) == Report("claude", STARTED, complete=True)


def test_searches_may_be_counted_last() -> None:
    later = delta(output_tokens=50, server_tool_use={"web_search_requests": 3})

    assert stream_report(START + later + STOP).usage == replace(ENDED, searches=3)


def test_what_comes_in_openais_format_is_metered_like_openais() -> None:
    counts = {"prompt_tokens": 9, "completion_tokens": 3}
    chunk = {"object": "chat.completion.chunk", "model": "claude", "usage": counts}
    whole = json.dumps(chunk | {"object": "chat.completion"})
    told = Report("claude", Usage(tokens_in=9, tokens_out=3))

    assert report(whole) == told
    assert stream_report(f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n") == told


def test_an_error_after_the_counts_leaves_them_known() -> None:
    assert stream_report(START + delta(output_tokens=50) + ERROR).usage == ENDED


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("before", ["", ": hello\n\n", event("ping")])
def test_the_first_event_is_found_whatever_its_lines(line_end: str, before: str) -> None:
    text = before + START + event("ping") + delta(output_tokens=50) + STOP

    assert stream_report(text.replace("\n", line_end)) == Report("claude", ENDED, complete=True)


@pytest.mark.parametrize(
    "said",
    [
        'data: {"type":"message_start","message":{"model":"gpt","usage":{"input_tokens":9}}}',
        '\n\nevent: message_delta\ndata: {"type":"message_delta","usage":{"output_tokens":9}}\n\n',
        "\nevent: error\n",
        "event: error",
    ],
)
def test_words_of_the_model_are_not_events(said: str) -> None:
    text = START + delta(output_tokens=50) + words(said) + STOP

    assert stream_report(text) == Report("claude", ENDED, complete=True)
    assert stream_report(words(said)).usage == UNKNOWN


def test_other_events_that_hold_the_names_of_events_are_passed_over() -> None:
    block = {"type": "tool_use", "input": {"a": "message_start", "b": "message_delta"}}
    text = START + delta(output_tokens=50) + event("content_block_start", content_block=block)

    assert stream_report(text + STOP) == Report("claude", ENDED, complete=True)


@pytest.mark.parametrize("data", ["x", "null", "[]", DEEP, '{"type":"message_delta","usage":[1]}'])
def test_events_that_cannot_be_read_are_passed_over(data: str) -> None:
    text = START + delta(output_tokens=50) + f"data: {data}\n\n" + STOP

    assert stream_report(text) == Report("claude", ENDED, complete=True)


@pytest.mark.parametrize("message", [None, 1, [], {"model": 1, "usage": 1}])
def test_a_first_event_that_says_nothing_leaves_the_rest_known(message: object) -> None:
    text = event("message_start", message=message) + delta(output_tokens=50) + STOP

    assert stream_report(text) == Report(None, Usage(tokens_out=50), complete=True)


@pytest.mark.parametrize(
    ("status", "expected"),
    [(408, True), (409, True), (429, True), (500, True), (504, True), (529, True)]
    + [(status, False) for status in (400, 401, 402, 403, 404, 413)],
)
def test_a_status_tells_whether_to_try_again(status: int, expected: bool) -> None:
    text = json.dumps({"type": "error", "error": {"type": "some_error", "message": "m"}})

    told = failure(status, text)

    assert (told.code, told.message, told.retryable) == ("some_error", "m", expected)


@pytest.mark.parametrize("details", [None, 1, [], {}, {"error_code": 1}, {"error_code": None}])
def test_details_that_say_nothing_leave_the_type(details: object) -> None:
    text = json.dumps({"error": {"type": "rate_limit_error", "details": details}})

    assert (failure(429, text).code, failure(429, text).retryable) == ("rate_limit_error", True)


@given(st.text(), st.none() | TEXTS)
def test_any_request_can_be_asked(path: str, body: str | None) -> None:
    assert ask(path, body).text == body


@given(TEXTS)
def test_any_answer_makes_a_report_and_any_error_a_failure(text: str) -> None:
    assert report(text).cost is None
    assert failure(529, text).retryable


@given(st.lists(st.text() | TEXTS | st.sampled_from(['{"type":"message_start"}'])))
def test_any_stream_makes_a_report(data: list[str]) -> None:
    assert stream_report("".join(f"data: {line}\n\n" for line in data)).complete is False
