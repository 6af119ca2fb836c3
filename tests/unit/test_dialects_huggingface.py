import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call import Ask, Failure, Report, Usage
from dialects.huggingface import ask, beside, failure, report, routed, stream_report

DEEP = "[" * 100_000
GARBAGE = ["", " ", "x", "null", "[]", "1", '"a"', '{"a":', DEEP, '{"details":1}', "[[0.5]]"]
NAMES = st.sampled_from(["error", "error_type", "estimated_time", "token", "details", "usage"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner),
)
TEXTS = st.text() | VALUES.map(json.dumps) | st.dictionaries(NAMES, VALUES).map(json.dumps)

DETAILS = {"finish_reason": "eos_token", "generated_tokens": 2, "input_length": 3, "seed": None}
TOKEN = {"id": 9, "text": "lo", "logprob": -0.1, "special": False}
END = {"index": 2, "token": TOKEN, "generated_text": "Hello", "details": DETAILS}
WORD = {"index": 1, "token": TOKEN, "generated_text": None, "details": None}


def events(*payloads: object) -> str:
    return "".join(f"data:{json.dumps(payload)}\n\n" for payload in payloads)


@pytest.mark.parametrize(
    ("path", "model", "model_type"),
    [
        ("v1/chat/completions", "in-the-body", "text-generation"),
        ("v1/responses", "in-the-body", "text-generation"),
        ("v1/models", "in-the-body", None),
        ("together/v1/images/generations", "in-the-body", "text-to-image"),
        ("groq/openai/v1/chat/completions", "in-the-body", "text-generation"),
        ("novita/v3/openai/completions", "in-the-body", "text-generation"),
        ("deepinfra/v1/openai/audio/speech", "in-the-body", "text-to-speech"),
        ("zai-org/api/paas/v4/async/images/generations", "in-the-body", "text-to-image"),
        ("fal-ai/fal-ai/flux/dev", "fal-ai/flux/dev", None),
        ("replicate/v1/models/owner/name/predictions", "owner/name", None),
        ("replicate/v1/predictions", "in-the-body", None),
        ("wavespeed/api/v3/wavespeed-ai/flux-dev", "wavespeed-ai/flux-dev", None),
        ("novita/v3/hf/wan-ai/wan", "wan-ai/wan", None),
        ("org/name", "org/name", None),
        ("models/org/name", "org/name", None),
        ("hf-inference/models/org/name", "org/name", None),
        ("org/my%20name", "org/my name", None),
        ("gpt2", "gpt2", None),
        ("openai/whisper-large-v3", "openai/whisper-large-v3", None),
        ("org/embeddings", "org/embeddings", None),
        ("org/name/v1/chat/completions", "org/name", "text-generation"),
        ("models/gpt2/v1/chat/completions", "gpt2", "text-generation"),
        ("org/name/pipeline/feature-extraction", "org/name", "text-embeddings"),
        ("gpt2/pipeline/feature-extraction", "gpt2", "text-embeddings"),
        ("org/name/pipeline/sentence-similarity", "org/name", "text-embeddings"),
        ("org/name/pipeline/other", "org/name", None),
    ],
)
def test_the_path_names_the_model_unless_the_task_is_openais(
    path: str, model: str, model_type: str | None
) -> None:
    body = '{"model":"in-the-body","inputs":"Hi"}'

    assert ask(path, body) == Ask(model, model_type, False, body)


@pytest.mark.parametrize(
    ("request_", "stream"),
    [
        ({"inputs": "Hi", "parameters": {"max_new_tokens": 20}}, False),
        ({"inputs": "Hi", "stream": True}, True),
    ],
)
def test_a_request_that_can_only_be_for_text_is_for_text(
    request_: dict[str, object], stream: bool
) -> None:
    body = json.dumps(request_)

    assert ask("org/name", body) == Ask("org/name", "text-generation", stream, body)


@pytest.mark.parametrize("body", [None, *GARBAGE, '{"parameters":1}', '{"parameters":{}}'])
def test_a_request_that_says_nothing_keeps_its_text(body: str | None) -> None:
    assert ask("org/name", body) == Ask("org/name", None, False, body)


