"""Parallel: what its fixtures do not show."""

import json

import pytest

from call import Ask, Failure, Report, Usage
from dialects.parallel import PARALLEL
from fakes import FakeClock, FakeFetch, RealCrypto
from ports import Outgoing
from providers import PROVIDERS
from signing.base import Means


def events(*payloads: object) -> str:
    return "".join(f"data: {json.dumps(payload)}\n\n" for payload in payloads)


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
