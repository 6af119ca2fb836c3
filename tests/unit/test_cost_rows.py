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


@pytest.mark.parametrize("told", ["queued", "completed"])
async def test_a_response_that_is_read_later_is_not_paid_again(bench: Bench, told: str) -> None:
    usage = {"input_tokens": 1000, "output_tokens": 100} if told == "completed" else None
    made = {"id": "resp_1", "object": "response", "model": "gpt-4o", "usage": usage}
    read = made | {"usage": {"input_tokens": 1000, "output_tokens": 100}}
    bench.fetch.script += [an_answer(json.dumps(made)), an_answer(json.dumps(read))]
    url = "https://sluice.test/v1/acme/main/openai/responses"

    await bench.handle(a_request(text='{"model":"gpt-4o"}', url=url))
    await bench.handle(a_request(text=None, url=f"{url}/resp_1", method="GET"))

    first, second = rows(bench)
    assert first["cost"] == (pytest.approx(0.0035) if usage else None)
    assert (second["cost"], second["flags"]) == (None, None)
    assert (second["tokens_in"], second["tokens_out"]) == (1000, 100)


@pytest.mark.parametrize(
    ("path", "method"),
    [("batches", "POST"), ("batches/b_1/cancel", "POST"), ("batches/b_1", "GET")],
)
async def test_a_batch_has_no_cost_and_tells_no_use_of_its_own(
    bench: Bench, path: str, method: str
) -> None:
    usage = {"input_tokens": 1000, "output_tokens": 100}
    batch = {"id": "b_1", "object": "batch", "model": "gpt-4o", "usage": usage}
    bench.fetch.script.append(an_answer(json.dumps(batch)))
    url = f"https://sluice.test/v1/acme/main/openai/{path}"

    await bench.handle(a_request(text="{}", url=url, method=method))

    (row,) = rows(bench)
    assert (row["cost"], row["flags"]) == (None, None)
    assert (row["tokens_in"], row["tokens_out"]) == (None, None)


async def test_a_price_of_the_callers_own_is_not_for_the_list_of_models(bench: Bench) -> None:
    bench.fetch.script.append(an_answer('{"object":"list","data":[]}'))
    url = "https://sluice.test/v1/acme/main/openai/models"

    await bench.handle(a_request({HEADER: '{"total_cost":7}'}, None, url=url, method="GET"))

    (row,) = rows(bench)
    assert (row["cost"], row["custom_cost"]) == (None, 0)


async def test_a_failure_that_an_answer_hides_is_not_paid_and_what_follows_is(
    bench: Bench,
) -> None:
    hidden = 'event: error\ndata: {"error":{"type":"server_error","code":"server_error"}}\n\n'
    body = FakeReplyBody(Ending("complete", hidden), first=hidden)
    bench.fetch.script.append(Incoming(200, {"content-type": "text/event-stream"}, body))
    bench.fetch.script.append(an_answer(FINE))
    twice = {"cf-aig-max-attempts": "2", "cf-aig-retry-delay": "0", HEADER: '{"total_cost":7}'}

    await bench.handle(a_request(twice, text='{"model":"gpt-4o","stream":true,"messages":[]}'))

    assert [(row["status_code"], row["cost"]) for row in rows(bench)] == [(200, None), (200, 7)]


async def test_a_row_tells_that_a_cost_is_estimated(bench: Bench) -> None:
    text = 'data: {"model":"gpt-4o","choices":[{"delta":{"content":"12345678"}}]}\n\n'
    body = FakeReplyBody(Ending("left", text))
    bench.fetch.script.append(Incoming(200, {"content-type": "text/event-stream"}, body))

    await bench.handle(a_request(text='{"model":"gpt-4o","stream":true,"messages":[]}'))

    (row,) = rows(bench)
    assert row["cost"] == pytest.approx(2 * 10e-6)
    assert json.loads(row["flags"]) == ["cost_estimated"]
    assert (row["tokens_in"], row["tokens_out"]) == (None, None)


@pytest.mark.parametrize(
    ("price", "saved"),
    [
        # By the table of prices, $2.50 and $10 a million: two tokens, and one.
        ({}, 2 * 2.5e-6 + 1 * 10e-6),
        ({"cf-aig-custom-cost": '{"per_token_in":1,"per_token_out":10}'}, 12),
        ({"cf-aig-custom-cost": '{"total_cost":7}'}, 7),
    ],
)
async def test_a_stream_that_does_not_count_saves_what_it_is_estimated_to_have_cost(
    bench: Bench, price: dict[str, str], saved: float
) -> None:
    said = '{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"12345678"}]}'
    text = 'data: {"model":"gpt-4o","choices":[{"delta":{"content":"Hi"}}]}\n\ndata: [DONE]\n\n'
    bench.settings(authentication=False, cache_ttl=600)
    bench.fetch.script.append(an_answer(text, "text/event-stream"))

    for _ in range(2):
        await bench.handle(a_request(price, said))

    miss, hit = rows(bench)
    assert (miss["cost"], hit["saved_cost"]) == (pytest.approx(saved), pytest.approx(saved))
    assert (hit["cached"], hit["cost"], hit["saved_tokens_in"]) == (1, 0, None)


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
