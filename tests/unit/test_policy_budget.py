"""Budgets: what a request may cost is reserved before it leaves, and settled with what it did."""

import asyncio
import json
from decimal import Decimal
from typing import Any

import pytest

from call import Request
from errors import Unreachable, UpstreamTimeout
from fakes import Bench, FakeReplyBody, a_request, an_answer, an_entry, told, universal
from gateway import handle
from ports import Ending, Incoming

BODY = json.dumps({"model": "gpt-5", "max_tokens": 500, "messages": []})
USAGE = {"usage": {"prompt_tokens": 40, "completion_tokens": 60}}
ANSWER = json.dumps({"model": "gpt-5", "choices": [], **USAGE})
STREAM = (
    'data: {"choices":[{"delta":{"content":"Hello"}}]}\n\n'
    'data: {"choices":[],"usage":{"prompt_tokens":100,"completion_tokens":150}}\n\n'
    "data: [DONE]\n\n"
)
# USD for a token of gpt-5.
READ, WRITTEN = Decimal("0.00000125"), Decimal("0.00001")
RESERVED = READ * -(-len(BODY) // 2) + WRITTEN * 500
COST = READ * 40 + WRITTEN * 60
PROBE = Decimal("0.000001")


def rule(**more: Any) -> dict[str, Any]:
    return {"id": "r", "limit": 1, "limitType": "cost", "window": 3600, **more}


def ruled(bench: Bench, *rules: dict[str, Any], **more: Any) -> Bench:
    limits = {"enabled": True, "rules": list(rules)}
    bench.settings(authentication=False, spend_limits=limits, **more)
    return bench


@pytest.fixture
def limited(bench: Bench) -> Bench:
    """A gateway that may spend a dollar in an hour."""
    return ruled(bench, rule())


def costing(usd: float, text: str = BODY, **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return a_request({"cf-aig-custom-cost": json.dumps({"total_cost": usd}), **named}, text)


async def left(bench: Bench) -> Decimal:
    """Return what the first budget has left, by what the smallest request is told."""
    bench.fetch.script.insert(0, an_answer("{}", status=500))
    reply = await bench.handle(costing(float(PROBE)))
    return Decimal(reply.headers["cf-aig-spend-remaining"].split('"')[3]) + PROBE


async def ask(bench: Bench, *script: Incoming | Exception, **headers: str) -> Any:
    bench.fetch.script += script
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await bench.handle(a_request(named, BODY))


def micro(usd: Decimal) -> Decimal:
    return usd.quantize(PROBE, rounding="ROUND_DOWN")


async def test_of_parallel_requests_exactly_those_pass_that_the_budget_pays_for(
    bench: Bench,
) -> None:
    ruled(bench, rule(limit=0.07 * 5))
    bench.fetch.script += [an_answer(ANSWER) for _ in range(20)]

    replies = await asyncio.gather(
        *(handle(costing(0.07), bench.isolate, bench.ports) for _ in range(20))
    )
    await bench.background.run()

    assert sorted(reply.status for reply in replies) == [200] * 5 + [429] * 15
    assert len(bench.fetch.sent) == 5


async def test_what_a_request_cost_takes_the_place_of_what_it_may_have_cost(
    limited: Bench,
) -> None:
    reply = await ask(limited, an_answer(ANSWER))

    remaining = f'"r";r="{micro(1 - RESERVED)}";t=3600'
    assert reply.headers["cf-aig-spend-remaining"] == remaining
    assert await left(limited) == micro(1 - COST)


async def test_what_exceeds_a_reservation_counts_against_what_follows(bench: Bench) -> None:
    ruled(bench, rule(limit=0.01))
    used = {"usage": {"prompt_tokens": 40, "completion_tokens": 900}}
    first = await ask(bench, an_answer(json.dumps({"model": "gpt-5", **used})))

    second = await ask(bench)

    assert (first.status, second.status) == (200, 429)


async def test_the_cost_of_a_stream_is_known_at_its_end(limited: Bench) -> None:
    body = FakeReplyBody(holds=False)
    limited.fetch.script.append(Incoming(200, {"content-type": "text/event-stream"}, body))
    await handle(a_request(text=BODY), limited.isolate, limited.ports)
    body.ending.set_result(Ending("complete", STREAM, len(STREAM)))
    await limited.background.run()

    assert await left(limited) == micro(1 - READ * 100 - WRITTEN * 150)


@pytest.mark.parametrize(
    ("failure", "kept"),
    [
        (Unreachable("api.openai.com", 3), False),
        (an_answer, False),
        (UpstreamTimeout("api.openai.com", 3), True),
    ],
)
async def test_an_error_costs_nothing_unless_the_provider_may_be_at_work(
    limited: Bench, failure: Any, kept: bool
) -> None:
    await ask(limited, failure("{}", status=500) if failure is an_answer else failure)

    assert await left(limited) == micro(1 - RESERVED if kept else Decimal(1))


async def test_all_attempts_of_a_step_are_paid_for(limited: Bench) -> None:
    failed = json.dumps({"model": "gpt-5", "error": {"message": "x"}, **USAGE})
    headers = {"cf_aig_max_attempts": "3", "cf_aig_retry_delay": "1"}

    await ask(limited, an_answer(failed, status=500), an_answer(ANSWER), **headers)

    assert await left(limited) == micro(1 - 2 * COST)


async def test_a_hit_costs_nothing_and_is_served_beyond_the_budget(bench: Bench) -> None:
    ruled(bench, rule(limit=0.1))
    bench.fetch.script.append(an_answer(ANSWER))
    await bench.handle(costing(0.1, cf_aig_cache_ttl="600"))

    again = await bench.handle(costing(0.1, cf_aig_cache_ttl="600"))
    other = await bench.handle(costing(0.1, text='{"model":"o"}', cf_aig_cache_ttl="600"))

    assert (again.status, again.headers["cf-aig-cache-status"]) == (200, "HIT")
    assert other.status == 429


async def test_a_refusal_says_which_rule_and_when_there_is_more(bench: Bench) -> None:
    ruled(bench, rule(limit=0.002, technique="fixed", window=60))
    bench.clock.now = 1_750_000_020_000.0 + 20_000
    await ask(bench, an_answer(ANSWER), cf_aig_custom_cost='{"total_cost": 0.002}')

    refused = await ask(bench, cf_aig_custom_cost='{"total_cost": 0.0000015}')

    words = "Spend limit exceeded: rule 'r' (cost limit 0.002 per 60s, fixed) for openai gpt-5"
    assert told(refused)["error"] == [{"code": 2041, "message": words}]
    assert (refused.status, refused.headers["retry-after"]) == (429, "40")
    assert refused.headers["cf-aig-spend-remaining"] == '"r";r="0.000000";t=40'
    rows = bench.database.rows("logs")
    assert [row["attempt"] for row in rows if row["error_code"] == 2041] == [0]


async def test_what_may_cost_more_than_the_whole_budget_never_passes_and_is_told_so(
    bench: Bench,
) -> None:
    ruled(bench, rule(limit=0.002))

    refused = await ask(bench)

    message = told(refused)["error"][0]["message"]
    assert message.endswith(f"may cost {RESERVED:.6f}: bound the length of its answer")
    assert "retry-after" not in refused.headers
    assert bench.fetch.sent == []


async def test_what_others_had_granted_to_a_refused_request_is_given_back(bench: Bench) -> None:
    ruled(bench, rule(), rule(id="small", limit=0.001))

    await ask(bench)

    assert await left(bench) == 1


async def test_a_step_that_is_refused_lets_the_next_one_try(bench: Bench) -> None:
    ruled(bench, rule(limit=0.001, provider={"mode": "filter", "values": ["openai"]}))
    bench.fetch.script.append(an_answer("{}"))
    steps = [an_entry(query={"model": "gpt-5"}), an_entry("groq")]

    reply = await bench.handle(universal(*steps))

    assert (reply.status, reply.headers["cf-aig-step"]) == (200, "1")


async def test_with_the_budget_another_window_comes(bench: Bench) -> None:
    ruled(bench, rule(limit=0.1, window=60))
    bench.fetch.script += [an_answer(ANSWER), an_answer(ANSWER)]
    statuses: list[int] = []
    for wait in (0, 59_999, 1):
        bench.clock.now += wait
        statuses.append((await bench.handle(costing(0.1))).status)

    assert statuses == [200, 429, 200]


async def test_a_rule_that_is_off_limits_nobody(bench: Bench) -> None:
    ruled(bench, rule(limit=0.001, enabled=False))
    first = await ask(bench, an_answer(ANSWER))
    limits = {"enabled": False, "rules": [rule(limit=0.001)]}
    bench.settings(authentication=False, spend_limits=limits)
    bench.clock.now += 10_000
    second = await ask(bench, an_answer(ANSWER))

    assert (first.status, second.status) == (200, 200)
    assert bench.counters.calls == []
