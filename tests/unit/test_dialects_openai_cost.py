"""What is told of money, searches, images and sound in OpenAI's dialect."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call import Ask, Report, Usage
from dialects.openai import ask, beside, report, stream_report

DONE = "data: [DONE]\n\n"
NAMES = st.sampled_from(
    ["usage", "cost", "total_cost", "cost_in_usd_ticks", "seconds", "type", "duration", "text"]
) | st.sampled_from(
    ["data", "url", "b64_json", "tool_usage", "web_search", "num_requests", "server_tool_use"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
)


def events(*payloads: object) -> str:
    return "".join(f"data: {json.dumps(payload)}\n\n" for payload in payloads)


def whole(**fields: Any) -> Report:
    return report(json.dumps({"object": "chat.completion", "model": "m"} | fields))


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        ({"cost": 0.00095}, 0.00095),
        ({"cost": 0}, 0.0),
        ({"cost": {"request_cost": 0.005, "total_cost": 0.9}}, 0.9),
        ({"cost": {"total_cost": 0.0}}, 0.0),
        ({"cost_in_usd_ticks": 1_466_250}, 0.000146625),
        ({"cost_in_usd_ticks": 37_756_000}, 0.0037756),
        ({"cost_in_usd_ticks": 0}, 0.0),
        ({"cost": 0.5, "cost_in_usd_ticks": 1}, 0.5),
        # With the caller's own key a provider is paid beside OpenRouter.
        ({"cost": 0, "is_byok": True, "cost_details": {"upstream_inference_cost": 19}}, 19.0),
        ({"cost": 0.5, "is_byok": True, "cost_details": {"upstream_inference_cost": 19}}, 19.5),
        ({"is_byok": True, "cost_details": {"upstream_inference_cost": 19}}, 19.0),
        ({"cost": 0.5, "is_byok": False, "cost_details": {"upstream_inference_cost": 0.5}}, 0.5),
        ({"cost": 0.5, "is_byok": 1, "cost_details": {"upstream_inference_cost": 0.5}}, 0.5),
        ({"cost": 0.5, "cost_details": {"upstream_inference_cost": 0.5}}, 0.5),
        ({"cost": 0, "is_byok": True, "cost_details": {"upstream_inference_cost": None}}, None),
        ({"cost": 0, "is_byok": True}, None),
        ({"cost": {"request_cost": 0.005}}, None),
        ({"cost": {"total_cost": "0.9"}}, None),
        ({"cost": "0.9"}, None),
        ({"cost": True}, None),
        ({"cost": -0.1}, None),
        ({"cost": float("nan")}, None),
        ({"cost": float("inf")}, None),
        ({"cost": 10**400}, None),
        ({"cost_in_usd_ticks": -1}, None),
        ({}, None),
    ],
)
def test_an_answer_tells_its_cost_in_dollars(usage: dict[str, Any], cost: float | None) -> None:
    chunk = {"object": "chat.completion.chunk", "model": "m", "usage": usage}
    response = {"type": "response.completed", "response": {"model": "m", "usage": usage}}

    assert whole(usage=usage) == Report("m", cost=cost)
    assert stream_report(events(chunk) + DONE) == Report("m", cost=cost)
    assert stream_report(events(response)).cost == cost


@pytest.mark.parametrize("status", ["validating", "in_progress", "completed", "cancelling"])
def test_a_batch_tells_the_use_of_its_requests_which_is_not_counted_as_its_own(status: str) -> None:
    usage = {"input_tokens": 1_000, "output_tokens": 100, "cost": 0.5}
    batch = {"id": "batch_1", "object": "batch", "status": status, "model": "m", "usage": usage}

    assert report(json.dumps(batch)) == Report("m")


def test_of_costs_that_grow_the_last_counts() -> None:
    chunks = [{"usage": {"cost": {"total_cost": cost}}} for cost in (0.1, 0.2)]

    assert stream_report(events(*chunks) + DONE).cost == 0.2


def test_a_message_tells_its_cost_wherever_it_is_counted() -> None:
    start = {"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 8}}}
    delta = {"type": "message_delta", "usage": {"output_tokens": 7, "cost_in_usd_ticks": 10**9}}
    message = {"type": "message", "model": "m", "usage": {"input_tokens": 8, "cost": 0.2}}

    assert stream_report(events(start, delta)).cost == 0.1
    assert report(json.dumps(message)) == Report("m", Usage(tokens_in=8), cost=0.2)


@pytest.mark.parametrize(
    "fields",
    [
        {"usage": {"num_search_queries": 3}},
        {"usage": {"server_tool_use": {"web_search_requests": 3}}},
        {"tool_usage": {"web_search": {"num_requests": 3}}},
        {"usage": {"server_side_tool_usage_details": {"web_search_calls": 3}}},
        {"usage": {"server_side_tool_usage_details": {"web_search_calls": 1, "x_search_calls": 2}}},
    ],
)
def test_searches_are_counted_where_each_vendor_tells_them(fields: dict[str, Any]) -> None:
    response = {"model": "m", "usage": {"a": 1}} | fields

    assert whole(**fields) == Report("m", Usage(searches=3))
    last = {"type": "response.completed", "response": response}
    assert stream_report(events(last)) == Report("m", Usage(searches=3))


@pytest.mark.parametrize(
    "fields",
    [
        {"usage": {"num_sources_used": 3}},
        {"usage": {"server_tool_use": 3}},
        {"usage": {"server_side_tool_usage_details": {"code_interpreter_calls": 3}}},
        {"tool_usage": {"image_gen": {"input_tokens": 3}}},
        {"tool_usage": [3]},
    ],
)
def test_what_is_no_count_of_searches_is_none(fields: dict[str, Any]) -> None:
    assert whole(**fields) == Report("m")


@pytest.mark.parametrize(
    ("answer", "images"),
    [
        ({"created": 1, "data": [{"b64_json": "iVBORw0KGgo="}]}, 1),
        ({"created": 1, "data": [{"b64_json": "iVBORw0KGgo="}] * 3}, 3),
        ({"data": [{"url": "https://example.com/a.png", "revised_prompt": "a"}] * 2}, 2),
        ({"data": [{"url": None, "b64_json": "iVBORw0KGgo="}]}, 1),
        ({"data": []}, None),
        ({"data": [], "b64_json": ""}, None),
        ({"data": [{"id": "gpt-5", "links": {"url": "https://example.com"}}]}, None),
        ({"data": {"url": "https://example.com"}}, None),
        ({"data": ["url", "b64_json"]}, None),
        ({"object": "list", "data": [{"object": "embedding", "embedding": [0.1]}]}, None),
        ({"object": "list", "data": [{"id": "file-1", "url": "https://example.com"}]}, None),
        ({"data": [{"embedding": [0.1]}, {"embedding": [0.2]}]}, None),
    ],
)
def test_images_are_counted_and_nothing_else(answer: dict[str, Any], images: int | None) -> None:
    assert report(json.dumps(answer)).usage == Usage(images=images)


def test_a_prompt_that_names_the_fields_of_an_image_counts_for_nothing() -> None:
    answer = {"data": [{"revised_prompt": '"b64_json": "url":'}]}

    assert report(json.dumps(answer)).usage == Usage()


def test_a_large_image_is_counted() -> None:
    text = json.dumps({"data": [{"b64_json": "A" * 20_000_000}]})

    assert report(text).usage == Usage(images=1)


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        ({"text": "a", "usage": {"type": "duration", "seconds": 9}}, 9.0),
        ({"text": "a", "usage": {"type": "duration", "seconds": 8.5}, "duration": 8.47}, 8.5),
        ({"text": "a", "duration": 8.47}, 8.47),
        ({"text": "", "duration": 0}, 0.0),
        ({"text": "a", "duration": "8.47"}, None),
        ({"duration": 8.47}, None),
        ({"text": {"format": "text"}, "duration": 8.47}, None),
        ({"usage": {"prompt_audio_seconds": 12}}, 12.0),
        ({"usage": {"prompt_audio_seconds": {}}}, None),
        ({"usage": {"prompt_audio_seconds": None}}, None),
        ({"usage": {"type": "tokens", "seconds": 9}}, None),
    ],
)
def test_the_length_of_what_was_written_down_is_told(
    answer: dict[str, Any], seconds: float | None
) -> None:
    assert report(json.dumps(answer)).usage == Usage(audio_seconds=seconds)


def test_a_stream_of_a_transcript_tells_its_length_last() -> None:
    usage = {"type": "duration", "seconds": 9}
    text = events({"type": "transcript.text.delta"}, {"type": "transcript.text.done"})

    assert stream_report(text) == Report()
    last = {"type": "transcript.text.done", "text": "a", "usage": usage}
    assert stream_report(events(last)) == Report(None, Usage(audio_seconds=9.0))


@pytest.mark.parametrize(
    ("path", "body", "characters"),
    [
        ("audio/speech", {"model": "tts-1", "input": "Héllo 👋"}, 7),
        ("v1/audio/speech", {"model": "gpt-4o-mini-tts", "input": ""}, 0),
        ("v1/tts", {"text": "Hello"}, 5),
        ("audio/speech", {"input": ["Hello"]}, None),
        ("audio/speech", {}, None),
        ("audio/transcriptions", {"input": "Hello"}, None),
        ("embeddings", {"input": "Hello"}, None),
    ],
)
def test_a_text_to_be_spoken_is_counted_in_characters(
    path: str, body: dict[str, Any], characters: int | None
) -> None:
    assert beside(ask(path, json.dumps(body)), {}) == Usage(characters=characters)


@pytest.mark.parametrize("body", [None, "", "{", "[]", '"a"'])
def test_a_text_that_cannot_be_read_is_of_unknown_length(body: str | None) -> None:
    assert beside(ask("audio/speech", body), {}) == Usage()


@given(st.none() | st.text(), st.none() | st.text())
def test_anything_may_be_asked_beside_an_answer(kind: str | None, body: str | None) -> None:
    beside(Ask(model_type=kind, text=body), {})


@given(st.dictionaries(NAMES, VALUES))
def test_any_amounts_make_a_report(answer: dict[str, Any]) -> None:
    told = [report(json.dumps(answer)), stream_report(events(answer))]

    assert all(each.cost is None or each.cost >= 0 for each in told)
