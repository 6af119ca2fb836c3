import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call import Ask, Report, Usage
from dialects.openai import ask, report

UNKNOWN = Usage(None, None, None, None, None)
DEEP = "[" * 100_000
GARBAGE = ["", " ", "x", "null", "[]", "1", '"a"', '{"a":', "\ufeff{}", DEEP, '{"a":' * 100_000]
# JSON that is near to what is read, and text that is not JSON at all.
NAMES = st.sampled_from(["model", "stream", "usage", "response", "type", "error", "input_tokens"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner),
)
TEXTS = st.text() | VALUES.map(json.dumps) | st.dictionaries(NAMES, VALUES).map(json.dumps)


@pytest.mark.parametrize(
    ("path", "model_type"),
    [
        ("chat/completions", "text-generation"),
        ("v1/chat/completions", "text-generation"),
        ("completions", "text-generation"),
        ("responses", "text-generation"),
        ("responses/resp_1/cancel", "text-generation"),
        ("responses/input_tokens", "token-counting"),
        ("v1/messages/count_tokens", "token-counting"),
        ("embeddings", "text-embeddings"),
        ("images/generations", "text-to-image"),
        ("audio/speech", "text-to-speech"),
        ("audio/transcriptions", "automatic-speech-recognition"),
        ("audio/translations", "automatic-speech-recognition"),
        ("moderations", "text-classification"),
        ("videos", "text-to-video"),
        ("models", None),
        ("v1/v1/responses", None),
        ("", None),
    ],
)
def test_a_path_tells_the_task(path: str, model_type: str | None) -> None:
    assert ask(path, None) == Ask(model_type=model_type)


def test_a_request_tells_model_and_stream() -> None:
    body = '{"messages":[{"role":"user","content":"hi"}],"stream":true,"model":"gpt-5"}'

    assert ask("chat/completions", body) == Ask("gpt-5", "text-generation", True, body)


@pytest.mark.parametrize("stream", ["false", "null", "1", '"true"', "{}"])
def test_only_true_asks_for_a_stream(stream: str) -> None:
    assert ask("responses", f'{{"stream":{stream}}}').stream is False


@pytest.mark.parametrize("model", ["null", "1", "true", "[]", '{"id":"gpt-5"}'])
def test_a_model_that_is_no_string_is_unknown(model: str) -> None:
    body = f'{{"model":{model},"stream":true}}'

    assert ask("responses", body) == Ask(None, "text-generation", True, body)


@pytest.mark.parametrize("body", GARBAGE)
def test_a_request_that_cannot_be_read_keeps_its_text(body: str) -> None:
    assert ask("embeddings", body) == Ask(None, "text-embeddings", False, body)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 20,
                "total_tokens": 120,
                "prompt_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 32},
                "completion_tokens_details": {"reasoning_tokens": 12, "audio_tokens": 0},
            },
            Usage(tokens_in=100, tokens_out=20, cached=64, cache_write=32, reasoning=12),
        ),
        (
            {
                "input_tokens": 36,
                "input_tokens_details": {"cached_tokens": 0},
                "output_tokens": 87,
                "output_tokens_details": {"reasoning_tokens": 5},
                "total_tokens": 123,
            },
            Usage(tokens_in=36, tokens_out=87, cached=0, cache_write=None, reasoning=5),
        ),
        ({"prompt_tokens": 8, "total_tokens": 8}, Usage(tokens_in=8)),
        (
            {"type": "tokens", "input_tokens": 14, "output_tokens": 45, "total_tokens": 59},
            Usage(tokens_in=14, tokens_out=45),
        ),
        ({"type": "duration", "seconds": 9}, Usage(audio_seconds=9.0)),
        ({"prompt_tokens": 0, "completion_tokens": 0}, Usage(tokens_in=0, tokens_out=0)),
        (None, UNKNOWN),
        ({}, UNKNOWN),
        ([], UNKNOWN),
        ("many", UNKNOWN),
        ({"prompt_tokens": None, "input_tokens": 3}, Usage(tokens_in=3)),
        ({"prompt_tokens": -1, "completion_tokens": 1.5}, UNKNOWN),
        ({"prompt_tokens": True, "completion_tokens": "7"}, UNKNOWN),
        ({"prompt_tokens": 10**12 + 1, "completion_tokens": 10**12}, Usage(tokens_out=10**12)),
        ({"prompt_tokens": 1, "prompt_tokens_details": None}, Usage(tokens_in=1)),
        ({"prompt_tokens": 1, "prompt_tokens_details": [1]}, Usage(tokens_in=1)),
    ],
    ids=[
        "chat",
        "responses",
        "embeddings",
        "transcription",
        "whisper",
        "zero",
        "null",
        "empty",
        "list",
        "string",
        "either",
        "not-counts",
        "not-integers",
        "too-large",
        "no-details",
        "odd-details",
    ],
)
def test_an_answer_tells_its_usage(usage: object, expected: Usage) -> None:
    text = json.dumps({"model": "gpt-5-2026", "choices": [], "usage": usage})

    assert report(text) == Report("gpt-5-2026", expected, complete=True)


def test_an_answer_without_usage_is_of_unknown_usage() -> None:
    assert report('{"object":"list","data":[]}') == Report(None, UNKNOWN, complete=True)


@pytest.mark.parametrize("model", ["null", "1", "{}"])
def test_an_answer_whose_model_is_no_string_still_tells_its_usage(model: str) -> None:
    text = f'{{"model":{model},"usage":{{"prompt_tokens":3}}}}'

    assert report(text) == Report(None, Usage(tokens_in=3))


@pytest.mark.parametrize("text", GARBAGE)
def test_an_answer_that_cannot_be_read_says_nothing(text: str) -> None:
    assert report(text) == Report(None, UNKNOWN, complete=True)


@given(st.text(), st.none() | TEXTS)
def test_any_request_can_be_asked(path: str, body: str | None) -> None:
    asked = ask(path, body)

    assert asked.text == body
    assert asked.model is None or body is not None


@given(TEXTS)
def test_any_answer_makes_a_report(text: str) -> None:
    assert report(text).cost is None
