import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call import Ask, Report, Usage
from dialects.cohere import ask, failure, report, stream_report

UNKNOWN = Usage(None, None, None, None, None)
DEEP = "[" * 100_000
GARBAGE = ["", " ", "x", "null", "[]", "1", '"a"', '{"a":', DEEP, '{"usage":1,"meta":1}', "{\n}"]
NAMES = st.sampled_from(["type", "event_type", "usage", "meta", "tokens", "delta", "response"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner),
)
TEXTS = st.text() | VALUES.map(json.dumps) | st.dictionaries(NAMES, VALUES).map(json.dumps)

BILLED = {"input_tokens": 5, "output_tokens": 41}
USED = {
    "billed_units": BILLED,
    "tokens": {"input_tokens": 499, "output_tokens": 43},
    "cached_tokens": 448,
}
COUNTED = Usage(tokens_in=5, tokens_out=41)


def events(*payloads: dict[str, object]) -> str:
    names = [payload.get("type") or payload.get("event_type") for payload in payloads]
    texts = map(json.dumps, payloads)
    return "".join(
        f"event: {name}\ndata: {text}\n\n" for name, text in zip(names, texts, strict=True)
    )


def lines(*payloads: dict[str, object]) -> str:
    return "".join(json.dumps(payload) + "\n" for payload in payloads)


def words(text: str) -> dict[str, object]:
    return {"type": "content-delta", "delta": {"message": {"content": {"text": text}}}}


def end(**delta: object) -> dict[str, object]:
    return {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": USED} | delta}


def v1_words(text: str) -> dict[str, object]:
    return {"is_finished": False, "event_type": "text-generation", "text": text}


def v1_end(reason: str = "COMPLETE") -> dict[str, object]:
    return {
        "is_finished": True,
        "event_type": "stream-end",
        "finish_reason": reason,
        "response": {"text": "ab", "finish_reason": reason, "meta": USED},
    }


V1_START: dict[str, object] = {"is_finished": False, "event_type": "stream-start"}


@pytest.mark.parametrize(
    ("path", "model_type"),
    [
        ("v2/chat", "text-generation"),
        ("v1/chat", "text-generation"),
        ("v1/generate", "text-generation"),
        ("v1/embed", "text-embeddings"),
        ("v2/embed", "text-embeddings"),
        ("v1/rerank", "text-classification"),
        ("v2/rerank", "text-classification"),
        ("v1/classify", "text-classification"),
        ("compatibility/v1/chat/completions", "text-generation"),
        ("compatibility/v1/embeddings", "text-embeddings"),
        ("v1/embed-jobs", None),
        ("v1/tokenize", None),
        ("v1/models/embed", None),
        ("chat", None),
        ("v2", None),
        ("v/chat", None),
        ("", None),
    ],
)
def test_a_path_tells_the_task(path: str, model_type: str | None) -> None:
    assert ask(path, None) == Ask(model_type=model_type)


def test_a_request_tells_model_and_stream() -> None:
    body = '{"messages":[],"stream":true,"model":"command-a"}'

    assert ask("v2/chat", body) == Ask("command-a", "text-generation", True, body)


@pytest.mark.parametrize("body", [*GARBAGE, '{"stream":1}', '{"model":2,"stream":"true"}'])
def test_a_request_that_says_nothing_keeps_its_text(body: str) -> None:
    assert ask("v2/embed", body) == Ask(None, "text-embeddings", False, body)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (USED, COUNTED),
        ({"tokens": {"input_tokens": 9, "output_tokens": 0}}, Usage(tokens_in=9, tokens_out=0)),
        ({"billed_units": BILLED}, Usage(tokens_in=5, tokens_out=41)),
        ({"billed_units": {"input_tokens": 0}, "tokens": {"input_tokens": 9}}, Usage(0)),
        ({"billed_units": {"output_tokens": 4}, "tokens": {"input_tokens": 9}}, Usage(9, 4)),
        ({"tokens": {"input_tokens": 9}, "cached_tokens": 8}, Usage(tokens_in=9, cached=8)),
        ({"billed_units": BILLED, "tokens": None}, Usage(tokens_in=5, tokens_out=41)),
        ({"billed_units": {"input_tokens": 4}}, Usage(tokens_in=4)),
        ({"billed_units": {"input_tokens": 2, "image_tokens": 512}}, Usage(tokens_in=514)),
        ({"billed_units": {"image_tokens": 512, "images": 1}}, Usage(tokens_in=512)),
        ({"billed_units": {"input_tokens": 10**12, "image_tokens": 1}}, UNKNOWN),
        ({"billed_units": {"search_units": 1}}, Usage(searches=1)),
        ({"billed_units": {"images": 1}}, UNKNOWN),
        ({"billed_units": {"classifications": 3}}, UNKNOWN),
        ({"cached_tokens": 0}, Usage(cached=0)),
        ({"billed_units": 1, "tokens": [], "cached_tokens": "9"}, UNKNOWN),
        ({"tokens": {"input_tokens": -1, "output_tokens": 1.5}}, UNKNOWN),
        ({}, UNKNOWN),
        ([1], UNKNOWN),
        (None, UNKNOWN),
    ],
)
def test_what_is_billed_counts_before_what_the_model_saw(usage: object, expected: Usage) -> None:
    v2 = json.dumps({"id": "1", "message": {"role": "assistant"}, "usage": usage})
    v1 = json.dumps({"text": "a", "generation_id": "1", "meta": usage}, indent=2)

    assert report(v2) == Report(None, expected, complete=True)
    assert report(v1) == Report(None, expected, complete=True)


