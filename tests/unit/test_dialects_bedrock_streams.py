"""Streams in Bedrock's dialect, and the errors that they begin with."""

import json
from base64 import b64encode
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_texts import GARBAGE, TEXTS
from call import Failure, Report, Usage
from dialects.bedrock import hidden, stream_report

Payload = Mapping[str, object]
UNKNOWN = Usage()
KINDS = st.text() | st.sampled_from(["chunk", "metadata", "messageStart", "throttlingException"])

USED = {"inputTokens": 12, "outputTokens": 34, "totalTokens": 46}
COUNTED = Usage(tokens_in=12, tokens_out=34)
START: Payload = {"role": "assistant", "p": "abcd"}
STOP: Payload = {"stopReason": "end_turn", "p": "abcd"}
METADATA: Payload = {"usage": USED, "metrics": {"latencyMs": 551}, "p": "abcd"}
BEGUN: Payload = {
    "type": "message_start",
    "message": {"model": "claude-1", "usage": {"input_tokens": 10, "output_tokens": 1}},
}
SPOKEN: Payload = {"type": "message_delta", "usage": {"output_tokens": 7}}


def events(*pairs: tuple[str, Payload]) -> str:
    return "".join(f"event: {kind}\ndata: {json.dumps(payload)}\n\n" for kind, payload in pairs)


def words(text: str) -> tuple[str, Payload]:
    return "contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": text}}


def packed(text: str) -> str:
    return json.dumps({"bytes": b64encode(text.encode("utf-8", "replace")).decode(), "p": "abcd"})


def chunks(*payloads: Payload) -> str:
    return "".join(f"event: chunk\ndata: {packed(json.dumps(payload))}\n\n" for payload in payloads)


def metrics(**counts: int) -> dict[str, object]:
    return {"amazon-bedrock-invocationMetrics": {"invocationLatency": 9} | counts}


CONVERSED = events(("messageStart", START), words("a"), ("messageStop", STOP))
THROTTLED = events(("throttlingException", {"message": "Too many requests"}))
MESSAGE_STOP = {"type": "message_stop"} | metrics(inputTokenCount=10, outputTokenCount=7)


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_last_two_events_may_come_in_either_order(swapped: bool, end: str) -> None:
    last = [("messageStop", STOP), ("metadata", METADATA)]
    text = events(("messageStart", START), words("a"), *(last[::-1] if swapped else last))

    assert stream_report(text.replace("\n", end)) == Report(None, COUNTED, complete=True)


@pytest.mark.parametrize("text", ['"usage":', '"stopReason":"end_turn"', "event: chunk\n\n", "{"])
def test_words_of_a_model_are_no_end(text: str) -> None:
    said = events(("messageStart", START), words(text), words(text))

    assert stream_report(said) == Report(None, UNKNOWN, complete=False)


@pytest.mark.parametrize(
    ("text", "usage"),
    [
        (CONVERSED, UNKNOWN),
        (events(("messageStart", START), ("metadata", METADATA)), COUNTED),
        (events(("metadata", METADATA)), COUNTED),
        (events(("messageStart", START), ("metadata", METADATA)) + THROTTLED, COUNTED),
        (CONVERSED + events(("metadata", METADATA)) + THROTTLED, COUNTED),
        (CONVERSED + THROTTLED, UNKNOWN),
        (THROTTLED, UNKNOWN),
        (events(("messageStart", START)), UNKNOWN),
        ("event: messageStart\n\n", UNKNOWN),
        ("", UNKNOWN),
        ("\n\n", UNKNOWN),
        ("event: ", UNKNOWN),
        ("event: \ndata: \n\n", UNKNOWN),
    ],
)
def test_a_stream_without_its_end_is_not_complete(text: str, usage: Usage) -> None:
    assert stream_report(text) == Report(None, usage, complete=False)


def test_a_long_stream_is_read_from_its_end() -> None:
    text = events(("messageStart", START), *[words("a")] * 20_000, ("messageStop", STOP))

    assert stream_report(text + events(("metadata", METADATA))) == Report(None, COUNTED)


def test_chunks_of_messages_tell_what_messages_tell() -> None:
    text = chunks(BEGUN, *[{"type": "content_block_delta"}] * 9, SPOKEN, MESSAGE_STOP)

    assert stream_report(text) == Report("claude-1", Usage(10, 7), complete=True)


