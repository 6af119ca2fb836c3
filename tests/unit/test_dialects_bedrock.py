"""Requests, whole answers, headers and errors in Bedrock's dialect."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_texts import GARBAGE, TEXTS
from call import COUNTING, Ask, Failure, Report, Usage
from dialects.bedrock import ask, beside, failure, hidden, report

UNKNOWN = Usage()

RUNTIME = "bedrock-runtime/us-east-1"
MANTLE = "bedrock-mantle/us-east-1"
ARN = "arn:aws:bedrock:us-east-1:123456789012"
TEXT, VECTORS, IMAGES = "text-generation", "text-embeddings", "text-to-image"

USED = {"inputTokens": 12, "outputTokens": 34, "totalTokens": 46}
COUNTED = Usage(tokens_in=12, tokens_out=34)


@pytest.mark.parametrize(
    ("path", "model", "model_type", "stream"),
    [
        ("model/amazon.nova-lite-v1:0/converse", "amazon.nova-lite-v1:0", TEXT, False),
        ("model/amazon.nova-lite-v1%3A0/converse", "amazon.nova-lite-v1:0", TEXT, False),
        ("model/amazon.nova-lite-v1%3A0/converse-stream", "amazon.nova-lite-v1:0", TEXT, True),
        ("model/us.anthropic.c/invoke", "us.anthropic.c", TEXT, False),
        ("model/us.anthropic.c/invoke-with-response-stream", "us.anthropic.c", TEXT, True),
        ("model/us.anthropic.c/count-tokens", "us.anthropic.c", COUNTING, False),
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
        ({"usage": {"inputTokens": 10**12, "cacheReadInputTokens": 1}}, Usage(cached=1)),
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


@pytest.mark.parametrize(
    ("answer", "made"),
    [
        ({"images": ["iVBORw0KGgo="], "error": None}, 1),
        ({"seeds": [1, 2], "finish_reasons": [None, None], "images": ["/9j/", "/9j/"]}, 2),
        ({"seeds": [1, 2], "finish_reasons": [None, "Filter reason: prompt"], "images": ["/9"]}, 1),
        ({"finish_reasons": ["Filter reason: output image"], "images": [""]}, None),
        ({"finish_reasons": ["Filter reason: prompt"]}, None),
        ({"images": [], "error": "blocked"}, None),
        ({"images": [None, 1]}, None),
        ({"images": "iVBORw0KGgo="}, None),
        ({"output": {"images": ["iVBORw0KGgo="]}}, None),
    ],
)
def test_images_are_counted(answer: dict[str, object], made: int | None) -> None:
    assert report(json.dumps(answer)).usage == Usage(images=made)


def test_tokens_beside_the_name_of_images_are_counted() -> None:
    answer = {"generation": "a", "prompt_token_count": 14, "images": ["a"]}

    assert report(json.dumps(answer)).usage == Usage(tokens_in=14)


@pytest.mark.parametrize("text", GARBAGE)
def test_an_answer_that_cannot_be_read_says_nothing(text: str) -> None:
    assert report(text) == Report(None, UNKNOWN, complete=True)


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


@given(st.text(), st.none() | TEXTS)
def test_any_request_can_be_asked(path: str, body: str | None) -> None:
    for prefix in ("", f"{RUNTIME}/model/", f"{RUNTIME}/", f"{MANTLE}/anthropic/"):
        assert ask(prefix + path, body).text == body


@given(TEXTS, st.dictionaries(st.just("x-amzn-errortype"), st.text()))
def test_anything_makes_a_report_and_a_failure(text: str, headers: dict[str, str]) -> None:
    report(text)
    hidden(text)
    assert failure(503, text, headers).code != ""
