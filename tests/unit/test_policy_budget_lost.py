"""Budgets whose counters move between machines: what is reserved and settled counts once."""

from decimal import Decimal

import pytest

from fakes import Bench, a_request, an_answer
from gateway import handle

BODY = '{"model":"gpt-5","max_tokens":500,"messages":[]}'
ANSWER = '{"model":"gpt-5","usage":{"prompt_tokens":40,"completion_tokens":60}}'
COST = Decimal("0.00065")
RULE = {"id": "r", "limit": 1, "limitType": "cost", "window": 3600}


def limited(bench: Bench) -> Bench:
    bench.settings(authentication=False, spend_limits={"enabled": True, "rules": [RULE]})
    return bench


async def left(bench: Bench) -> Decimal:
    """Return what the budget has left before a request of a cost of 0.5."""
    bench.fetch.script.append(an_answer("{}", status=500))
    headers = {"cf-aig-custom-cost": '{"total_cost": 0.5}'}
    reply = await bench.handle(a_request(headers, BODY))
    return Decimal(reply.headers["cf-aig-spend-remaining"].split('"')[3]) + Decimal("0.5")


@pytest.mark.parametrize("moves", [False, True])
async def test_a_reservation_whose_answer_was_lost_counts_once(bench: Bench, moves: bool) -> None:
    limited(bench).counters.moves = moves
    bench.counters.losing = 1
    bench.fetch.script.append(an_answer(ANSWER))

    await bench.handle(a_request(text=BODY))

    assert bench.counters.losing == 0
    assert await left(bench) == 1 - COST


@pytest.mark.parametrize("moves", [False, True])
async def test_so_does_a_settlement(bench: Bench, moves: bool) -> None:
    limited(bench).counters.moves = moves
    bench.fetch.script.append(an_answer(ANSWER))

    await handle(a_request(text=BODY), bench.isolate, bench.ports)
    bench.counters.losing = 1
    await bench.background.run()

    assert bench.counters.losing == 0
    assert await left(bench) == 1 - COST


@pytest.mark.parametrize("moves", [False, True])
async def test_where_a_reservation_is_lost_twice_the_request_passes_and_its_cost_counts_once(
    bench: Bench, moves: bool
) -> None:
    limited(bench).counters.moves = moves
    bench.counters.losing = 2
    bench.fetch.script.append(an_answer(ANSWER))

    reply = await bench.handle(a_request(text=BODY))

    assert reply.status == 200
    assert bench.database.rows("logs")[0]["flags"] == '["spend_limit_unavailable"]'
    assert await left(bench) == 1 - COST


@pytest.mark.parametrize("failing", [1, 2])
async def test_a_settlement_that_fails_is_made_later(bench: Bench, failing: int) -> None:
    limited(bench).fetch.script.append(an_answer(ANSWER))

    await handle(a_request(text=BODY), bench.isolate, bench.ports)
    bench.counters.failing = failing
    await bench.background.run()

    assert await left(bench) == 1 - COST


async def test_of_one_that_nobody_ever_hears_of_the_reservation_stays(bench: Bench) -> None:
    limited(bench).fetch.script.append(an_answer(ANSWER))

    reply = await handle(a_request(text=BODY), bench.isolate, bench.ports)
    bench.counters.failing = 3
    await bench.background.run()

    remaining = Decimal(reply.headers["cf-aig-spend-remaining"].split('"')[3])
    assert bench.counters.failing == 0
    assert await left(bench) == remaining < 1 - COST


async def test_rows_of_the_log_do_not_wait_for_a_counter(bench: Bench) -> None:
    limited(bench).fetch.script.append(an_answer(ANSWER))
    written: list[int] = []

    async def look() -> None:
        written.append(len(bench.database.rows("logs")))

    await handle(a_request(text=BODY), bench.isolate, bench.ports)
    # As the platform does the work: one job after the other.
    bench.counters.failing = 1
    for job in bench.background.jobs:
        asked = len(bench.counters.calls)
        await job
        if len(bench.counters.calls) > asked:
            await look()

    assert written == [0, 1]
    bench.background.jobs.clear()


async def test_a_reservation_of_which_nothing_is_heard_stays(bench: Bench) -> None:
    limited(bench).counters.losing = 4
    bench.fetch.script.append(an_answer(ANSWER))

    await bench.handle(a_request(text=BODY))

    # Rather too much counts than too little.
    assert bench.counters.losing == 0
    assert await left(bench) < 1 - COST


async def test_a_closed_gateway_gives_back_what_it_hears_of_late(bench: Bench) -> None:
    rules = {"enabled": True, "rules": [RULE]}
    bench.settings(authentication=False, spend_limits=rules, rate_limiting_failure_mode="closed")
    bench.counters.losing = 2

    reply = await bench.handle(a_request(text=BODY))

    assert reply.status == 503
    assert await left(bench) == 1
