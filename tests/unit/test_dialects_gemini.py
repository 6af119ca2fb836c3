import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call import Ask, Failure, Report, Usage
from dialects.gemini import ask, failure, report, stream_report

TEXT = "text-generation"
UNKNOWN = Usage(None, None, None, None, None)
DEEP = "[" * 100_000
GARBAGE = ["", " ", "x", "null", "1", '"a"', '{"a":', "\ufeff{}", '{"a":' * 100_000]
COUNTED = Usage(tokens_in=9, tokens_out=5, reasoning=2)
NAMES = st.sampled_from(
    ["candidates", "finishReason", "usageMetadata", "modelVersion", "promptFeedback", "error"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner),
)
TEXTS = st.text() | VALUES.map(json.dumps) | st.dictionaries(NAMES, VALUES).map(json.dumps)

Chunk = dict[str, object]
Read = Callable[[str], Report]
Layout = Callable[..., str]


def counts(**tokens: object) -> Chunk:
    return {f"{name}TokenCount": count for name, count in tokens.items()}


def chunk(text: str, reason: str | None = None, **more: object) -> Chunk:
    candidate = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}
    end = {"finishReason": reason} if reason else {}
    return {"candidates": [candidate | end], "modelVersion": "gemini-2.5"} | more


COUNTS = counts(prompt=9, candidates=3, thoughts=2)
FIRST = chunk("a", usageMetadata=counts(prompt=9, candidates=1))
LAST = chunk("", "STOP", usageMetadata=COUNTS)


def events(*chunks: object) -> str:
    return "".join(f"data: {json.dumps(each)}\r\n\r\n" for each in chunks)


def array(*chunks: object) -> str:
    """Lay chunks out as Google does."""
    return "[" + "\n,\r\n".join(json.dumps(each, indent=2) for each in chunks) + "\n]\n"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("v1beta/models/gemini-2.5:generateContent", Ask("gemini-2.5", TEXT)),
        ("v1/models/gemini-2.5:generateContent", Ask("gemini-2.5", TEXT)),
        ("v1beta/models/gemini-2.5:streamGenerateContent", Ask("gemini-2.5", TEXT, True)),
        ("v1beta/models/gemini-2.5%3AgenerateContent", Ask("gemini-2.5", TEXT)),
        ("v1beta/models/gemini-2.5:countTokens", Ask("gemini-2.5", "token-counting")),
        ("v1beta/models/embed-2:embedContent", Ask("embed-2", "text-embeddings")),
        ("v1beta/models/embed-2:batchEmbedContents", Ask("embed-2", "text-embeddings")),
        ("v1beta/models/imagen-4:predict", Ask("imagen-4", "text-to-image")),
        ("v1beta/models/veo-3:predictLongRunning", Ask("veo-3", "text-to-video")),
        ("v1beta/tunedModels/mine:generateContent", Ask("tunedModels/mine", TEXT)),
        ("v1beta/models/gemini-2.5", Ask()),
        ("", Ask()),
    ],
)
def test_a_path_tells_the_model_the_task_and_whether_it_streams(path: str, expected: Ask) -> None:
    assert ask(path, None) == expected


def test_the_model_of_the_path_counts_and_the_body_is_not_read() -> None:
    body = '{"model":"models/other","stream":true}'

    asked = ask("v1beta/models/gemini-2.5:generateContent", body)

    assert asked == Ask("gemini-2.5", TEXT, False, body)


@pytest.mark.parametrize("prefix", ["", "models/"])
def test_a_path_of_the_openai_format_is_asked_as_openai_is(prefix: str) -> None:
    body = json.dumps({"model": f"{prefix}gemini-2.5", "stream": True})

    asked = ask("v1beta/openai/chat/completions", body)

    assert asked == Ask("gemini-2.5", TEXT, True, body)
    assert ask("v1beta/openai/embeddings", body).model_type == "text-embeddings"


