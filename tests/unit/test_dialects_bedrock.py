import json
from base64 import b64encode
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call import Ask, Failure, Report, Usage
from dialects.bedrock import ask, beside, failure, hidden, report, stream_report

Payload = Mapping[str, object]
UNKNOWN = Usage()
DEEP = "[" * 100_000
GARBAGE = [
    "",
    " ",
    "x",
    "null",
    "[]",
    "1",
    '"a"',
    '{"a":',
    DEEP,
    '{"usage":1,"metadata":1}',
    "{\n}",
]
NAMES = st.sampled_from(
    ["type", "usage", "metadata", "stopReason", "bytes", "message", "error", "inputTokens"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner),
)
TEXTS = st.text() | VALUES.map(json.dumps) | st.dictionaries(NAMES, VALUES).map(json.dumps)
KINDS = st.text() | st.sampled_from(["chunk", "metadata", "messageStart", "throttlingException"])

RUNTIME = "bedrock-runtime/us-east-1"
MANTLE = "bedrock-mantle/us-east-1"
ARN = "arn:aws:bedrock:us-east-1:123456789012"
TEXT, VECTORS, IMAGES = "text-generation", "text-embeddings", "text-to-image"

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


@pytest.mark.parametrize(
    ("path", "model", "model_type", "stream"),
    [
        ("model/amazon.nova-lite-v1:0/converse", "amazon.nova-lite-v1:0", TEXT, False),
        ("model/amazon.nova-lite-v1%3A0/converse", "amazon.nova-lite-v1:0", TEXT, False),
        ("model/amazon.nova-lite-v1%3A0/converse-stream", "amazon.nova-lite-v1:0", TEXT, True),
        ("model/us.anthropic.c/invoke", "us.anthropic.c", TEXT, False),
        ("model/us.anthropic.c/invoke-with-response-stream", "us.anthropic.c", TEXT, True),
        ("model/us.anthropic.c/count-tokens", "us.anthropic.c", None, False),
        ("model/amazon.titan-embed-text-v2:0/invoke", "amazon.titan-embed-text-v2:0", VECTORS, 0),
        ("model/cohere.embed-v4:0/invoke", "cohere.embed-v4:0", VECTORS, False),
        ("model/cohere.rerank-v3-5:0/invoke", "cohere.rerank-v3-5:0", "text-classification", False),
        ("model/amazon.nova-canvas-v1:0/invoke", "amazon.nova-canvas-v1:0", IMAGES, False),
        ("model/stability.sd3-5-large-v1:0/invoke", "stability.sd3-5-large-v1:0", IMAGES, False),
        ("model/luma.ray-v2:0/invoke", "luma.ray-v2:0", "text-to-video", False),
        (f"model/{ARN}:imported-model/x1/invoke", f"{ARN}:imported-model/x1", None, False),
        (f"model/{ARN}:imported-model%2Fx1/converse", f"{ARN}:imported-model/x1", TEXT, False),
        (
            "model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.a/invoke",
            f"{ARN}:inference-profile/us.a",
            TEXT,
            False,
        ),
        (
            "model/arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-embed-text-v2:0/invoke",
            "arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-embed-text-v2:0",
            VECTORS,
            False,
        ),
        ("model/%FF%zz/invoke", "�%zz", TEXT, False),
        ("model//invoke", None, None, False),
        ("guardrail/g1/version/1/apply", None, None, False),
        ("", None, None, False),
    ],
)
def test_a_path_tells_model_task_and_stream(
    path: str, model: str | None, model_type: str | None, stream: bool
) -> None:
    assert ask(f"{RUNTIME}/{path}", "{}") == Ask(model, model_type, stream, "{}")


@pytest.mark.parametrize(
    ("path", "model_type"),
    [
        (f"{RUNTIME}/openai/v1/chat/completions", TEXT),
        (f"{RUNTIME}/openai/v1/responses", TEXT),
        (f"{MANTLE}/v1/chat/completions", TEXT),
        (f"{MANTLE}/openai/v1/responses", TEXT),
        (f"{MANTLE}/anthropic/v1/messages", TEXT),
        (f"{MANTLE}/v1/models", None),
    ],
)
def test_formats_of_others_have_model_and_stream_in_the_body(path: str, model_type: str) -> None:
    body = '{"model":"m-1","stream":true}'

    assert ask(path, body) == Ask("m-1", model_type, True, body)


def test_a_body_does_not_change_what_a_path_tells() -> None:
    body = '{"model":"m-1","stream":true}'

    assert ask(f"{RUNTIME}/model/m-2/invoke", body) == Ask("m-2", TEXT, False, body)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"usage": USED, "stopReason": "end_turn"}, COUNTED),
        (
            {"usage": USED | {"cacheReadInputTokens": 300, "cacheWriteInputTokens": 5}},
            Usage(317, 34, cached=300, cache_write=5),
        ),
        # What Claude is told of by Converse has both names.
        (
            {"usage": USED | {"cacheReadInputTokens": 300, "cacheReadInputTokenCount": 300}},
            Usage(312, 34, cached=300),
        ),
        (
            {"usage": USED | {"cacheReadInputTokenCount": 0, "cacheWriteInputTokenCount": 9}},
            Usage(21, 34, cached=0, cache_write=9),
        ),
        ({"usage": {"inputTokens": 0}}, Usage(tokens_in=0)),
        ({"usage": {"inputTokens": "12", "outputTokens": 34.5}}, UNKNOWN),
        ({"usage": {"inputTokens": 2**53 - 1, "cacheReadInputTokens": 1}}, Usage(cached=1)),
        ({"generation": "a", "prompt_token_count": 14, "generation_token_count": 3}, Usage(14, 3)),
        (
            {"generation": "a", "prompt_token_count": None, "generation_token_count": 3},
            Usage(None, 3),
        ),
        ({"embedding": [0.1], "inputTextTokenCount": 3}, Usage(tokens_in=3)),
        ({"metadata": {"usage": USED}}, COUNTED),
        # Tokens that were counted, not used.
        ({"inputTokens": 12}, UNKNOWN),
    ],
)
def test_each_family_counts_in_its_own_way(answer: dict[str, object], expected: Usage) -> None:
    assert report(json.dumps(answer)) == Report(usage=expected)


