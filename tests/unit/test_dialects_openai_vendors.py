"""What vendors do otherwise than OpenAI in OpenAI's dialect."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call import Failure, Report, Usage
from dialects.openai import ask, failure, report, stream_report

DONE = "data: [DONE]\n\n"
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)
NAMES = st.sampled_from(
    ["error", "message", "detail", "code", "type", "object", "choices", "x_groq", "usage", "model"]
)
PARTS = st.dictionaries(NAMES, VALUES, max_size=3)
BODIES = st.dictionaries(NAMES, VALUES | PARTS, max_size=4)


def events(*payloads: object) -> str:
    return "".join(f"data: {json.dumps(payload)}\n\n" for payload in payloads)


def chunk(content: str, reason: str | None = None, **more: object) -> dict[str, Any]:
    choices = [{"index": 0, "delta": {"content": content}, "finish_reason": reason}]
    return {"object": "chat.completion.chunk", "model": "m", "choices": choices} | more


def used(**usage: object) -> Usage:
    return report(json.dumps({"model": "m", "usage": usage})).usage


@pytest.mark.parametrize(
    ("path", "model_type"),
    [
        ("openai/v1/audio/transcriptions", "automatic-speech-recognition"),
        ("api/v1/embeddings", "text-embeddings"),
        ("inference/v1/images/generations", "text-to-image"),
        ("beta/completions", "text-generation"),
        ("anthropic/v1/messages", "text-generation"),
        ("v1/messages", "text-generation"),
        ("v1/fim/completions", "text-generation"),
        ("v1/agents/completions", "text-generation"),
        ("v1/tts", "text-to-speech"),
        ("v1/stt", "automatic-speech-recognition"),
        ("v1/ocr", None),
        ("v1/chat/v1/embeddings", None),
    ],
)
def test_a_path_tells_the_task_with_the_prefix_of_any_vendor(
    path: str, model_type: str | None
) -> None:
    assert ask(path, None).model_type == model_type


def test_reasoning_beside_the_answer_is_added_to_it() -> None:
    details = {"reasoning_tokens": 5}

    usage = used(
        prompt_tokens=12, completion_tokens=9, total_tokens=26, completion_tokens_details=details
    )

    assert usage == Usage(tokens_in=12, tokens_out=14, reasoning=5)


def test_reasoning_within_the_answer_is_not_added_to_it() -> None:
    details = {"reasoning_tokens": 5}

    usage = used(
        prompt_tokens=12, completion_tokens=9, total_tokens=21, completion_tokens_details=details
    )

    assert usage == Usage(tokens_in=12, tokens_out=9, reasoning=5)


def test_an_answer_of_reasoning_alone_is_not_counted_twice() -> None:
    usage = used(prompt_tokens=2, completion_tokens=9, total_tokens=11, reasoning_tokens=9)

    assert usage == Usage(tokens_in=2, tokens_out=9, reasoning=9)


def test_reasoning_that_is_more_than_the_answer_is_beside_it() -> None:
    usage = used(prompt_tokens=2, completion_tokens=9, total_tokens=11, reasoning_tokens=10)

    assert usage == Usage(tokens_in=2, tokens_out=19, reasoning=10)


def test_reasoning_of_an_answer_of_unknown_size_makes_no_size() -> None:
    assert used(prompt_tokens=2, reasoning_tokens=10) == Usage(tokens_in=2, reasoning=10)


@pytest.mark.parametrize(("cached", "tokens_in"), [(0, 8), (7, 8), (8, 8), (9, 17)])
def test_cached_tokens_are_within_the_prompt_unless_they_are_more(
    cached: int, tokens_in: int
) -> None:
    usage = used(prompt_tokens=8, prompt_tokens_details={"cached_tokens": cached})

    assert usage == Usage(tokens_in=tokens_in, cached=cached)


@pytest.mark.parametrize(
    "words",
    [
        {"num_cached_tokens": 5},
        {"prompt_cache_hit_tokens": 5, "prompt_cache_miss_tokens": 3},
        {"prompt_token_details": {"cached_tokens": 5}},
        {"prompt_tokens_details": {"cached_tokens": 5}, "prompt_cache_hit_tokens": 4},
    ],
)
def test_cached_tokens_have_several_names(words: dict[str, object]) -> None:
    assert used(prompt_tokens=8, **words) == Usage(tokens_in=8, cached=5)


def test_cached_tokens_of_anthropics_format_are_beside_the_prompt() -> None:
    usage = used(
        input_tokens=8, cache_read_input_tokens=90, cache_creation_input_tokens=2, output_tokens=7
    )

    assert usage == Usage(tokens_in=100, tokens_out=7, cached=90, cache_write=2)


def test_cached_tokens_of_a_mixed_format_are_within_the_prompt() -> None:
    usage = used(prompt_tokens=100, cache_read_input_tokens=90, cache_creation_input_tokens=2)

    assert usage == Usage(tokens_in=100, cached=90, cache_write=2)


@pytest.mark.parametrize("before", ["", ": keep-alive\n\n", 'data: {"type": "ping"}\n\n'])
def test_a_stream_of_messages_is_read_as_such(before: str) -> None:
    opening = {"input_tokens": 8, "cache_read_input_tokens": 90, "output_tokens": 1}
    start = {"type": "message_start", "message": {"model": "m", "usage": opening}}
    delta = {"type": "message_delta", "usage": {"output_tokens": 7}}
    text = before + events(start, delta)

    usage = Usage(tokens_in=98, tokens_out=7, cached=90)
    assert stream_report(text) == Report("m", usage, complete=False)
    assert stream_report(text + events({"type": "message_stop"})) == Report("m", usage)


def test_a_stream_of_messages_without_its_first_event_still_ends() -> None:
    delta = {"type": "message_delta", "usage": {"output_tokens": 7}}

    assert stream_report(events(delta)) == Report(None, Usage(tokens_out=7), complete=False)
    assert stream_report(events(delta, {"type": "message_stop"})).complete


def test_a_tool_that_is_called_like_an_event_makes_no_stream_of_messages() -> None:
    call = chunk("", tool_calls=[{"function": {"name": "message_start"}}])
    text = events(call, chunk("", "stop", usage={"prompt_tokens": 9})) + DONE

    assert stream_report(text) == Report("m", Usage(tokens_in=9))


def test_a_whole_message_is_read_as_such() -> None:
    details = {"thinking_tokens": 3}
    usage = {"input_tokens": 8, "output_tokens": 7, "output_tokens_details": details}
    text = json.dumps({"type": "message", "model": "m", "usage": usage})

    assert report(text) == Report("m", Usage(tokens_in=8, tokens_out=7, reasoning=3))


def test_usage_may_stand_in_a_place_of_groqs_own() -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 3}
    first, last = {"id": "req_1"}, {"id": "req_1", "usage": usage}
    text = events(chunk("a", x_groq=first), chunk("", "stop", x_groq=last)) + DONE

    assert stream_report(text) == Report("m", Usage(tokens_in=9, tokens_out=3))


def test_of_usage_in_both_places_the_usual_one_counts() -> None:
    both = chunk("", usage={"prompt_tokens": 9}, x_groq={"usage": {"prompt_tokens": 1}})

    assert stream_report(events(both) + DONE).usage == Usage(tokens_in=9)


def test_of_usage_that_grows_the_last_counts() -> None:
    text = events(*(chunk("a", usage={"completion_tokens": n}) for n in (1, 5, 9))) + DONE

    assert stream_report(text).usage == Usage(tokens_out=9)


def test_a_stream_may_name_its_last_event_instead_of_sending_the_word() -> None:
    last = chunk("", "stop", object="chat.completion.done", usage={"completion_tokens": 9})

    assert stream_report(events(chunk("a"), last)) == Report("m", Usage(tokens_out=9))
    assert stream_report(events(chunk("a"), last) + DONE).complete
    assert not stream_report(events(last, chunk("a"))).complete
    assert not stream_report(events(chunk("a", "stop"))).complete


def test_comments_are_no_events() -> None:
    text = ": OPENROUTER PROCESSING\n\n" + events(chunk("a")) + ": keep-alive\n\n" + DONE

    assert stream_report(text + ": keep-alive\n\n") == Report("m", Usage())


@pytest.mark.parametrize(
    "event",
    [
        chunk("", "error", error={"code": 502, "message": "Provider disconnected"}),
        chunk("", error={"code": "server_error", "message": "x"}),
        {"error": {"message": "x", "type": "server_error"}, "status_code": 500},
        {"type": "error", "message": "x"},
        chunk("", x_groq={"id": "req_1", "error": "over capacity"}),
        chunk("", "error"),
        chunk("", "insufficient_system_resource"),
    ],
)
def test_an_error_is_found_before_the_usage_of_a_stream(event: dict[str, Any]) -> None:
    usage = chunk("", usage={"prompt_tokens": 9})
    text = events(chunk("a"), event, usage) + DONE

    assert stream_report(text) == Report("m", Usage(tokens_in=9), complete=False)


@pytest.mark.parametrize(
    "event",
    [
        chunk('{"error": {"code": 1}, "finish_reason": "error"}'),
        chunk("a", error=None),
        chunk("a", error={}),
        chunk("a", tool={"error": {"code": 1}}),
        chunk("a", tool={"finish_reason": "error"}),
        chunk("a", choices={"finish_reason": "error"}),
        chunk("a", "content_filter"),
    ],
)
def test_what_only_looks_like_an_error_is_none(event: dict[str, Any]) -> None:
    assert stream_report(events(event, chunk("", "stop")) + DONE).complete


def test_blank_lines_before_a_whole_answer_are_passed_over() -> None:
    text = "\n\n\n" + json.dumps({"model": "m", "usage": {"prompt_tokens": 9}})

    assert report(text) == Report("m", Usage(tokens_in=9))


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"error": {"code": 402, "message": "No credits"}}, "402", "No credits"),
        ({"error": {"code": 0, "message": "x"}}, "0", "x"),
        ({"error": {"code": "", "type": "server_error"}}, "server_error", None),
        ({"error": {"code": True, "type": None, "message": ["x"]}}, None, None),
        ({"error": "text"}, None, "text"),
        ({"code": "The word", "error": "text"}, "The word", "text"),
        ({"object": "error", "message": "x", "type": "t", "code": None}, "t", "x"),
        ({"message": "x", "type": "t", "code": "c"}, "c", "x"),
        ({"message": "Unauthorized", "request_id": "1"}, None, "Unauthorized"),
        ({"detail": "Unauthorized"}, None, "Unauthorized"),
        ({"detail": [{"msg": "required", "type": "missing"}]}, "missing", "required"),
        ({"detail": [{"loc": ["body", 0], "msg": "x"}, {"msg": "y"}]}, None, "body.0: x"),
        ({"message": {"detail": [{"loc": ["body"], "msg": "x"}]}, "type": "t"}, "t", "body: x"),
        ({"detail": [{"loc": "body", "msg": "x"}]}, None, "x"),
        ({"detail": []}, None, None),
        ({"detail": ["x"]}, None, None),
        ({"detail": [{"loc": ["body"]}]}, None, None),
        ({}, None, None),
    ],
)
def test_every_shape_of_an_error_is_read(
    body: dict[str, object], code: str | None, message: str | None
) -> None:
    assert failure(400, json.dumps(body)) == Failure(code, message, retryable=False)
    assert failure(503, json.dumps(body)) == Failure(code, message, retryable=True)


def test_a_full_tier_may_have_room_a_moment_later() -> None:
    assert failure(498, '{"error":{"code":"capacity_exceeded"}}').retryable


@pytest.mark.parametrize("name", ["code", "type"])
@pytest.mark.parametrize("word", ["insufficient_quota", "billing_hard_limit_reached"])
def test_a_quota_does_not_pass_wherever_it_is_told(name: str, word: str) -> None:
    quota = {name: word}

    assert not failure(429, json.dumps({"error": quota})).retryable
    assert not failure(429, json.dumps(quota)).retryable


@given(st.integers(100, 599), BODIES)
def test_any_error_can_be_read(status: int, body: dict[str, object]) -> None:
    read = failure(status, json.dumps(body))

    assert read.code is None or isinstance(read.code, str)
    assert read.message is None or isinstance(read.message, str)


@given(st.lists(BODIES, max_size=3))
def test_any_events_make_a_report(bodies: list[dict[str, object]]) -> None:
    assert not stream_report(events(*bodies, chunk("a"))).complete
