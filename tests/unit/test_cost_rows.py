"""What the log tells of the cost, and of how often a request was tried."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import Bench, FakeReplyBody, a_request, an_answer, an_entry, told, universal
from options import CustomCost, Options
from ports import Ending, Incoming

HEADER = "cf-aig-custom-cost"
FINE = '{"model":"gpt-4o","usage":{"prompt_tokens":1000,"completion_tokens":100}}'
CHAT = '{"model":"gpt-4o","messages":[]}'
SLOW = '{"error":{"message":"Slow down","type":"requests","code":"rate_limit_exceeded"}}'
COUNTS = (
    "SELECT sum(final) AS requests, sum(attempt > 0) AS attempts FROM logs WHERE gateway_id = ?1"
)


async def counts(bench: Bench) -> tuple[int, int]:
    row = (await bench.database.all(COUNTS, 1))[0]
    return row["requests"], row["attempts"]


def rows(bench: Bench) -> list[dict[str, Any]]:
    return sorted(bench.database.rows("logs"), key=lambda row: row["id"])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('{"per_token_in":0.000001,"per_token_out":2}', CustomCost(1e-6, 2)),
        (
            '{"per_token_in":1,"per_token_out":0,"per_cache_read_token":3,'
            '"per_cache_write_token":4}',
            CustomCost(1, 0, 3, 4),
        ),
        ('{"total_cost":0.01}', CustomCost(total_cost=0.01)),
        ('{"total_cost":0}', CustomCost(total_cost=0)),
    ],
)
def test_a_caller_may_say_what_a_request_costs(value: str, expected: CustomCost) -> None:
    assert Options.of({HEADER: value}) == Options(custom_cost=expected)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "1",
        "[]",
        "{}",
        "null",
        '{"per_token_in":1}',
        '{"per_token_out":1}',
        '{"per_cache_read_token":1}',
        '{"per_token_in":1,"per_token_out":1,"total_cost":1}',
        '{"per_token_in":1,"per_token_out":1,"per_token":1}',
        '{"per_token_in":-1,"per_token_out":1}',
        '{"per_token_in":true,"per_token_out":1}',
        '{"per_token_in":"1","per_token_out":1}',
        '{"total_cost":null}',
        '{"total_cost":NaN}',
        '{"total_cost":Infinity}',
        '{"total_cost":1e999}',
        '{"total_cost":1000001}',
        '{"total_cost":1' + "0" * 9_000 + "}",
    ],
)
def test_a_cost_that_breaks_its_rule_is_refused(value: str) -> None:
    problem = Options.of({HEADER: value}).problem

    assert problem
    assert HEADER in problem.message
    assert "`per_token_in`" in problem.message


@given(st.text() | st.recursive(st.floats() | st.text(), st.lists).map(json.dumps))
def test_any_cost_is_read_or_refused(value: str) -> None:
    asked = Options.of({HEADER: value})

    assert asked.problem or asked.custom_cost


async def test_a_row_tells_the_cost(bench: Bench) -> None:
    bench.fetch.script.append(an_answer(FINE))

    await bench.handle(a_request(text=CHAT))

    (row,) = rows(bench)
    assert row["cost"] == pytest.approx(0.0035)
    assert (row["custom_cost"], row["flags"]) == (0, None)


async def test_a_row_tells_that_a_cost_is_the_callers_own(bench: Bench) -> None:
    bench.fetch.script.append(an_answer(FINE))

    await bench.handle(a_request({HEADER: '{"per_token_in":0.01,"per_token_out":1}'}, text=CHAT))

    (row,) = rows(bench)
    assert (row["cost"], row["custom_cost"]) == (pytest.approx(110), 1)


async def test_a_row_tells_that_a_cost_is_unknown(bench: Bench) -> None:
    bench.fetch.script.append(an_answer(FINE.replace("gpt-4o", "made-up-9")))

    await bench.handle(a_request(text=CHAT.replace("gpt-4o", "made-up-9")))

    (row,) = rows(bench)
    assert (row["cost"], json.loads(row["flags"])) == (None, ["cost_unknown"])


async def test_a_row_tells_that_a_cost_is_estimated(bench: Bench) -> None:
    text = 'data: {"model":"gpt-4o","choices":[{"delta":{"content":"12345678"}}]}\n\n'
    body = FakeReplyBody(Ending("left", text))
    bench.fetch.script.append(Incoming(200, {"content-type": "text/event-stream"}, body))

    await bench.handle(a_request(text='{"model":"gpt-4o","stream":true,"messages":[]}'))

    (row,) = rows(bench)
    assert row["cost"] == pytest.approx(2 * 10e-6)
    assert json.loads(row["flags"]) == ["cost_estimated"]
    assert (row["tokens_in"], row["tokens_out"]) == (None, None)


async def test_a_cost_may_be_said_of_each_entry_of_a_universal_request(bench: Bench) -> None:
    bench.fetch.script += [an_answer(SLOW, status=429), an_answer(FINE)]
    dear = an_entry(headers={"authorization": "Bearer sk", HEADER: {"total_cost": 7}})
    cheap = an_entry(headers={"authorization": "Bearer sk", HEADER: {"total_cost": 0.5}})

    reply = await bench.handle(universal(dear, cheap))

    assert reply.status == 200
    assert [(row["cost"], row["custom_cost"]) for row in rows(bench)] == [(None, 0), (0.5, 1)]


async def test_a_cost_that_breaks_its_rule_in_an_entry_is_refused(bench: Bench) -> None:
    entry = an_entry(headers={"authorization": "Bearer sk", HEADER: {"total_cost": -1}})

    reply = await bench.handle(universal(entry))

    assert (reply.status, told(reply)["internalCode"]) == (400, 7001)


async def test_an_operation_of_three_attempts_is_one_request_and_three_attempts(
    bench: Bench,
) -> None:
    bench.fetch.script += [an_answer(SLOW, status=429), an_answer(SLOW, status=429)]
    bench.fetch.script.append(an_answer(FINE))

    await bench.handle(a_request({"cf-aig-max-attempts": "3", "cf-aig-retry-delay": "0"}))

    assert [(row["attempt"], row["final"]) for row in rows(bench)] == [(1, 0), (2, 0), (3, 1)]
    assert await counts(bench) == (1, 3)


async def test_a_fallback_is_one_request(bench: Bench) -> None:
    bench.fetch.script += [an_answer(SLOW, status=429), an_answer(FINE)]

    await bench.handle(universal(an_entry(), an_entry()))

    assert await counts(bench) == (1, 2)


async def test_operations_of_one_event_are_several_requests(bench: Bench) -> None:
    bench.fetch.script += [an_answer(FINE), an_answer(FINE)]

    await bench.handle(a_request({"cf-aig-event-id": "order-7"}))
    await bench.handle(a_request({"cf-aig-event-id": "order-7"}))

    assert await counts(bench) == (2, 2)


async def test_a_refusal_is_a_request_without_an_attempt(bench: Bench) -> None:
    await bench.handle(a_request({HEADER: "cheap"}))

    assert await counts(bench) == (1, 0)
