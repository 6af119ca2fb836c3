"""Streams in the dialect of Vertex AI, and errors behind a status of 200."""

import json

import pytest

from call import Report, Usage
from dialects.vertex import VERTEX, hidden, report, stream_report


def events(*payloads: dict[str, object]) -> str:
    return "".join(
        f"event: {payload['type']}\ndata: {json.dumps(payload)}\n\n" for payload in payloads
    )


STARTED: dict[str, object] = {
    "type": "message_start",
    "message": {
        "model": "claude-sonnet-4-5-20250929",
        "type": "message",
        "usage": {"input_tokens": 9, "cache_read_input_tokens": 2, "output_tokens": 1},
    },
}
SAID: dict[str, object] = {
    "type": "content_block_delta",
    "index": 0,
    "delta": {"type": "text_delta", "text": "\n\nevent: vertex_event\ndata: x\n\n"},
}
COUNTED: dict[str, object] = {
    "type": "message_delta",
    "delta": {"stop_reason": "end_turn"},
    "usage": {"output_tokens": 7},
}
STOPPED: dict[str, object] = {"type": "message_stop"}
OWN: dict[str, object] = {
    "type": "vertex_event",
    "usage": {"input_tokens": 9, "output_tokens": 1, "cache_read_input_tokens": None},
}
OVERLOADED: dict[str, object] = {
    "type": "error",
    "error": {"type": "overloaded_error", "message": "Overloaded"},
}
SPOKEN = Report("claude-sonnet-4-5-20250929", Usage(tokens_in=11, tokens_out=7, cached=2))

CHAT: dict[str, object] = {
    "object": "chat.completion.chunk",
    "model": "google/gemini-2.5-pro",
    "choices": [{"index": 0, "delta": {"content": "Hello"}}],
}
CHAT_END: dict[str, object] = CHAT | {
    "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17},
}


def test_a_stream_that_is_a_json_array_is_metered() -> None:
    chunks = (
        '{"candidates":[{}],"usageMetadata":{"trafficType":"ON_DEMAND"}}',
        '{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":3}}',
    )
    text = "[" + "\n,\r\n".join(chunks) + "\n]"

    assert report(text) == Report(None, Usage(tokens_in=3))
    assert not report(text[:-1]).complete


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_stream_of_messages_is_metered_whatever_vertex_adds(place: int, line_end: str) -> None:
    payloads = [STARTED, SAID, COUNTED, STOPPED]
    payloads.insert(place, OWN)

    assert stream_report(events(*payloads).replace("\n", line_end)) == SPOKEN


def test_a_stream_of_messages_that_is_cut_is_not_complete() -> None:
    text = events(STARTED, SAID, COUNTED, OWN, STOPPED)
    whole = len(text.rstrip())

    assert not [at for at in range(whole) if stream_report(text[:at]).complete]
    assert stream_report(text[:whole]) == SPOKEN


def test_an_event_of_vertex_that_is_cut_leaves_the_stream_complete() -> None:
    text = events(STARTED, SAID, COUNTED, STOPPED)
    more = events(OWN)

    assert {stream_report(text + more[:at]) == SPOKEN for at in range(len(more) + 1)} == {True}


def test_a_stream_of_messages_that_fails_is_not_complete() -> None:
    told = stream_report(events(STARTED, SAID, OVERLOADED))

    assert not told.complete
    assert told.usage.tokens_in == 11


def test_a_stream_of_chat_is_metered() -> None:
    text = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in (CHAT, CHAT_END))

    assert stream_report(f"{text}data: [DONE]\n\n") == Report(
        "google/gemini-2.5-pro", Usage(tokens_in=12, tokens_out=5)
    )
    assert not stream_report(text).complete


@pytest.mark.parametrize(
    ("text", "code", "retryable"),
    [
        (events(OVERLOADED), "overloaded_error", True),
        (events(OWN, OVERLOADED), "overloaded_error", True),
        (f": ping\n\n{events({'type': 'ping'}, OVERLOADED)}", "overloaded_error", True),
        ('[{"error":{"code":503,"message":"m","status":"UNAVAILABLE"}}]', "UNAVAILABLE", True),
        ('data: {"error":{"code":400,"message":"m","status":"INVALID"}}\n\n', "INVALID", False),
    ],
)
def test_an_error_behind_a_200_is_found(text: str, code: str, retryable: bool) -> None:
    found = VERTEX.hidden(text)

    assert found
    assert (found.code, found.retryable) == (code, retryable)


@pytest.mark.parametrize(
    "text",
    [
        events(STARTED, SAID),
        events(OWN, STARTED),
        f"data: {json.dumps(CHAT)}\n\n",
        '{"predictions":[{"raiFilteredReason":"error"}]}',
        '{"promptFeedback":{"blockReason":"SAFETY"}}',
    ],
)
def test_what_is_no_error_is_none(text: str) -> None:
    assert hidden(text) is None
