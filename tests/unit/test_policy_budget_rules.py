"""Whom budgets are about: partitions, shadows, what has no price, counters out of order."""

import json
from typing import Any

import pytest

from call import Request
from fakes import Bench, a_request, an_answer, told
from gateway import handle

PARTITION = {"mode": "partition"}
GPT = {"mode": "filter", "values": ["openai/gpt-5"]}
USED = '{"model":"gpt-5","usage":{"prompt_tokens":4,"completion_tokens":6}}'
LISTED = '{"model":"gpt-5","max_tokens":10}'
SOCKET = {"upgrade": "websocket", "sec-websocket-key": "x"}


def ruled(bench: Bench, *rules: dict[str, Any], **more: Any) -> Bench:
    usual = {"id": "r", "limit": 0.1, "limitType": "cost", "window": 3600}
    limits = {"enabled": True, "rules": [usual | each for each in rules]}
    bench.settings(authentication=False, spend_limits=limits, **more)
    bench.fetch.script += [an_answer(USED) for _ in range(9)]
    return bench


def costing(usd: float, model: str = "gpt-5", slug: str = "openai", user: str = "") -> Request:
    headers = {"cf-aig-custom-cost": json.dumps({"total_cost": usd})}
    if user:
        headers["cf-aig-metadata"] = json.dumps({"user": user})
    url = f"https://sluice.test/v1/acme/main/{slug}/chat/completions"
    return a_request(headers, json.dumps({"model": model}), url=url)


async def statuses(bench: Bench, *requests: Request) -> list[int]:
    return [(await bench.handle(request)).status for request in requests]


def flags(bench: Bench) -> list[str]:
    rows = bench.database.rows("logs")
    return [flag for row in rows for flag in json.loads(row["flags"] or "[]")]


async def test_each_user_has_a_budget_of_his_own(bench: Bench) -> None:
    ruled(bench, {"metadata": {"user": PARTITION}})
    users = [costing(0.1, user=name) for name in ("a", "a", "b", "", "")]

    assert await statuses(bench, *users) == [200, 429, 200, 200, 200]


async def test_each_model_and_each_provider_may_have_one(bench: Bench) -> None:
    ruled(bench, {"model": PARTITION, "provider": PARTITION})
    asked = [costing(0.1), costing(0.1), costing(0.1, "m"), costing(0.1, slug="groq")]

    assert await statuses(bench, *asked) == [200, 429, 200, 200]


async def test_a_filter_is_about_what_it_names(bench: Bench) -> None:
    ruled(bench, {"model": GPT})
    asked = [costing(0.2, "m"), costing(0.1), costing(0.1), costing(0.2, "m")]

    assert await statuses(bench, *asked) == [200, 200, 429, 200]


async def test_so_it_is_about_what_a_request_lets_its_provider_fall_back_to(bench: Bench) -> None:
    dear = {"mode": "filter", "values": ["openai/gpt-5"]}
    ruled(bench, {"limit": 0.004, "model": dear})
    url = "https://sluice.test/v1/acme/main/openrouter/chat/completions"

    def falling_back(*models: str) -> Request:
        body = {"model": "openai/gpt-5-nano", "models": models, "max_tokens": 500}
        return a_request(text=json.dumps(body), url=url)

    # 500 tokens of the dear one are 0.005 USD.
    asked = [falling_back("openai/gpt-5-mini"), falling_back("openai/gpt-5")]

    assert await statuses(bench, *asked) == [200, 429]


async def test_a_shadow_refuses_nobody_and_tells_in_the_row_whom_it_would_have(
    bench: Bench,
) -> None:
    ruled(bench, {"mode": "shadow"})

    reply = await bench.handle(costing(0.1))
    assert "cf-aig-spend-remaining" not in reply.headers
    assert await statuses(bench, costing(0.1), a_request(text='{"model":"mine"}')) == [200, 200]
    assert flags(bench).count("spend_limit_shadow:r") == 2


