import json
from dataclasses import replace
from typing import Any

import pytest

from call import Ask, Attempt, Call, Failure, Reply, Report, Request, Target, Usage
from errors import BadHeader, ClientLeft, GatewayError, Internal
from fakes import ID, NOW, FakeBody, a_call, kept_of
from logs.row import COLUMNS, entry
from ports import Ending, State

WHOLE = Ending("complete", "{}", 2)


ROW = {
    "gateway_id": 1,
    "id": "first",
    "event_id": "order-7",
    "created_at": NOW + 5,
    "duration": 1_000,
    "latency": 100,
    "provider": "openai",
    "model": "gpt-5",
    "model_type": "text-generation",
    "path": "chat/completions",
    "request_type": "provider",
    "request_content_type": "application/json",
    "response_content_type": "text/event-stream",
    "status_code": 200,
    "success": 1,
    "error_code": None,
    "cached": 0,
    "step": 0,
    "tokens_in": 9,
    "tokens_out": 4,
    "tokens_cached": 3,
    "tokens_cache_write": 2,
    "tokens_reasoning": 1,
    "metadata": '{"team": "é"}',
    "request_size": 70,
    "response_size": 4_321,
    "user_agent": "tester/1",
    "authentication": 0,
    "colo": "AMS",
    "region": "Noord-Holland",
    "cost": 0.25,
    "units": '{"images": 2, "searches": 1}',
    "provider_error": "overloaded_error",
    "token_id": "token-1",
    "key_id": "key-1",
    "skipped": "[1]",
    "close_code": 1000,
    "flags": None,
    "saved_tokens_in": None,
    "saved_tokens_out": None,
    "saved_cost": None,
    "custom_cost": 0,
    "attempt": 1,
    "final": 1,
}
"""A row in which every column says something, but those of failures of ours."""


def row(
    call: Call, outcome: Reply | GatewayError, ending: Ending = WHOLE, finished: float = NOW
) -> dict[str, Any]:
    return dict(zip(COLUMNS, kept_of(call, outcome, ending, finished).row, strict=True))


def test_a_row_tells_all_of_an_answered_call() -> None:
    headers = {
        "content-type": "application/json",
        "user-agent": "tester/1",
        "cf-aig-metadata": '{"team":"é"}',
        "cf-aig-event-id": "order-7",
    }
    request = Request("POST", "", headers, FakeBody("x" * 70), colo="AMS", region="Noord-Holland")
    call = a_call(request=request, ask=Ask("gpt-5", "text-generation"))
    call.trail.attempts.append(
        Attempt("first", call, NOW + 5.4, 1, key_id="key-1", first_byte=NOW + 105.4)
    )
    call.trail.token_id = "token-1"
    call.trail.skipped.append(1)
    usage = Usage(9, 4, cached=3, cache_write=2, reasoning=1, images=2, searches=1)
    report = Report("x", usage, cost=0.25)
    reply = Reply(200, {"content-type": "text/event-stream"}, report=lambda _: report)
    reply.failed = Failure("overloaded_error", "Overloaded", retryable=True)

    told = row(call, reply, Ending("complete", "a", 4_321, close_code=1000), NOW + 1_005.6)

    assert told == ROW


def test_a_row_of_a_refused_call_has_the_id_of_the_call_and_no_answer() -> None:
    told = row(a_call(), BadHeader("x", "y", "z"), finished=NOW + 3)

    assert (told["id"], told["event_id"], told["created_at"], told["duration"]) == (ID, ID, NOW, 3)
    assert (told["status_code"], told["success"], told["error_code"]) == (400, 0, 7001)
    assert (told["latency"], told["response_content_type"], told["tokens_in"]) == (None,) * 3


def test_a_row_tells_the_last_attempt() -> None:
    call = a_call()
    call.trail.attempts.extend([Attempt("first", call, NOW), Attempt("second", call, NOW + 10)])

    told = row(call, Reply(200, {}), finished=NOW + 15)

    assert (told["id"], told["duration"], told["latency"]) == ("second", 5, None)


