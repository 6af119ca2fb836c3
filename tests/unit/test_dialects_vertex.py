"""Requests, whole answers and errors in the dialect of Vertex AI."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call import Ask, Failure, Report, Usage
from dialects.vertex import ask, failure, hidden, report, stream_report

HERE = "v1/projects/p/locations/us-central1"
GOOGLE = f"{HERE}/publishers/google/models"
CLAUDE = f"{HERE}/publishers/anthropic/models/claude-sonnet-4-5@20250929"
DEEP = "[" * 100_000
GARBAGE = [
    "",
    " ",
    "null",
    "[]",
    "1",
    '"a"',
    '{"a":',
    DEEP,
    '{"predictions":1,"metadata":1}',
    '{"predictions":[1]}',
    '{"predictions":[]}',
    '{"predictions":[{"embeddings":[]}]}',
    '{"predictions":[{"embeddings":{"statistics":1}}],"metadata":[]}',
    '{"predictions":[{"textEmbedding":[0.1]}],"deployedModelId":"1"}',
]
NAMES = st.sampled_from(
    ["type", "error", "status", "predictions", "embeddings", "statistics", "usageMetadata", "usage"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner),
)
TEXTS = st.text() | VALUES.map(json.dumps) | st.dictionaries(NAMES, VALUES).map(json.dumps)


@pytest.mark.parametrize(
    ("model", "method", "model_type"),
    [
        ("gemini-2.5-flash", "generateContent", "text-generation"),
        ("gemini-2.5-flash", "countTokens", "token-counting"),
        ("gemini-embedding-001", "embedContent", "text-embeddings"),
        ("gemini-embedding-001", "predict", "text-embeddings"),
        ("textembedding-gecko@003", "predict", "text-embeddings"),
        ("multimodalembedding@001", "predict", "text-embeddings"),
        ("imagen-3.0-capability-001", "predict", "text-to-image"),
        ("imagegeneration@006", "predict", "text-to-image"),
        ("lyria-002", "predict", None),
        ("veo-3.0-generate-001", "predictLongRunning", "text-to-video"),
    ],
)
@pytest.mark.parametrize("place", [GOOGLE, "v1beta1/publishers/google/models"])
def test_a_path_tells_the_model_and_what_it_is_for(
    place: str, model: str, method: str, model_type: str | None
) -> None:
    assert ask(f"{place}/{model}:{method}", "{}") == Ask(model, model_type, text="{}")
    assert ask(f"{place}/{model.replace('@', '%40')}:{method}", None) == Ask(model, model_type)


@pytest.mark.parametrize(
    ("publisher", "model", "model_type"),
    [
        ("anthropic", "claude-sonnet-4-5@20250929", "text-generation"),
        ("mistralai", "codestral-2", "text-generation"),
        ("mistralai", "mistral-ocr-2505", None),
        ("acme", "m", None),
    ],
)
def test_a_publisher_tells_what_its_models_are_for(
    publisher: str, model: str, model_type: str | None
) -> None:
    path = f"{HERE}/publishers/{publisher}/models/{model}:rawPredict"

    assert ask(path, "{}") == Ask(model, model_type, text="{}")


@pytest.mark.parametrize(
    ("path", "model", "model_type"),
    [
        ("endpoints/123:generateContent", "endpoints/123", "text-generation"),
        ("endpoints/123:predict", "endpoints/123", None),
        ("endpoints/123:rawPredict", "endpoints/123", None),
        ("endpoints/openapi/chat/completions", None, "text-generation"),
        ("endpoints/openapi/embeddings", None, "text-embeddings"),
        ("endpoints/123/chat/completions", None, "text-generation"),
        ("publishers/xai/v1/responses", None, "text-generation"),
        ("publishers/openai/v1/responses", None, "text-generation"),
        ("publishers/google/models", None, None),
        ("cachedContents", None, None),
        ("", None, None),
    ],
)
def test_other_paths_are_read_as_far_as_they_tell(
    path: str, model: str | None, model_type: str | None
) -> None:
    assert ask(f"{HERE}/{path}", None) == Ask(model, model_type)


@pytest.mark.parametrize(
    "path",
    [
        f"{GOOGLE}/gemini-2.5-flash:streamGenerateContent",
        f"{CLAUDE}:streamRawPredict",
        f"{HERE}/endpoints/123:streamGenerateContent",
        f"{HERE}/endpoints/123:streamRawPredict",
    ],
)
def test_a_path_tells_that_it_streams(path: str) -> None:
    assert ask(path, None).stream
    assert ask(path, '{"stream":false}').stream


@pytest.mark.parametrize(
    "path",
    [
        f"{CLAUDE}:rawPredict",
        f"{HERE}/endpoints/openapi/chat/completions",
        f"{HERE}/publishers/xai/v1/responses",
    ],
)
def test_a_body_tells_that_it_streams(path: str) -> None:
    assert ask(path, '{"stream":true}').stream


def test_a_request_to_count_tokens_names_its_model_in_the_body() -> None:
    path = f"{HERE}/publishers/anthropic/models/count-tokens:rawPredict"
    body = '{"model":"claude-sonnet-4-5@20250929","messages":[]}'

    assert ask(path, body) == Ask("claude-sonnet-4-5@20250929", "token-counting", text=body)


@pytest.mark.parametrize(
    ("counted", "tokens"), [("4", 4), ("4.0", 4), ("4.5", None), ("-1", None), ('"4"', None)]
)
def test_tokens_of_a_vector_are_a_whole_number(counted: str, tokens: int | None) -> None:
    vector = f'{{"embeddings":{{"values":[0.1],"statistics":{{"token_count":{counted}}}}}}}'

    assert report(f'{{"predictions":[{vector}]}}').usage == Usage(tokens_in=tokens)


@pytest.mark.parametrize(
    ("answer", "usage"),
    [
        ('{"predictions":[{"embeddings":{}},{}]}', Usage()),
        ('{"predictions":[],"metadata":{"billableCharacterCount":7.0}}', Usage(characters=7)),
        ('{"predictions":[{"mimeType":"audio/wav","bytesBase64Encoded":"UklG"}]}', Usage()),
        ('{"predictions":[{"mimeType":"image/jpeg","gcsUri":"gs://b/1"}]}', Usage(images=1)),
        ('{"totalTokens":31,"totalBillableCharacters":96}', Usage()),
        ('{"input_tokens":14}', Usage()),
    ],
)
def test_an_answer_is_metered_in_what_it_is(answer: str, usage: Usage) -> None:
    assert report(answer) == Report(None, usage)


@pytest.mark.parametrize("word", ["predictions", "embeddings"])
def test_an_argument_of_a_tool_does_not_hide_the_usage(word: str) -> None:
    call = f'{{"functionCall":{{"name":"f","args":{{"{word}":[{{"embeddings":{{}}}}]}}}}}}'
    candidates = f'[{{"content":{{"parts":[{call}]}},"finishReason":"STOP"}}]'
    usage = '{"promptTokenCount":3,"candidatesTokenCount":2}'

    told = report(f'{{"candidates":{candidates},"usageMetadata":{usage}}}')

    assert told.usage == Usage(tokens_in=3, tokens_out=2)


@pytest.mark.parametrize("text", GARBAGE)
def test_an_answer_that_cannot_be_read_says_nothing(text: str) -> None:
    assert report(text).usage == Usage()
    assert stream_report(f"data: {text}\n\n") == Report(complete=False)
    assert hidden(text) is None


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        (
            429,
            {"error": {"code": 429, "message": "Quota", "status": "RESOURCE_EXHAUSTED"}},
            Failure("RESOURCE_EXHAUSTED", "Quota", retryable=True),
        ),
        (
            400,
            {"error": {"message": "No", "type": "invalid_request_error", "code": None}},
            Failure("invalid_request_error", "No", retryable=False),
        ),
        (403, {"error": {"message": "No"}}, Failure(None, "No", retryable=False)),
        (500, {"message": "Oops", "code": 3700}, Failure("3700", "Oops", retryable=True)),
        (401, [], Failure(None, None, retryable=False)),
    ],
)
def test_an_error_is_told_by_whose_words_it_has(
    status: int, error: object, expected: Failure
) -> None:
    assert failure(status, json.dumps(error), {}) == expected


@given(st.text(), st.none() | TEXTS)
def test_any_request_can_be_asked(path: str, body: str | None) -> None:
    for prefix in ("", f"{GOOGLE}/", f"{HERE}/endpoints/", f"{HERE}/publishers/"):
        assert ask(prefix + path, body).text == body


@given(TEXTS, st.lists(TEXTS))
def test_anything_makes_a_report_and_a_failure(text: str, more: list[str]) -> None:
    report("\n".join([text, *more]))
    stream_report(f"event: vertex_event\ndata: {text}\n\n")
    hidden(f"event: error\ndata: {text}\n\n")
    hidden(text)
    assert failure(503, text, {}).retryable