@pytest.mark.parametrize(
    "request_",
    [
        a_request(text='{"model":"nobody-knows"}'),
        a_request(text="{}"),
        a_request({"content-type": "multipart/form-data"}, "--x"),
        a_request(
            SOCKET, None, method="GET", url="https://sluice.test/v1/acme/main/openai/realtime"
        ),
        a_request(text=LISTED, url="https://sluice.test/v1/acme/main/cartesia/tts/bytes"),
    ],
)
async def test_what_has_no_price_is_refused_where_a_rule_wants_to_know_it(
    bench: Bench, request_: Request
) -> None:
    ruled(bench, {})

    refused = await bench.handle(request_)

    words = "Model or provider could not be resolved for spend-limit enforcement"
    assert refused.status == 403
    assert told(refused)["error"] == [{"code": 2040, "message": words}]
    assert bench.fetch.sent == []
    [row] = bench.database.rows("logs")
    assert (row["status_code"], row["error_code"]) == (403, 2040)


async def test_so_is_a_model_that_cannot_be_read_and_may_be_the_one_that_is_meant(
    bench: Bench,
) -> None:
    ruled(bench, {"model": GPT})
    hidden = a_request({"content-type": "application/octet-stream"}, LISTED)

    assert await statuses(bench, a_request(text='{"model":"mine"}'), hidden) == [200, 403]


async def test_where_no_rule_is_about_a_request_its_price_does_not_matter(bench: Bench) -> None:
    ruled(bench, {"metadata": {"user": PARTITION}}, {"id": "s", "model": GPT})

    assert await statuses(bench, a_request(text='{"model":"mine"}')) == [200]


async def test_a_price_of_the_callers_own_makes_up_for_one_that_is_unknown(bench: Bench) -> None:
    ruled(bench, {})
    prices = '{"per_token_in":0.000001,"per_token_out":0.001,"per_cache_write_token":0.00001}'
    headers = {"cf-aig-custom-cost": prices}
    text = '{"model":"mine","max_tokens":50}'

    reply = await bench.handle(a_request(headers, text))

    assert reply.headers["cf-aig-spend-remaining"] == '"r";r="0.049840";t=3600'
    [row] = bench.database.rows("logs")
    assert row["cost"] == 4 * 0.000001 + 6 * 0.001


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
async def test_what_only_reads_spends_nothing(bench: Bench, method: str) -> None:
    ruled(bench, {})

    reply = await bench.handle(a_request(method=method, text=None))

    assert reply.status == 200
    assert bench.counters.calls == []


async def test_an_unknown_provider_is_told_as_such(bench: Bench) -> None:
    ruled(bench, {})

    reply = await bench.handle(costing(0.01, slug="nobody"))

    assert told(reply)["error"][0]["code"] == 2008


async def test_a_budget_that_cannot_be_asked_lets_pass_and_the_row_says_so(bench: Bench) -> None:
    ruled(bench, {})
    bench.counters.broken = True

    assert await statuses(bench, costing(0.1)) == [200]
    assert flags(bench) == ["spend_limit_unavailable"]


async def test_what_passed_meanwhile_is_counted_as_soon_as_that_can_be_done(bench: Bench) -> None:
    ruled(bench, {})
    bench.counters.broken = True
    first = await handle(costing(0.1), bench.isolate, bench.ports)
    bench.counters.broken = False
    await bench.background.run()

    assert first.status == 200
    assert await statuses(bench, costing(0.1)) == [429]


async def test_or_refuses_where_the_gateway_is_closed(bench: Bench) -> None:
    ruled(bench, {}, rate_limiting_failure_mode="closed")
    bench.counters.broken = True

    reply = await bench.handle(costing(0.1))

    assert (reply.status, reply.headers["retry-after"]) == (503, "1")
    assert told(reply)["error"][0]["code"] == 7504