@pytest.mark.parametrize(
    ("answer", "usage"),
    [
        ([{"generated_text": "a", "details": DETAILS}], Usage(tokens_in=3, tokens_out=2)),
        ({"generated_text": "a", "details": DETAILS}, Usage(tokens_in=3, tokens_out=2)),
        ([{"generated_text": "a", "details": {"generated_tokens": 2}}], Usage(tokens_out=2)),
        ([{"generated_text": "a"}], Usage()),
        ([{"generated_text": "a", "details": {"generated_tokens": -1}}], Usage()),
        ([{"label": "POSITIVE", "score": 0.9}], Usage()),
        ([[0.1, 0.2], [0.3, 0.4]], Usage()),
        ({"usage": {"prompt_tokens": 5, "completion_tokens": 6}}, Usage(5, 6)),
    ],
)
def test_an_answer_tells_what_was_generated_where_it_was_asked_to(
    answer: object, usage: Usage
) -> None:
    assert report(json.dumps(answer)) == Report(None, usage, complete=True)


@pytest.mark.parametrize("text", GARBAGE)
def test_an_answer_that_cannot_be_read_says_nothing(text: str) -> None:
    assert report(text) == Report(None, Usage(), complete=True)


def test_a_stream_of_tokens_ends_with_the_whole_text() -> None:
    text = events(WORD, END)

    assert stream_report(text) == Report(None, Usage(tokens_in=3, tokens_out=2), complete=True)


def test_a_stream_of_tokens_need_not_count_them() -> None:
    assert stream_report(events(WORD, END | {"details": None})) == Report(None, Usage())


@pytest.mark.parametrize(
    "text",
    [
        "",
        ": ping\n\n",
        events(WORD),
        events(WORD, END)[:-5],
        events(WORD, {"error": "Request failed during generation", "error_type": "generation"}),
    ],
)
def test_a_stream_of_tokens_without_its_end_is_not_complete(text: str) -> None:
    assert stream_report(text) == Report(None, Usage(), complete=False)


def test_another_stream_is_openais() -> None:
    chunk: dict[str, object] = {"object": "chat.completion.chunk", "model": "m"}
    text = events(chunk, chunk | {"usage": {"prompt_tokens": 5, "completion_tokens": 6}})

    assert stream_report(text + "data: [DONE]\n\n") == Report("m", Usage(5, 6), complete=True)
    assert stream_report(text).complete is False


@pytest.mark.parametrize(
    ("headers", "usage"),
    [
        ({"x-prompt-tokens": "3", "x-generated-tokens": "20"}, Usage(tokens_in=3, tokens_out=20)),
        ({"x-compute-tokens": "4"}, Usage(tokens_in=4)),
        ({"x-prompt-tokens": "0", "x-compute-tokens": "4"}, Usage(tokens_in=0)),
        ({"x-prompt-tokens": "-3", "x-generated-tokens": "1.5"}, Usage()),
        ({"x-prompt-tokens": "9" * 5000, "x-generated-tokens": "٣"}, Usage()),
        ({}, Usage()),
    ],
)
def test_the_headers_of_an_answer_count_tokens(headers: dict[str, str], usage: Usage) -> None:
    assert beside(Ask(), headers) == usage


@pytest.mark.parametrize(
    ("time", "wait"),
    [(20.0, 20.0), (7, 7.0), (0, 0.0), (-1, None), ("20", None), (True, None), (None, None)],
)
def test_a_model_that_is_loading_tells_how_long_it_will(time: object, wait: float | None) -> None:
    text = json.dumps({"error": "Model m is currently loading", "estimated_time": time})

    assert failure(503, text) == Failure(None, "Model m is currently loading", True, wait)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ("One", "One"),
        (["One", "Two"], "One"),
        ([1, "Two"], "Two"),
        ([], None),
        ([None], None),
        ({"message": "One"}, "One"),
        (None, None),
        (1, None),
    ],
)
def test_an_error_is_a_sentence_or_several(error: object, message: str | None) -> None:
    text = json.dumps({"error": error, "error_type": "validation"})

    assert failure(422, text) == Failure("validation", message, False)


def test_credits_that_are_used_up_do_not_come_back() -> None:
    assert failure(402, '{"error":"You have exceeded your monthly credits"}').retryable is False


@pytest.mark.parametrize("text", GARBAGE)
def test_an_error_that_says_nothing_is_told_by_its_status(text: str) -> None:
    assert [failure(status, text).retryable for status in (400, 429, 503)] == [False, True, True]


@given(st.text(), st.none() | TEXTS)
def test_any_request_can_be_asked(path: str, body: str | None) -> None:
    assert ask(path, body).text == body
    assert routed(routed(path)) in (routed(path), "hf-inference/models/")


@given(TEXTS)
def test_anything_makes_a_report_and_a_failure(text: str) -> None:
    report(text)
    stream_report(f"data: {text}\n\n")
    assert failure(503, text).message != ""
