import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call import Ask, Failure, Report, Usage
from dialects.workers_ai import ask, beside, charged, failure, hidden, report, stream_report

MODEL = "@cf/meta/llama-3.1-8b-instruct"
USED = {"prompt_tokens": 36, "completion_tokens": 8, "total_tokens": 44}
COUNTED = Usage(tokens_in=36, tokens_out=8)
DEEP = "[" * 100_000
GARBAGE = ["", " ", "x", "null", "[]", "1", '"a"', '{"a":', DEEP, '{"result":1}', '{"errors":[]}']
NAMES = st.sampled_from(["result", "success", "errors", "usage", "response", "image", "code"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner),
)
TEXTS = st.text() | VALUES.map(json.dumps) | st.dictionaries(NAMES, VALUES).map(json.dumps)


def events(*payloads: object) -> str:
    return "".join(f"data: {json.dumps(payload)}\n\n" for payload in payloads)


def envelope(result: object) -> str:
    return json.dumps({"result": result, "success": True, "errors": [], "messages": []})


def error(code: object, message: object = "No") -> str:
    errors = [{"code": code, "message": message}]
    return json.dumps({"result": None, "success": False, "errors": errors, "messages": []})


@pytest.mark.parametrize(
    ("path", "model"),
    [
        (MODEL, MODEL),
        (f"run/{MODEL}", MODEL),
        ("%40cf/meta/llama", "@cf/meta/llama"),
        ("run/@hf/google/gemma-7b-it", "@hf/google/gemma-7b-it"),
    ],
)
def test_a_native_path_is_the_model(path: str, model: str) -> None:
    body = '{"messages":[],"stream":true,"model":"another"}'

    assert ask(path, body) == Ask(model, "text-generation", True, body)


@pytest.mark.parametrize(
    ("path", "model_type"),
    [
        ("v1/chat/completions", "text-generation"),
        ("v1/responses", "text-generation"),
        ("v1/embeddings", "text-embeddings"),
    ],
)
def test_a_compatible_path_tells_the_task_and_the_body_the_model(
    path: str, model_type: str
) -> None:
    body = json.dumps({"model": MODEL})

    assert ask(path, body) == Ask(MODEL, model_type, False, body)


@pytest.mark.parametrize(
    ("request_", "model_type"),
    [
        ({"messages": [{"role": "user", "content": "Hi"}]}, "text-generation"),
        ({"messages": [], "image": [1, 2]}, "text-generation"),
        ({"prompt": "Hi", "max_tokens": 9}, "text-generation"),
        ({"prompt": "Hi", "raw": True}, "text-generation"),
        ({"text": ["a", "b"]}, "text-embeddings"),
        ({"text": "a", "source_lang": "en", "target_lang": "fr"}, "translation"),
        ({"text": ["a"], "target_language": "hin_Deva"}, "translation"),
        ({"query": "a", "contexts": [{"text": "b"}]}, "text-classification"),
        ({"input_text": "a"}, "summarization"),
        # A text or an image; embedded, classified or spoken; asked about an image.
        ({"prompt": "a cat"}, None),
        ({"text": "a"}, None),
        ({"contexts": [{"text": "b"}]}, None),
        ({"prompt": "what is it", "image": [1], "max_tokens": 9}, None),
        ({"messages": "Hi"}, None),
        ({"audio": "UklGRg=="}, None),
        ({}, None),
    ],
)
def test_the_fields_of_a_native_request_tell_the_task_where_they_leave_no_doubt(
    request_: dict[str, object], model_type: str | None
) -> None:
    body = json.dumps(request_)

    assert ask(MODEL, body) == Ask(MODEL, model_type, False, body)


@pytest.mark.parametrize("body", [None, *GARBAGE])
def test_a_request_that_says_nothing_keeps_its_text(body: str | None) -> None:
    assert ask(MODEL, body) == Ask(MODEL, None, False, body)


@pytest.mark.parametrize(
    ("result", "usage"),
    [
        ({"response": "Hello", "usage": USED}, COUNTED),
        ({"response": {"a": 1}, "usage": USED}, COUNTED),
        ({"response": None, "tool_calls": [1], "usage": USED}, COUNTED),
        ({"shape": [1, 2], "data": [[0.1, 0.2]]}, Usage()),
        ({"image": "iVBORw0KGgo="}, Usage(images=1)),
        ({"image": None}, Usage()),
        ({"text": "a", "transcription_info": {"duration": 2}}, Usage(audio_seconds=2)),
        ({"text": "a", "transcription_info": {"duration": -1}}, Usage()),
        ({"text": "a", "transcription_info": {"duration": "2"}}, Usage()),
        ({"text": "a", "transcription_info": 2}, Usage()),
        ({"usage": {"prompt_tokens": -1, "completion_tokens": 1.5}}, Usage()),
        ({"usage": 1}, Usage()),
    ],
)
def test_an_answer_tells_its_use_with_and_without_the_envelope(
    result: dict[str, object], usage: Usage
) -> None:
    assert report(envelope(result)) == Report(None, usage, complete=True)
    assert report(json.dumps(result)) == Report(None, usage, complete=True)


def test_a_large_result_makes_few_objects() -> None:
    # 100 000 embeddings would be the whole memory of a Worker, as Python objects.
    text = '{"result":{"data":[' + "[0.5]," * 100_000 + '[0.5]],"usage":{"prompt_tokens":7}}}'

    assert report(text).usage == Usage(tokens_in=7)