def test_a_path_without_a_method_tells_the_model_in_its_body() -> None:
    body = '{"model":"models/gemini-2.5","ttl":"300s"}'

    assert ask("v1beta/cachedContents", body) == Ask("gemini-2.5", None, False, body)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (counts(prompt=6, candidates=1), Usage(6, 1)),
        (counts(prompt=6, candidates=1, thoughts=76), Usage(6, 77, reasoning=76)),
        (counts(prompt=6, thoughts=14), Usage(6, 14, reasoning=14)),
        (counts(prompt=55, toolUsePrompt=89, candidates=51), Usage(144, 51)),
        (counts(prompt=100, cachedContent=64, candidates=1), Usage(100, 1, cached=64)),
        (counts(prompt=12), Usage(12)),
        (counts(prompt=0, candidates=0), Usage(0, 0)),
        (counts(prompt=-1, candidates="7"), UNKNOWN),
        (counts(candidates=10**12, thoughts=1), Usage(reasoning=1)),
        ({"trafficType": "ON_DEMAND"}, UNKNOWN),
        (None, UNKNOWN),
    ],
)
def test_an_answer_tells_its_usage(usage: object, expected: Usage) -> None:
    answer = json.dumps(chunk("a", "STOP", usageMetadata=usage))

    assert report(answer) == Report("gemini-2.5", expected, complete=True)


def test_an_embedding_tells_its_usage_where_google_counts_it() -> None:
    counted = {"embedding": {"values": [0.1]}, "usageMetadata": {"promptTokenCount": 12}}

    assert report(json.dumps(counted)) == Report(None, Usage(tokens_in=12))
    assert report('{"embedding":{"values":[0.1]}}') == Report()


def test_what_counting_tokens_tells_is_no_usage() -> None:
    assert report('{"totalTokens":31,"cachedContentTokenCount":4}') == Report()


@pytest.mark.parametrize("candidates", ["null", "1", "[1]", '{"finishReason":"STOP"}', "[[]]"])
def test_odd_candidates_do_not_hide_the_usage(candidates: str) -> None:
    text = f'{{"candidates":{candidates},"usageMetadata":{{"promptTokenCount":3}}}}'

    assert report(text) == Report(None, Usage(tokens_in=3))
    assert stream_report(f"data: {text}\n\n") == Report(None, Usage(tokens_in=3), complete=False)


@pytest.mark.parametrize("text", GARBAGE)
def test_an_answer_that_cannot_be_read_says_nothing(text: str) -> None:
    assert report(text) == Report()


def test_an_answer_in_the_openai_format_is_metered_like_openais() -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
    text = json.dumps({"object": "chat.completion", "model": "gemini-2.5", "usage": usage})

    assert report(text) == Report("gemini-2.5", Usage(tokens_in=9, tokens_out=3))


def test_a_stream_in_the_openai_format_is_metered_like_openais() -> None:
    part: Chunk = {"object": "chat.completion.chunk", "model": "gemini-2.5", "choices": []}
    counted = part | {"usage": {"prompt_tokens": 9, "completion_tokens": 3}}
    text = events(part, counted)

    usage = Usage(tokens_in=9, tokens_out=3)
    assert stream_report(text + "data: [DONE]\n\n") == Report("gemini-2.5", usage, complete=True)
    assert stream_report(text) == Report("gemini-2.5", usage, complete=False)


def compact(*chunks: object) -> str:
    return "\r\n " + json.dumps(chunks)


BOTH = pytest.mark.parametrize(
    ("read", "laid_out"), [(stream_report, events), (report, array), (report, compact)]
)


@BOTH
def test_of_a_streams_counts_the_last_holds(read: Read, laid_out: Layout) -> None:
    assert read(laid_out(FIRST, LAST)) == Report("gemini-2.5", COUNTED, complete=True)


@BOTH
def test_a_last_chunk_without_counts_leaves_those_before_it(read: Read, laid_out: Layout) -> None:
    traffic = chunk("", "STOP", usageMetadata={"trafficType": "ON_DEMAND"}, modelVersion=None)
    text = laid_out(FIRST, chunk("b", usageMetadata=COUNTS), traffic)

    assert read(text) == Report("gemini-2.5", COUNTED, complete=True)


@BOTH
@pytest.mark.parametrize("reason", ["STOP", "MAX_TOKENS", "SAFETY", "MALFORMED_FUNCTION_CALL"])
def test_any_reason_to_stop_ends_a_stream(read: Read, laid_out: Layout, reason: str) -> None:
    last = {"candidates": [{"index": 0}, {"index": 1, "finishReason": reason}]}

    assert read(laid_out(chunk("a"), chunk("", reason))).complete
    assert read(laid_out(chunk("a"), last)).complete


@BOTH
def test_a_prompt_that_is_blocked_ends_a_stream(read: Read, laid_out: Layout) -> None:
    feedback = {"blockReason": "PROHIBITED_CONTENT"}
    blocked = {"promptFeedback": feedback, "usageMetadata": {"promptTokenCount": 9}}

    assert read(laid_out(blocked)) == Report(None, Usage(tokens_in=9), complete=True)
    assert not read(laid_out({"promptFeedback": {"safetyRatings": []}})).complete


