"""Fal, Ideogram, Replicate and Parallel: what their fixtures do not show."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call import Ask, Failure, Report, Usage
from dialects.fal import FAL
from dialects.ideogram import IDEOGRAM
from dialects.parallel import PARALLEL
from dialects.replicate import REPLICATE
from fakes import FakeClock, FakeFetch, RealCrypto
from ports import Outgoing
from providers import PROVIDERS
from signing.base import Means

ALL = {"fal": FAL, "ideogram": IDEOGRAM, "replicate": REPLICATE, "parallel": PARALLEL}
every = pytest.mark.parametrize("dialect", ALL.values(), ids=ALL)

UNKNOWN = Usage()
DEEP = "[" * 100_000
HUGE = "9" * 4000
NAMES = st.sampled_from(
    [
        *("images", "image", "error", "error_type", "detail", "msg", "loc", "type", "object"),
        *("data", "status", "failure_reason", "usage_cost_usd_micros", "image_request", "model"),
        *("metrics", "predict_time", "image_count", "version", "input", "max_tokens", "title"),
        *("run", "is_active", "processor", "search_id", "results", "usage", "name", "count"),
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner),
)
TEXTS = st.text() | VALUES.map(json.dumps) | st.dictionaries(NAMES, VALUES).map(json.dumps)


def events(*payloads: object) -> str:
    return "".join(f"data: {json.dumps(payload)}\n\n" for payload in payloads)


@every
@given(path=st.text(), body=st.none() | TEXTS)
def test_any_request_can_be_asked(dialect: Any, path: str, body: str | None) -> None:
    assert dialect.ask(path, body, "").text == body


@every
@given(text=TEXTS, status=st.integers(400, 599))
def test_anything_makes_a_report_and_a_failure(dialect: Any, text: str, status: int) -> None:
    dialect.report(text)
    dialect.hidden(text)
    dialect.hidden(f"data: {text}\n\n")
    dialect.stream_report(f"data: {text}\n\n")
    dialect.failure(status, text, {})


@every
@pytest.mark.parametrize("text", [DEEP, f'{{"images":{HUGE}}}', f'{{"data":[{HUGE}]}}', "NaN"])
def test_hostile_json_is_read_as_nothing(dialect: Any, text: str) -> None:
    assert dialect.report(text).model is None
    assert dialect.failure(503, text, {}).retryable
    assert dialect.ask("", text, "").model is None


# Fal


@pytest.mark.parametrize(
    ("path", "model", "stream"),
    [
        ("fal-ai/fast-sdxl", "fal-ai/fast-sdxl", False),
        ("fal-ai/flux/dev", "fal-ai/flux/dev", False),
        ("fal-ai/flux/dev/stream", "fal-ai/flux/dev", True),
        ("fal-ai/flux/dev/stream/", "fal-ai/flux/dev", True),
        ("fal-ai/flux/requests/1", "fal-ai/flux", False),
        ("fal-ai/flux/requests/1/cancel", "fal-ai/flux", False),
        ("fal-ai/flux/requests/1/status", "fal-ai/flux", False),
        ("fal-ai/flux/requests/1/status/stream", "fal-ai/flux", True),
        ("fal-ai/flux/status", "fal-ai/flux", False),
        ("fal-ai/streamdiffusion", "fal-ai/streamdiffusion", False),
        ("fal-ai/requests-model", "fal-ai/requests-model", False),
        ("", None, False),
    ],
)
def test_the_path_names_the_model_of_fal(path: str, model: str | None, stream: bool) -> None:
    assert FAL.ask(path, None, "") == Ask(model, None, stream)


@pytest.mark.parametrize(
    ("path", "body", "model_type"),
    [
        ("fal-ai/kling-video/v1/standard/text-to-video", "{}", "text-to-video"),
        ("fal-ai/veo3/image-to-video", "{}", "text-to-video"),
        ("fal-ai/flux/dev/image-to-image", "{}", "text-to-image"),
        ("fal-ai/whisper", '{"audio_url":"https://x.test/a.mp3"}', "automatic-speech-recognition"),
        ("fal-ai/any-llm/stream", '{"prompt":"Hi"}', "text-generation"),
        ("fal-ai/fast-sdxl", '{"num_images":1}', "text-to-image"),
        ("fal-ai/fast-sdxl", '{"image_size":"square"}', "text-to-image"),
        ("fal-ai/fast-sdxl", '{"prompt":"a cat"}', None),
        ("fal-ai/fast-sdxl", "[]", None),
        ("fal-ai/fast-sdxl", None, None),
    ],
)
def test_name_or_input_tell_the_task_of_fal(
    path: str, body: str | None, model_type: str | None
) -> None:
    assert FAL.ask(path, body, "").model_type == model_type


@pytest.mark.parametrize(
    ("answer", "images"),
    [
        ({"images": [{"url": "a"}, {"url": "b"}]}, 2),
        ({"images": ["data:image/png;base64,AA"]}, 1),
        ({"images": []}, 0),
        ({"image": {"url": "a"}}, 1),
        ({"image": "a", "images": None}, None),
        ({"video": {"url": "a"}}, None),
        ({"images": 3}, None),
    ],
)
def test_images_of_fal_are_counted(answer: object, images: int | None) -> None:
    assert FAL.report(json.dumps(answer)) == Report(usage=Usage(images=images))


@pytest.mark.parametrize(
    ("stream", "complete"),
    [
        (events({"images": [{"url": "a"}]}), True),
        (events({"output": "H", "partial": True}, {"output": "Hi", "partial": False}), True),
        (events({"output": "Hi", "error": None}), True),
        (events({"seed": 1, "error": 0.02}), True),
        (events({"output": "H", "partial": True}), False),
        (events({"progress": 0.5}), False),
        (events({"output": "H"}, {"error": "it broke"}), False),
        (events({"error": {"message": "it broke"}}), False),
        (events({"error_type": "runner_disconnected"}), False),
        (events({"detail": [{"msg": "it broke", "loc": ["body"], "type": "x"}]}), False),
        (events({"output": "Hi"})[:-6], False),
        (events("text"), False),
        (": ping\n\n", False),
        ("", False),
    ],
)
def test_a_stream_of_fal_ends_with_its_output(stream: str, complete: bool) -> None:
    assert FAL.stream_report(stream).complete is complete


def test_the_last_event_of_fal_alone_is_counted() -> None:
    stream = events({"images": [{"url": "a"}]}, {"images": [{"url": "b"}, {"url": "c"}]})

    assert FAL.stream_report(stream).usage == Usage(images=2)


def test_a_stream_of_a_chat_at_fal_needs_its_last_word() -> None:
    chunk: dict[str, object] = {
        "object": "chat.completion.chunk",
        "model": "google/gemini-2.5-flash",
        "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2},
    }
    used = Usage(tokens_in=3, tokens_out=2)

    told = [FAL.stream_report(events(chunk) + end) for end in ("", "data: [DONE]\n\n")]

    assert [report.complete for report in told] == [False, True]
    assert [report.usage for report in told] == [used, used]


@pytest.mark.parametrize(
    ("status", "headers", "retryable"),
    [
        (408, {}, True),
        (409, {}, True),
        (429, {"x-fal-request-id": "1"}, True),
        (500, {}, False),
        (501, {}, False),
        (502, {}, True),
        (503, {}, True),
        (504, {}, True),
        (502, {"x-fal-request-id": "1"}, False),
        (503, {"x-fal-request-id": "1"}, False),
        (504, {"x-fal-request-id": "1"}, False),
        (504, {"x-fal-request-timeout-type": "user"}, False),
        (504, {"x-fal-request-timeout-type": "user", "x-fal-retryable": "true"}, False),
        (503, {"x-fal-request-timeout-type": "user"}, True),
        (503, {"x-fal-request-id": "1", "x-fal-retryable": "true"}, True),
        (500, {"x-fal-retryable": "True"}, True),
        (503, {"x-fal-retryable": "false"}, False),
        (503, {"x-fal-retryable": "perhaps"}, True),
        (422, {}, False),
    ],
)
def test_fal_is_tried_again_where_nothing_can_have_begun(
    status: int, headers: dict[str, str], retryable: bool
) -> None:
    assert FAL.failure(status, "{}", headers).retryable is retryable


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"detail": []}, None, None),
        ({"detail": ["x"]}, None, None),
        ({"detail": [{"msg": "m"}]}, None, "m"),
        ({"detail": [{"msg": "m", "loc": ["body", 0], "type": "t"}]}, "t", "body.0: m"),
        ({"detail": "d", "error_type": "t"}, "t", "d"),
        ({"error": {"message": "m"}}, None, "m"),
        ({"error": "e"}, None, "e"),
        ({"detail": 1}, None, None),
    ],
)
def test_both_forms_of_an_error_of_fal_are_read(
    body: object, code: str | None, message: str | None
) -> None:
    assert FAL.failure(400, json.dumps(body), {}) == Failure(code, message, retryable=False)


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"status":"COMPLETED"}',
        '{"output":"","error":null}',
        '{"error":0.5}',
        '{"detail":"high"}',
        events({"output": "H", "partial": True}),
        "\x89PNG",
    ],
)
def test_an_output_of_fal_hides_no_error(text: str) -> None:
    assert FAL.hidden(text) is None


# Ideogram


@pytest.mark.parametrize(
    ("path", "model", "model_type"),
    [
        ("v1/ideogram-v3/generate", "ideogram-v3", "text-to-image"),
        ("v1/ideogram-v3/replace-background", "ideogram-v3", "text-to-image"),
        ("v1/ideogram-v4/async/generate", "ideogram-v4", "text-to-image"),
        ("v2/image/generate/ideogram-4-5", "ideogram-4-5", "text-to-image"),
        ("v1/p-image-ideogram/generate", "p-image-ideogram", "text-to-image"),
        ("generate", None, "text-to-image"),
        ("describe", None, "image-to-text"),
        ("v2/video/generate", None, "text-to-video"),
        ("v2/generations/xtdZ", None, None),
        ("", None, None),
    ],
)
def test_the_path_names_the_model_of_ideogram(
    path: str, model: str | None, model_type: str | None
) -> None:
    assert IDEOGRAM.ask(path, None, "") == Ask(model, model_type)


@pytest.mark.parametrize("body", ['{"image_request":1}', '{"image_request":{"model":1}}', "[]"])
def test_a_legacy_request_may_name_no_model(body: str) -> None:
    assert IDEOGRAM.ask("generate", body, "").model is None


@pytest.mark.parametrize(
    ("answer", "report"),
    [
        ({"data": []}, Report(usage=Usage(images=0))),
        ({"data": [{"object_type": "video"}]}, Report(usage=Usage(images=0))),
        ({"data": [{"is_image_safe": False, "url": ""}]}, Report(usage=Usage(images=1))),
        ({"data": {"a": 1}}, Report()),
        ({"generation_id": "x", "status": "pending"}, Report()),
        ({"generation_id": "x", "status": "failed"}, Report(complete=False)),
        ({"data": 1, "usage_cost_usd_micros": -1}, Report()),
    ],
)
def test_images_of_ideogram_are_counted_as_they_are_billed(answer: object, report: Report) -> None:
    assert IDEOGRAM.report(json.dumps(answer)) == report


# Replicate


@pytest.mark.parametrize(
    ("path", "body", "model"),
    [
        ("predictions", '{"version":"5c7d5dc6"}', "5c7d5dc6"),
        ("v1/predictions", '{"version":"acme/m"}', "acme/m"),
        ("predictions", '{"version":7}', None),
        ("predictions", None, None),
        ("predictions/gm3q", None, None),
        ("models/acme/m/predictions", '{"version":"x"}', "acme/m"),
        ("v1/models/acme/m/predictions", None, "acme/m"),
        ("models/acme/m/versions/1/trainings", None, "acme/m"),
        ("v1/deployments/acme/app/predictions", None, "deployments/acme/app"),
        ("models", None, None),
        ("files", None, None),
    ],
)
def test_path_or_body_name_the_model_of_replicate(
    path: str, body: str | None, model: str | None
) -> None:
    assert REPLICATE.ask(path, body, "").model == model


@pytest.mark.parametrize(
    ("given", "model_type"),
    [
        ({"prompt": "Hi", "max_new_tokens": 5}, "text-generation"),
        ({"prompt": "Hi", "num_outputs": 1}, "text-to-image"),
        ({"prompt": "Hi", "num_frames": 81}, "text-to-video"),
        ({"prompt": "Hi"}, None),
        ([1], None),
    ],
)
def test_some_inputs_tell_the_task_of_replicate(given: object, model_type: str | None) -> None:
    body = json.dumps({"input": given, "stream": True})

    asked = REPLICATE.ask("predictions", body, "")

    assert (asked.model_type, asked.stream) == (model_type, False)


@pytest.mark.parametrize(
    ("status", "counted", "complete"),
    [
        ("starting", False, True),
        ("processing", False, True),
        ("succeeded", True, True),
        ("failed", True, False),
        ("canceled", True, False),
        ("aborted", True, False),
        (None, False, True),
        ([], False, True),
    ],
)
def test_a_prediction_is_metered_once_it_has_ended(
    status: object, counted: bool, complete: bool
) -> None:
    answer = {"model": "acme/m", "status": status, "metrics": {"predict_time": 2}}
    usage = Usage(compute_seconds=2.0) if counted else UNKNOWN

    assert REPLICATE.report(json.dumps(answer)) == Report("acme/m", usage, complete)


@pytest.mark.parametrize("seconds", ["-1", "true", '"2"', "NaN", "Infinity", "null", "[]"])
def test_what_is_no_time_is_unknown(seconds: str) -> None:
    text = f'{{"status":"succeeded","metrics":{{"predict_time":{seconds},"image_count":1.5}}}}'

    assert REPLICATE.report(text).usage == UNKNOWN


@pytest.mark.parametrize("status", ["succeeded", "starting", "canceled", "aborted", None])
def test_only_a_failed_prediction_hides_an_error(status: str | None) -> None:
    assert REPLICATE.hidden(json.dumps({"status": status, "error": "x"})) is None


@pytest.mark.parametrize(
    ("detail", "wait"),
    [
        ("Request was throttled. Your rate limit resets in ~30s.", 30.0),
        ("Your rate limit for creating predictions is reduced. It resets in 5s.", 5.0),
        ("Request was throttled.", None),
        ("It resets in ~1234567s.", None),
        (["resets in ~30s"], None),
    ],
)
def test_a_limit_tells_when_it_ends(detail: object, wait: float | None) -> None:
    assert REPLICATE.failure(429, json.dumps({"detail": detail}), {}).wait == wait


def test_no_other_error_tells_how_long_to_wait() -> None:
    told = REPLICATE.failure(400, '{"detail":"The word resets in ~30s is not allowed"}', {})

    assert (told.wait, told.retryable) == (None, False)


@pytest.mark.parametrize("dialect", [REPLICATE, IDEOGRAM])
def test_a_vendor_without_streams_has_no_whole_one(dialect: Any) -> None:
    assert dialect.stream_report("event: done\ndata: {}\n\n") == Report(complete=False)


# Parallel


def run(status: str, *, active: bool, **more: object) -> dict[str, object]:
    return {"run_id": "trun_1", "status": status, "is_active": active, "processor": "core"} | more


def state(status: str, *, active: bool, **more: object) -> dict[str, object]:
    return {"type": "task_run.state", "event_id": None, "run": run(status, active=active, **more)}


def findall(status: str, *, active: bool) -> dict[str, object]:
    told = {"status": status, "is_active": active}
    return {"type": "findall.status", "data": {"generator": "pro", "status": told}}


PROGRESS = {"type": "task_run.progress_msg.exec_status", "message": "Starting research"}
CANDIDATE = {"type": "findall.candidate.matched", "data": {"name": "x", "match_status": "matched"}}


@pytest.mark.parametrize(
    ("path", "model_type"),
    [
        ("chat/completions", "text-generation"),
        ("v1beta/chat/completions", "text-generation"),
        ("v1/responses", "text-generation"),
        ("v1/tasks/runs", "text-generation"),
        ("v1/tasks/runs/trun_1/result", "text-generation"),
        ("v1/search", None),
        ("v1beta/search", None),
        ("v1/extract", None),
        ("v1/monitors", None),
        ("v1/responsesx", None),
    ],
)
def test_a_path_tells_the_task_of_parallel(path: str, model_type: str | None) -> None:
    assert PARALLEL.ask(path, None, "") == Ask(model_type=model_type)


@pytest.mark.parametrize(
    ("body", "model"),
    [
        ({"model": "speed", "processor": "core"}, "speed"),
        ({"processor": "core"}, "core"),
        ({"generator": "pro"}, "pro"),
        ({"model": 1, "processor": None}, None),
    ],
)
def test_a_request_to_parallel_names_what_does_the_work(body: object, model: str | None) -> None:
    assert PARALLEL.ask("v1/tasks/runs", json.dumps(body), "").model == model


@pytest.mark.parametrize(
    ("answer", "searches"),
    [
        ({"search_id": "s", "results": []}, 1),
        ({"search_id": "s", "results": [], "usage": None}, 1),
        ({"search_id": "s", "results": [], "usage": [{"name": "sku_search", "count": 3}]}, 3),
        ({"search_id": "s", "results": [], "usage": [{"name": "sku_x", "count": 3}]}, 1),
        ({"search_id": "s", "results": [], "usage": [{"name": "sku_search", "count": "3"}]}, 1),
        ({"search_id": "s", "results": [], "usage": [1]}, 1),
        ({"search_id": "s"}, None),
        ({"search_id": "s", "results": None}, None),
        ({"extract_id": "e", "results": [], "usage": [{"name": "sku_extract", "count": 1}]}, None),
        ({"results": []}, None),
    ],
)
def test_a_search_counts_where_it_has_results(answer: object, searches: int | None) -> None:
    assert PARALLEL.report(json.dumps(answer)).usage == Usage(searches=searches)


@pytest.mark.parametrize(
    ("answer", "complete"),
    [
        (run("queued", active=True), True),
        (run("completed", active=False), True),
        (run("failed", active=False), False),
        (run("cancelled", active=False), False),
        ({"run": run("failed", active=False), "output": None}, False),
        ({"generator": "pro", "status": {"status": "failed", "is_active": False}}, False),
    ],
)
def test_a_run_that_failed_is_not_complete(answer: object, complete: bool) -> None:
    assert PARALLEL.report(json.dumps(answer)).complete is complete


def test_an_answer_of_the_responses_api_tells_tokens() -> None:
    answer = {
        "object": "response",
        "model": "parallel",
        "status": "completed",
        "usage": {"input_tokens": 5, "output_tokens": 7},
    }

    told = PARALLEL.report(json.dumps(answer))

    assert told == Report("parallel", Usage(tokens_in=5, tokens_out=7))


@pytest.mark.parametrize(
    ("stream", "report"),
    [
        (events(state("running", active=True), state("completed", active=False)), Report("core")),
        (events(PROGRESS, state("failed", active=False)), Report("core", complete=False)),
        (events(state("cancelled", active=False)), Report("core", complete=False)),
        (events(state("running", active=True)), Report("core", complete=False)),
        (events(state("running", active=True), PROGRESS), Report(complete=False)),
        (events({"type": "error", "error": {"message": "x"}}), Report(complete=False)),
        (events(CANDIDATE, findall("completed", active=False)), Report("pro")),
        (events(findall("failed", active=False)), Report("pro", complete=False)),
        (events(findall("running", active=True)), Report("pro", complete=False)),
        (events(findall("running", active=True), CANDIDATE), Report(complete=False)),
        (events({"type": "task_group_status", "status": {"is_active": False}}), Report()),
        (
            events({"type": "task_group_status", "status": {"is_active": True}}),
            Report(complete=False),
        ),
        (events(state("completed", active=False))[:-9], Report(complete=False)),
        ("", Report(complete=False)),
    ],
)
def test_a_stream_of_events_tells_whether_the_work_is_done(stream: str, report: Report) -> None:
    assert PARALLEL.stream_report(stream) == report


@pytest.mark.parametrize(
    "answer",
    [
        run("queued", active=True),
        run("cancelled", active=False),
        {"search_id": "s", "results": []},
        {"object": "response", "status": "completed", "error": None},
    ],
)
def test_an_answer_of_parallel_that_did_not_fail_hides_no_error(answer: object) -> None:
    assert PARALLEL.hidden(json.dumps(answer)) is None


def test_a_failed_run_in_a_result_tells_why() -> None:
    error = {"ref_id": "fe8ec8a3", "message": "Task failed"}
    answer = {"run": run("failed", active=False, error=error), "output": None}

    assert PARALLEL.hidden(json.dumps(answer)) == Failure("failed", "Task failed", retryable=False)


@pytest.mark.parametrize(
    ("path", "header", "value"),
    [
        ("chat/completions", "authorization", "Bearer secret"),
        ("v1/chat/completions", "authorization", "Bearer secret"),
        ("v1/responses", "authorization", "Bearer secret"),
        ("v1/responses/resp_1", "authorization", "Bearer secret"),
        ("v1/tasks/runs", "x-api-key", "secret"),
        ("v1beta/search", "x-api-key", "secret"),
        ("v1/responsesx", "x-api-key", "secret"),
    ],
)
async def test_a_stored_key_goes_where_the_path_wants_it(
    path: str, header: str, value: str
) -> None:
    assert await authorized("secret", path) == {"accept": "*/*", header: value}


async def test_the_key_of_a_caller_is_left_where_it_is() -> None:
    assert await authorized(None, "chat/completions") == {"accept": "*/*"}


async def authorized(key: str | None, path: str) -> dict[str, str]:
    authorize = PROVIDERS["parallel"].authorize
    assert authorize
    url, host = f"https://api.parallel.ai/{path}", "api.parallel.ai"
    outgoing = Outgoing("POST", url, host, {"accept": "*/*"}, None)
    means = Means(FakeFetch(), RealCrypto(), FakeClock(), {})
    return dict(await authorize(key, path, outgoing, means))