def test_the_model_is_told_where_the_answer_tells_it() -> None:
    answer: dict[str, object] = {"model": MODEL, "usage": USED}

    assert report(envelope(answer)) == report(json.dumps(answer)) == Report(MODEL, COUNTED)


@pytest.mark.parametrize("text", GARBAGE)
def test_an_answer_that_cannot_be_read_says_nothing(text: str) -> None:
    assert report(text) == Report(None, Usage(), complete=True)


def test_an_answer_that_tells_of_failure_is_not_complete() -> None:
    assert report(error(3040)) == Report(None, Usage(), complete=False)


@pytest.mark.parametrize("last", ["", "!", None, {"a": 1}])
def test_a_stream_tells_its_use_beside_its_last_word(last: object) -> None:
    text = events({"response": "a", "p": "x"}, {"response": last, "usage": USED})

    assert stream_report(text + "data: [DONE]\n\n") == Report(None, COUNTED, complete=True)
    assert stream_report(text) == Report(None, COUNTED, complete=False)


def test_a_compatible_stream_is_openais() -> None:
    first: dict[str, object] = {"object": "chat.completion.chunk", "model": MODEL}
    text = events(first, first | {"usage": USED}) + "data: [DONE]\n\n"

    assert stream_report(text) == Report(MODEL, COUNTED, complete=True)


def test_a_stream_without_usage_has_unknown_tokens() -> None:
    text = events({"response": "a"}, {"response": ""}) + "data: [DONE]\n\n"

    assert stream_report(text) == Report(None, Usage(), complete=True)


@pytest.mark.parametrize("failed", [json.loads(error(3040)), {"error": "it broke"}])
def test_a_stream_that_failed_is_not_complete(failed: object) -> None:
    text = events({"response": "a"}, failed) + "data: [DONE]\n\n"

    assert stream_report(text).complete is False


def test_a_model_that_speaks_of_failure_has_not_failed() -> None:
    said = {"response": '"success": false', "usage": USED}

    assert report(json.dumps(said)).complete
    assert stream_report(events(said) + "data: [DONE]\n\n").complete
    assert hidden(json.dumps(said)) is None
    assert hidden(envelope({"response": {"success": False}})) is None


@pytest.mark.parametrize(
    ("kind", "images"),
    [("image/png", 1), ("Image/JPEG", 1), ("audio/mpeg", None), ("application/json", None)],
)
def test_an_answer_that_is_a_picture_is_one_image(kind: str, images: int | None) -> None:
    assert beside(Ask(), {"content-type": kind}) == Usage(images=images)
    assert beside(Ask(), {}) == Usage()


def test_neurons_that_an_answer_tells_are_its_cost() -> None:
    said = {"response": "Hi", "usage": USED | {"neurons": 2000}}

    assert report(json.dumps(said)).cost == pytest.approx(0.022)
    assert report(envelope(said)).cost == pytest.approx(0.022)
    assert stream_report(events(said) + "data: [DONE]\n\n").cost == pytest.approx(0.022)


@pytest.mark.parametrize(
    ("told", "usd"),
    [("57.6", 0.0006336), ("0.00", 0), ("", None), ("-1", None), ("nan", None), ("1e9", None)],
)
def test_neurons_that_a_header_tells_are_the_cost_too(told: str, usd: float | None) -> None:
    assert charged({"cf-ai-neurons": told}) == (usd if usd is None else pytest.approx(usd))


@pytest.mark.parametrize(
    ("code", "retryable"),
    [
        (3040, {400: True, 429: True, 500: True}),
        (3007, {400: True, 408: True}),
        (3008, {400: True, 408: True}),
        (3036, {429: False, 500: False}),
        (4006, {429: False, 500: False}),
        (5007, {400: False, 500: True}),
        (3023, {403: False}),
        (10000, {401: False, 403: False}),
    ],
)
def test_cloudflares_code_tells_more_than_the_status(code: int, retryable: dict[int, bool]) -> None:
    for status, expected in retryable.items():
        for written in (code, str(code)):
            assert failure(status, error(written)) == Failure(str(code), "No", expected)


@pytest.mark.parametrize("errors", [None, [], [1], [{}], "x", {"code": 1}])
@pytest.mark.parametrize(("status", "expected"), [(400, False), (429, True), (500, True)])
def test_an_error_that_says_nothing_is_told_by_its_status(
    errors: object, status: int, expected: bool
) -> None:
    assert failure(status, json.dumps({"errors": errors})) == Failure(None, None, expected)


def test_an_error_of_a_compatible_path_is_openais() -> None:
    text = json.dumps({"error": {"message": "bad", "type": "BadRequestError", "code": 400}})

    assert failure(400, text) == Failure("400", "bad", False)


@pytest.mark.parametrize("text", [error(3040), f": wait\n\ndata: {error(3040)}\n\n"])
def test_an_error_behind_a_status_of_200_is_found(text: str) -> None:
    assert hidden(text) == Failure("3040", "No", True)


def test_an_error_after_the_first_word_is_not_hidden() -> None:
    assert hidden(events({"response": "a"}, json.loads(error(3040)))) is None


@given(st.text(), st.none() | TEXTS)
def test_any_request_can_be_asked(path: str, body: str | None) -> None:
    assert ask(path, body).text == body
    assert ask(MODEL, body).model == MODEL


@given(TEXTS, st.lists(TEXTS))
def test_anything_makes_a_report_and_a_failure(text: str, more: list[str]) -> None:
    report(text)
    hidden("\n".join([text, *more]))
    assert stream_report(f"data: {text}\n\n").complete in (True, False)
    assert failure(503, text).code not in ("3036", "4006")