@pytest.mark.parametrize("text", GARBAGE)
def test_an_answer_that_cannot_be_read_says_nothing(text: str) -> None:
    assert report(text) == Report(None, UNKNOWN, complete=True)


@pytest.mark.parametrize("after", ["", "data: [DONE]\n\n"])
def test_a_stream_tells_its_usage_last(after: str) -> None:
    text = events({"type": "message-start"}, words("a"), end()) + after

    assert stream_report(text) == Report(None, COUNTED, complete=True)


@pytest.mark.parametrize("reason", ["COMPLETE", "MAX_TOKENS", "STOP_SEQUENCE", "TOOL_CALL"])
def test_an_answer_that_was_stopped_is_complete(reason: str) -> None:
    assert stream_report(events(words("a"), end(finish_reason=reason, error=None))).complete


@pytest.mark.parametrize(
    "failed", [{"finish_reason": "ERROR"}, {"finish_reason": "TIMEOUT"}, {"error": "it broke"}]
)
def test_a_stream_that_failed_is_not_complete_and_still_metered(failed: dict[str, str]) -> None:
    text = events(words("a"), end(**failed))

    assert stream_report(text) == Report(None, COUNTED, complete=False)


@pytest.mark.parametrize("usage", ["usage", "meta"])
@pytest.mark.parametrize("reason", ["ERROR", "TIMEOUT"])
def test_a_whole_answer_that_failed_is_not_complete(usage: str, reason: str) -> None:
    text = json.dumps({"finish_reason": reason, usage: USED})

    assert report(text) == Report(None, COUNTED, complete=False)


def test_what_comes_in_openais_format_is_metered_like_openais() -> None:
    counts = {"prompt_tokens": 9, "completion_tokens": 3}
    chunk: dict[str, object] = {"object": "chat.completion.chunk", "model": "m", "usage": counts}
    told = Report("m", Usage(tokens_in=9, tokens_out=3))

    assert report(json.dumps(chunk | {"object": "chat.completion"}, indent=1)) == told
    assert stream_report(f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n") == told
    assert not stream_report(f"data: {json.dumps(chunk)}\n\n").complete


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        ": ping\n\n",
        "data: [DONE]\n\n",
        events(words("a")),
        events(words("a")) + "data: [DONE]\n\n",
        events(end(), words("a")),
        events(words("a"), end())[:-5],
        events({"type": "message-start"}),
        events({"type": "message-end-not", "delta": {"finish_reason": "COMPLETE"}}),
    ],
)
def test_a_stream_without_its_last_event_is_not_complete(text: str) -> None:
    assert stream_report(text) == Report(None, UNKNOWN, complete=False)


def test_a_stream_of_version_1_is_told_by_events_and_by_lines() -> None:
    stream = (V1_START, v1_words("a"), v1_words('\n{"event_type":"stream-end"}'), v1_end())

    assert stream_report(events(*stream)) == Report(None, COUNTED, complete=True)
    assert report(lines(*stream)) == Report(None, COUNTED, complete=True)
    assert report(lines(*stream).replace("\n", "\r\n") + "\n") == Report(None, COUNTED)


@pytest.mark.parametrize(
    ("reason", "complete"),
    [("COMPLETE", True), ("MAX_TOKENS", True), ("ERROR_TOXIC", True), ("ERROR", False)],
)
def test_a_reason_to_end_version_1_tells_whether_it_failed(reason: str, complete: bool) -> None:
    stream = (V1_START, v1_end(reason))

    assert stream_report(events(*stream)) == Report(None, COUNTED, complete)
    assert report(lines(*stream)) == Report(None, COUNTED, complete)


def test_a_failed_end_of_version_1_without_its_answer_is_not_complete() -> None:
    last: dict[str, object] = {"event_type": "stream-end", "finish_reason": "ERROR"}

    assert report(lines(V1_START, last)) == Report(None, UNKNOWN, complete=False)


def test_lines_that_were_cut_are_not_complete() -> None:
    text = lines(V1_START, v1_words("a"), v1_end())
    whole = len(text.rstrip())

    # Within the first line nothing tells that it is a stream.
    cuts = range(text.index("\n"), whole)

    assert not [at for at in cuts if report(text[:at]).complete]


@pytest.mark.parametrize("body", [*GARBAGE, "{}", '{"message":1}', '{"message":null}'])
def test_an_error_that_says_nothing_is_told_by_its_status(body: str) -> None:
    told = [(failure(s, body).message, failure(s, body).retryable) for s in (422, 429, 500)]

    assert told == [(None, False), (None, True), (None, True)]


def test_only_a_limit_that_holds_for_a_month_is_not_tried_again() -> None:
    month = json.dumps({"message": "You are limited to 1000 API calls / month. Upgrade."})

    assert failure(429, month).retryable is False
    assert failure(500, month).retryable is True


@given(st.text(), st.none() | TEXTS)
def test_any_request_can_be_asked(path: str, body: str | None) -> None:
    assert ask(path, body).text == body


@given(TEXTS, st.lists(TEXTS))
def test_anything_makes_a_report_and_a_failure(text: str, more: list[str]) -> None:
    report("\n".join([text, *more]))
    assert stream_report(f"data: {text}\n\n").complete is False
    assert failure(503, text).retryable