@pytest.mark.parametrize(
    ("status", "state", "complete", "expected"),
    [
        (200, "complete", True, (200, 1)),
        (304, "complete", True, (304, 1)),
        (400, "complete", True, (400, 0)),
        (500, "complete", True, (500, 0)),
        (200, "complete", False, (200, 0)),
        (200, "broken", True, (200, 0)),
        (200, "left", True, (499, 0)),
        (500, "left", False, (499, 0)),
    ],
)
def test_success_is_a_good_status_and_a_whole_answer(
    status: int, state: State, complete: bool, expected: tuple[int, int]
) -> None:
    reply = Reply(status, {}, report=lambda _: Report(complete=complete))

    told = row(a_call(), reply, Ending(state))

    assert (told["status_code"], told["success"]) == expected


def test_an_answer_names_the_model_where_the_request_did_not() -> None:
    call = a_call(ask=Ask(None))

    assert row(call, Reply(200, {}, report=lambda _: Report("whisper-1")))["model"] == "whisper-1"
    assert row(call, Reply(200, {}))["model"] is None


@pytest.mark.parametrize(("error", "code"), [(ClientLeft(), 2005), (Internal(), 7500)])
def test_a_failure_has_the_code_of_its_error(error: GatewayError, code: int) -> None:
    assert row(a_call(), error)["error_code"] == code


def test_a_request_without_a_body_has_none_and_one_of_unknown_length_is_unknown() -> None:
    bodiless = Request("GET", "", {})
    chunked = Request("POST", "", {}, FakeBody(None))

    assert row(a_call(request=bodiless), Reply(200, {}))["request_size"] == 0
    assert row(a_call(request=chunked), Reply(200, {}))["request_size"] is None


def test_a_row_tells_whether_the_gateway_wants_a_token() -> None:
    call = a_call()
    closed = replace(call, gateway=replace(call.gateway, authentication=True))

    assert row(closed, Reply(200, {}))["authentication"] == 1


def test_a_row_tells_an_unknown_provider_as_it_was_written() -> None:
    call = replace(a_call(), target=Target("opnai", "v1/x", "key=secret"))

    told = row(call, Reply(400, {}))

    assert (told["provider"], told["path"]) == ("opnai", "v1/x")


def test_the_words_of_a_caller_and_a_provider_are_cut_to_the_length_of_a_name() -> None:
    long = "x" * 2_000
    call = a_call({"user-agent": long, "content-type": long}, ask=Ask(long))

    told = row(call, Reply(200, {"content-type": long}))

    names = ("model", "user_agent", "request_content_type", "response_content_type")
    assert [len(told[name]) for name in names] == [1024] * 4


def test_both_bodies_are_kept_whole() -> None:
    call = a_call(ask=Ask(text="q" * 10_000))

    kept = kept_of(call, Reply(200, {}), Ending("complete", "a" * 20_000), NOW)

    assert (kept.request, kept.response) == ("q" * 10_000, "a" * 20_000)


def test_of_the_attempts_of_a_request_the_last_is_final() -> None:
    call = a_call()
    first = call.trail.begin(call, NOW)
    call.trail.count(first)
    call.trail.give_up(Reply(503, {}), NOW)
    second = call.trail.begin(call, NOW)
    call.trail.count(second)
    second.outcome = Reply(200, {})

    rows = [entry(one, WHOLE, NOW).row for one in (first, second)]

    assert [row[COLUMNS.index("final")] for row in rows] == [0, 1]


def test_bodies_that_were_not_read_are_not_kept() -> None:
    kept = kept_of(a_call(ask=Ask()), Reply(200, {}), Ending("complete"), NOW)

    assert (kept.request, kept.response) == (None, None)


@pytest.mark.parametrize("value", ["false", "False"])
def test_a_caller_may_keep_bodies_out_of_the_log(value: str) -> None:
    call = a_call({"cf-aig-collect-log-payload": value}, ask=Ask(text="q"))

    kept = kept_of(call, Reply(200, {}), WHOLE, NOW)

    assert (kept.request, kept.response) == (None, None)
    assert len(kept.row) == len(COLUMNS)


def test_metadata_is_json_and_none_without_entries() -> None:
    many = a_call({"cf-aig-metadata": '{"a":true,"b":1.5,"c":"d"}'})
    none = a_call({"cf-aig-metadata": "{}"})

    assert json.loads(row(many, Reply(200, {}))["metadata"]) == {"a": True, "b": 1.5, "c": "d"}
    assert row(none, Reply(200, {}))["metadata"] is None