@BOTH
@pytest.mark.parametrize(
    "last",
    [
        chunk("b"),
        {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}},
        {"error": {"code": 503}, "candidates": [{"finishReason": "STOP"}]},
        {"usageMetadata": {"trafficType": "ON_DEMAND"}},
    ],
)
def test_a_stream_without_its_last_chunk_is_not_complete(
    read: Read, laid_out: Layout, last: Chunk
) -> None:
    result = read(laid_out(FIRST, chunk("b", "STOP", usageMetadata=COUNTS), last))

    assert (result.usage, result.complete) == (COUNTED, False)


@BOTH
def test_words_of_the_model_are_not_usage(read: Read, laid_out: Layout) -> None:
    said = json.dumps({"usageMetadata": {"promptTokenCount": 1_000_000}, "finishReason": "STOP"})

    assert read(laid_out(FIRST, chunk(said))) == Report(
        "gemini-2.5", Usage(tokens_in=9, tokens_out=1), complete=False
    )


def test_a_bare_error_between_events_leaves_a_stream_incomplete() -> None:
    error = json.dumps({"error": {"code": 503, "status": "UNAVAILABLE"}}, indent=2)

    assert stream_report(events(FIRST) + error).complete is False


@pytest.mark.parametrize("data", ["x", "null", "[]", "1", DEEP, '{"usageMetadata": {' * 50_000])
def test_events_that_cannot_be_read_are_passed_over(data: str) -> None:
    text = events(chunk("a", usageMetadata=COUNTS)) + f"data: {data}\n\n" + events(chunk("", "X"))

    assert stream_report(text) == Report("gemini-2.5", COUNTED, complete=True)


@pytest.mark.parametrize("text", ["", "\n\n", ": ping\n\n", "data:", "data: [DONE"])
def test_a_stream_of_nothing_is_not_complete(text: str) -> None:
    assert stream_report(text) == Report(complete=False)


def test_an_array_cut_anywhere_is_not_complete() -> None:
    text = array(FIRST, LAST)
    end = text.rindex("]") + 1

    assert [at for at in range(1, len(text)) if report(text[:at]).complete] == [end]


def test_an_array_that_was_cut_still_tells_the_usage_of_what_came() -> None:
    text = array(FIRST, LAST)
    within_first, within_last = text.index("promptTokenCount"), text.rindex("promptTokenCount")

    first = Usage(tokens_in=9, tokens_out=1)
    assert report(text[:within_first]) == Report(complete=False)
    assert report(text[:within_last]) == Report("gemini-2.5", first, complete=False)
    assert report(text[: text.rindex("]")]) == Report("gemini-2.5", COUNTED, complete=False)


@pytest.mark.parametrize("text", ["[", "[]", " [\n", "[1]", "[{}]", "[null,{}]", DEEP])
def test_an_array_that_tells_nothing_is_not_complete(text: str) -> None:
    assert report(text) == Report(complete=False)


def test_an_error_may_be_wrapped_in_an_array() -> None:
    error = '{"error":{"code":404,"message":"no such model","status":"NOT_FOUND"}}'

    assert failure(404, error) == Failure("NOT_FOUND", "no such model", retryable=False)
    assert failure(404, f"[{error}]") == failure(404, error)


def test_an_error_without_a_status_tells_its_code_where_that_is_a_word() -> None:
    assert failure(400, '{"error":{"code":"invalid_request"}}').code == "invalid_request"
    assert failure(400, '{"error":{"code":400}}').code is None


@pytest.mark.parametrize(
    "details",
    [None, {}, "x", [1], [{}], [{"violations": 1}], [{"violations": [1, {"quotaId": None}]}]],
)
def test_a_limit_of_which_nothing_more_is_known_passes(details: object) -> None:
    assert failure(429, json.dumps({"error": {"details": details}})).retryable


@given(st.text(), st.none() | TEXTS)
def test_any_request_can_be_asked(path: str, body: str | None) -> None:
    assert ask(path, body).text == body


@given(TEXTS)
def test_any_text_makes_a_report_and_a_failure(text: str) -> None:
    assert report(text).usage == UNKNOWN
    assert stream_report(f"data: {text}\n\n").usage == UNKNOWN
    assert not failure(400, text).retryable
