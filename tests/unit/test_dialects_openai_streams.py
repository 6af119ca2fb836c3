import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call import Report, Usage
from dialects.openai import stream_report

UNKNOWN = Usage(None, None, None, None, None)
CHAT_USAGE = {
    "prompt_tokens": 9,
    "completion_tokens": 3,
    "prompt_tokens_details": {"cached_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 1},
}
RESPONSES_USAGE = {
    "input_tokens": 9,
    "input_tokens_details": {"cached_tokens": 4},
    "output_tokens": 3,
    "output_tokens_details": {"reasoning_tokens": 1},
}
COUNTED = Usage(tokens_in=9, tokens_out=3, cached=4, reasoning=1)
DONE = "data: [DONE]\n\n"


def events(*payloads: object) -> str:
    return "".join(f"data: {json.dumps(payload)}\n\n" for payload in payloads)


def chunk(content: str, **more: object) -> dict[str, object]:
    choices = [{"index": 0, "delta": {"content": content}}]
    return {"object": "chat.completion.chunk", "model": "gpt-5", "choices": choices} | more


def response(name: str, **fields: object) -> dict[str, object]:
    return {"type": f"response.{name}", "response": {"model": "gpt-5"} | fields}


LAST_CHUNK = chunk("", choices=[], usage=CHAT_USAGE)


def test_a_chat_stream_with_usage_tells_it() -> None:
    text = events(chunk("a", usage=None), chunk("b", usage=None), LAST_CHUNK) + DONE

    assert stream_report(text) == Report("gpt-5", COUNTED, complete=True)


def test_a_chat_stream_without_usage_is_complete_and_of_unknown_usage() -> None:
    text = events(chunk("a"), chunk("b")) + DONE

    assert stream_report(text) == Report("gpt-5", UNKNOWN, complete=True)


def test_usage_on_several_lines_of_an_event_is_found() -> None:
    lines = json.dumps(LAST_CHUNK).replace('"usage": ', '"usage":\n').splitlines()
    text = events(chunk("a")) + "".join(f"data: {line}\n" for line in lines) + "\n" + DONE

    assert stream_report(text).usage == COUNTED


def test_usage_before_the_last_event_is_found() -> None:
    text = events(chunk("a"), LAST_CHUNK, chunk("", usage=None), chunk("", usage={})) + DONE

    assert stream_report(text) == Report("gpt-5", COUNTED, complete=True)


def test_of_several_usages_the_last_counts() -> None:
    text = events(chunk("a", usage={"prompt_tokens": 1}), LAST_CHUNK) + DONE

    assert stream_report(text).usage == COUNTED


def test_words_of_the_model_are_not_usage() -> None:
    text = events(chunk('"usage": {"prompt_tokens": 1000000}')) + DONE

    assert stream_report(text).usage == UNKNOWN


def test_usage_of_something_else_in_an_event_is_not_usage_of_the_answer() -> None:
    text = events(chunk("a", tool={"usage": {"prompt_tokens": 1}})) + DONE

    assert stream_report(text).usage == UNKNOWN


@pytest.mark.parametrize("name", ["completed", "incomplete"])
def test_a_stream_of_responses_tells_usage_with_its_last_event(name: str) -> None:
    text = events(
        response("created", usage=None),
        {"type": "response.output_text.delta", "delta": "a"},
        response(name, usage=RESPONSES_USAGE),
    )

    assert stream_report(text) == Report("gpt-5", COUNTED, complete=True)


def test_a_response_that_failed_is_not_complete() -> None:
    text = events(response("created"), response("failed", error={"code": "server_error"}))

    assert stream_report(text).complete is False


@pytest.mark.parametrize(
    "last", ["speech.audio.done", "transcript.text.done", "transcription.done"]
)
def test_streams_of_audio_tell_usage_with_their_last_event(last: str) -> None:
    text = events({"type": "delta"}, {"type": last, "usage": RESPONSES_USAGE})

    assert stream_report(text) == Report(None, COUNTED, complete=True)


@pytest.mark.parametrize("last", ["image_generation.completed", "image_edit.completed"])
@pytest.mark.parametrize("count", [1, 2])
def test_streams_of_images_tell_how_many_were_completed(last: str, count: int) -> None:
    part = {"type": "image_generation.partial_image", "b64_json": "iVBORw0KGgo="}
    whole = {"type": last, "b64_json": "iVBORw0KGgo=", "usage": RESPONSES_USAGE}
    text = events(part, *[whole] * count)

    assert stream_report(text) == Report(None, replace(COUNTED, images=count))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        ": ping\n\n",
        events(chunk("a"), chunk("b")),
        events(chunk("a")) + 'data: {"choices":[{"del',
        events(chunk("a")) + "data: [DON",
        events(chunk("a")) + DONE + events(chunk("b")),
        events(response("created"), {"type": "response.output_text.delta"}),
        events({"type": "image_generation.partial_image"}),
    ],
)
def test_a_stream_without_its_last_event_is_not_complete(text: str) -> None:
    assert stream_report(text).complete is False


def test_a_stream_that_was_cut_after_its_usage_still_tells_it() -> None:
    text = events(chunk("a"), LAST_CHUNK) + "data: [DO"

    assert stream_report(text) == Report("gpt-5", COUNTED, complete=False)


def test_a_stream_that_was_cut_within_its_usage_does_not_know_it() -> None:
    whole = events(chunk("a"), LAST_CHUNK)

    cut = stream_report(whole[: whole.index("completion_tokens") + 20])

    assert (cut.usage, cut.complete) == (UNKNOWN, False)


@pytest.mark.parametrize(
    "error",
    [
        {"error": {"message": "The server had an error", "type": "server_error"}},
        {"error": "overloaded"},
        {"type": "error", "code": "server_error", "message": "overloaded"},
    ],
)
def test_a_stream_with_an_error_event_is_not_complete(error: dict[str, object]) -> None:
    assert stream_report(events(chunk("a"), error)).complete is False
    assert stream_report(events(chunk("a"), error) + DONE).complete is False


@pytest.mark.parametrize("usage", [None, {}, [], 0, "x", {"prompt_tokens": "9"}])
def test_usage_that_counts_nothing_is_unknown(usage: object) -> None:
    text = events(chunk("a", usage=usage)) + DONE

    assert stream_report(text) == Report("gpt-5", UNKNOWN, complete=True)


@pytest.mark.parametrize("data", ["x", "null", "[]", "1", "[" * 100_000, '{"usage": {' * 50_000])
def test_events_that_cannot_be_read_are_passed_over(data: str) -> None:
    text = events(LAST_CHUNK) + f"data: {data}\n\n" + DONE

    assert stream_report(text) == Report("gpt-5", COUNTED, complete=True)


def test_a_stream_may_end_its_lines_with_carriage_returns() -> None:
    text = (events(chunk("a"), LAST_CHUNK) + DONE).replace("\n", "\r\n")

    assert stream_report(text) == Report("gpt-5", COUNTED, complete=True)


@given(st.lists(st.text() | st.sampled_from(["[DONE]", '{"usage": {}}', '{"response":1}'])))
def test_any_stream_makes_a_report(data: list[str]) -> None:
    text = "".join(f"data: {line}\n\n" for line in data)

    assert stream_report(text).usage == UNKNOWN