@pytest.mark.parametrize("text", GARBAGE)
def test_an_answer_that_cannot_be_read_says_nothing(text: str) -> None:
    assert report(text) == Report(None, UNKNOWN, complete=True)


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


def test_a_chunk_may_be_printed_in_lines() -> None:
    first = f"event: chunk\ndata: {packed(json.dumps(BEGUN, indent=2))}\n\n"
    text = first + chunks(SPOKEN, MESSAGE_STOP)

    assert stream_report(text) == Report("claude-1", Usage(10, 7), complete=True)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, UNKNOWN),
        ({"x-amzn-bedrock-input-token-count": "12"}, Usage(tokens_in=12)),
        ({"x-amzn-bedrock-output-token-count": "0"}, Usage(tokens_out=0)),
        (
            {
                "x-amzn-bedrock-input-token-count": "12",
                "x-amzn-bedrock-output-token-count": "34",
                "x-amzn-bedrock-cache-read-input-token-count": "5",
                "x-amzn-bedrock-cache-write-input-token-count": "6",
            },
            Usage(23, 34, cached=5, cache_write=6),
        ),
        ({"x-amzn-bedrock-input-token-count": ""}, UNKNOWN),
        ({"x-amzn-bedrock-input-token-count": "-1"}, UNKNOWN),
        ({"x-amzn-bedrock-input-token-count": "1.5"}, UNKNOWN),
        ({"x-amzn-bedrock-input-token-count": "²"}, UNKNOWN),
        ({"x-amzn-bedrock-input-token-count": "1" * 10_000}, UNKNOWN),
    ],
)
def test_headers_count_too(headers: dict[str, str], expected: Usage) -> None:
    assert beside(Ask(), headers) == expected


@pytest.mark.parametrize(
    ("status", "kind", "body", "retryable"),
    [
        (429, "ThrottlingException", {}, True),
        (429, "ThrottlingException", {"message": "Too many tokens per day, please wait"}, False),
        (429, "ModelNotReadyException", {}, True),
        (408, "ModelTimeoutException", {}, True),
        (400, "ServiceQuotaExceededException", {}, False),
        (403, "ExpiredTokenException", {}, False),
        (404, "ResourceNotFoundException", {}, False),
        (424, "ModelErrorException", {}, False),
        (424, "ModelErrorException", {"originalStatusCode": 500}, True),
        (424, "ModelErrorException", {"originalStatusCode": 400}, False),
        (424, "ModelErrorException", {"originalStatusCode": "500"}, False),
        # Of a stream AWS says that the request be tried again.
        (424, "ModelStreamErrorException", {}, True),
        (424, "ModelStreamErrorException", {"originalStatusCode": 400}, False),
        (500, "InternalServerException", {}, True),
        (503, "ServiceUnavailableException", {}, True),
    ],
)
def test_kind_and_cause_tell_whether_an_error_may_pass(
    status: int, kind: str, body: dict[str, object], retryable: bool
) -> None:
    told = failure(status, json.dumps(body), {"x-amzn-errortype": kind})

    assert (told.code, told.retryable) == (kind, retryable)


@pytest.mark.parametrize("name", ["ValidationException", "ValidationException:http://a.b/c#d"])
def test_the_kind_of_an_error_is_cut_out_of_its_header(name: str) -> None:
    told = failure(400, '{"message":"No"}', {"x-amzn-errortype": name})

    assert told == Failure("ValidationException", "No", retryable=False)


@pytest.mark.parametrize("name", ["message", "Message", "originalMessage"])
def test_a_message_has_several_names(name: str) -> None:
    assert failure(400, json.dumps({name: "No"})) == Failure(None, "No", retryable=False)


@pytest.mark.parametrize("body", [*GARBAGE, "{}", '{"message":1}', '{"error":null}'])
def test_an_error_that_says_nothing_is_told_by_its_status(body: str) -> None:
    assert failure(400, body) == Failure(None, None, retryable=False)
    assert failure(500, body) == Failure(None, None, retryable=True)


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


@given(st.text(), st.none() | TEXTS)
def test_any_request_can_be_asked(path: str, body: str | None) -> None:
    for prefix in ("", f"{RUNTIME}/model/", f"{RUNTIME}/", f"{MANTLE}/anthropic/"):
        assert ask(prefix + path, body).text == body


@given(TEXTS, st.dictionaries(st.just("x-amzn-errortype"), st.text()))
def test_anything_makes_a_report_and_a_failure(text: str, headers: dict[str, str]) -> None:
    report(text)
    hidden(text)
    assert failure(503, text, headers).code != ""


@given(st.lists(st.tuples(KINDS, TEXTS | TEXTS.map(packed))))
def test_any_stream_can_be_read(parts: list[tuple[str, str]]) -> None:
    text = "".join(f"event: {kind}\ndata: {data}\n\n" for kind, data in parts)

    stream_report(text)
    hidden(text)