def test_chunks_of_messages_that_were_cut_are_metered_as_far_as_they_came() -> None:
    deltas: list[Payload] = [{"type": "content_block_delta"}] * 9

    for text in (chunks(BEGUN), chunks(BEGUN, *deltas), chunks(BEGUN, *deltas) + THROTTLED):
        assert stream_report(text) == Report("claude-1", Usage(tokens_in=10), complete=False)


@pytest.mark.parametrize(
    "last",
    [
        {"completionReason": "FINISH", "inputTextTokenCount": 10, "totalOutputTextTokenCount": 7},
        {"outputs": [{"text": "", "stop_reason": "stop"}]},
        {"generation": "", "prompt_token_count": None, "generation_token_count": 7},
        {"type": "message_stop"},
    ],
)
def test_the_last_chunk_has_the_counts_of_any_model(last: dict[str, object]) -> None:
    counts = metrics(inputTokenCount=10, outputTokenCount=7, cacheReadInputTokenCount=5)

    told = stream_report(chunks({"outputText": "a"}, {"outputText": "b"}, last | counts))

    assert told == Report(None, Usage(15, 7, cached=5), complete=True)


def test_chunks_in_the_manner_of_openai_tell_what_they_tell() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 7}
    last: Payload = {"model": "m-1", "choices": [], "usage": usage}
    text = chunks({"choices": []}, last | metrics(inputTokenCount=1, outputTokenCount=1))

    assert stream_report(text) == Report("m-1", Usage(10, 7), complete=True)


@pytest.mark.parametrize(
    ("text", "usage"),
    [
        (
            chunks({"generation": "a", "prompt_token_count": 14, "generation_token_count": 1}),
            (14, 1),
        ),
        (chunks({"outputText": "a"}), (None, None)),
        (chunks({"outputText": "a"} | metrics(inputTokenCount=3)) + THROTTLED, (None, None)),
        (events(("chunk", {"bytes": "%%%"})), (None, None)),
        (events(("chunk", {"bytes": "é"})), (None, None)),
        (events(("chunk", {"bytes": "//79"})), (None, None)),
        (events(("chunk", {"bytes": 7})), (None, None)),
        (events(("chunk", {})), (None, None)),
        ("event: chunk\n\n", (None, None)),
    ],
)
def test_chunks_without_their_end_are_not_complete(
    text: str, usage: tuple[int | None, int | None]
) -> None:
    assert stream_report(text) == Report(None, Usage(*usage), complete=False)


def test_images_may_come_as_a_chunk() -> None:
    last = {"images": ["iVBORw0KGgo="], "error": None} | metrics(inputTokenCount=10)

    assert stream_report(chunks(last)) == Report(usage=Usage(images=1))


def test_a_chunk_may_be_printed_in_lines() -> None:
    first = f"event: chunk\ndata: {packed(json.dumps(BEGUN, indent=2))}\n\n"
    text = first + chunks(SPOKEN, MESSAGE_STOP)

    assert stream_report(text) == Report("claude-1", Usage(10, 7), complete=True)


@pytest.mark.parametrize(
    ("kind", "retryable"),
    [
        ("throttlingException", True),
        ("internalServerException", True),
        ("serviceUnavailableException", True),
        ("modelTimeoutException", True),
        ("modelStreamErrorException", True),
        ("InternalFailure", True),
        ("validationException", False),
        ("SomethingNew", False),
    ],
)
def test_a_stream_that_begins_with_an_exception_holds_an_error(kind: str, retryable: bool) -> None:
    told = Failure(kind, "It broke", retryable)

    for before in ("", "\n", ": ping\n\n"):
        assert hidden(before + events((kind, {"message": "It broke"}))) == told


@pytest.mark.parametrize(
    "text",
    [
        CONVERSED,
        CONVERSED + THROTTLED,
        chunks(BEGUN),
        chunks(BEGUN) + THROTTLED,
        events(("metadata", METADATA)),
        '{"output":{},"usage":{"inputTokens":1}}',
        '{"generation":"event: throttlingException"}',
        *GARBAGE,
    ],
)
def test_an_answer_that_says_something_hides_no_error(text: str) -> None:
    assert hidden(text) is None


@given(st.lists(st.tuples(KINDS, TEXTS | TEXTS.map(packed))))
def test_any_stream_can_be_read(parts: list[tuple[str, str]]) -> None:
    text = "".join(f"event: {kind}\ndata: {data}\n\n" for kind, data in parts)

    stream_report(text)
    hidden(text)
