"""Budgets and answers whose cost nobody tells for certain: what may have been billed counts."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from errors import UpstreamTimeout
from fakes import Bench, FakeAi, FakeReplyBody, a_request, an_answer
from ports import Ending, Incoming, State

CHAT = "https://sluice.test/v1/acme/main/{}"
ASKED: dict[str, Any] = {"model": "gpt-5", "max_tokens": 500, "messages": []}
BODY = json.dumps({**ASKED, "stream": True})
WORDS = 'data: {"choices":[{"delta":{"content":"Hello"}}]}\n\n'
USED = 'data: {"choices":[],"usage":{"prompt_tokens":40,"completion_tokens":60}}\n\n'
MUCH = USED.replace("60", "9000")
DONE = "data: [DONE]\n\n"
# USD for a token of gpt-5.
READ, WRITTEN = Decimal("0.00000125"), Decimal("0.00001")
RESERVED = READ * -(-len(BODY) // 2) + WRITTEN * 500
COST = READ * 40 + WRITTEN * 60
PROBE = Decimal("0.000001")
KINDS = {"content-type": "text/event-stream"}


@pytest.fixture
def limited(bench: Bench) -> Bench:
    """A gateway that may spend a dollar in an hour."""
    return ruled(bench)


def ruled(bench: Bench, **more: Any) -> Bench:
    rule = {"id": "r", "limit": 1, "limitType": "cost", "window": 3600}
    limits = {"enabled": True, "rules": [rule], **more}
    bench.settings(authentication=False, spend_limits=limits)
    return bench


def a_stream(text: str, state: State = "complete") -> Incoming:
    return Incoming(200, KINDS, FakeReplyBody(Ending(state, text, len(text)), holds=False))


async def ask(bench: Bench, *script: Incoming | Exception, text: str = BODY, **more: str) -> None:
    bench.fetch.script += script
    headers = {name.replace("_", "-"): value for name, value in more.items() if name != "path"}
    url = CHAT.format(more.get("path", "openai/chat/completions"))
    await bench.handle(a_request(headers, text, url=url))


async def spent(bench: Bench) -> Decimal:
    """Return what counts against the budget, to the millionth."""
    bench.fetch.script.insert(0, an_answer("{}", status=500))
    headers = {"cf-aig-custom-cost": json.dumps({"total_cost": float(PROBE)})}
    reply = await bench.handle(a_request(headers, '{"model":"gpt-5"}'))
    left = Decimal(reply.headers["cf-aig-spend-remaining"].split('"')[3])
    return 1 - left - PROBE


def up(usd: Decimal) -> Decimal:
    return usd.quantize(PROBE, rounding="ROUND_UP")


def row(bench: Bench) -> dict[str, Any]:
    return bench.database.rows("logs")[0]


@pytest.mark.parametrize("state", ["left", "broken"])
async def test_a_stream_that_was_cut_keeps_its_reservation_whatever_the_log_says(
    limited: Bench, state: State
) -> None:
    await ask(limited, a_stream(WORDS, state))

    assert json.loads(row(limited)["flags"]) == ["cost_estimated"]
    assert 0 < row(limited)["cost"] < float(COST)
    assert await spent(limited) == up(RESERVED)


async def test_so_does_one_that_ends_without_a_count(limited: Bench) -> None:
    await ask(limited, a_stream(WORDS + DONE))

    assert json.loads(row(limited)["flags"]) == ["cost_estimated"]
    assert await spent(limited) == up(RESERVED)


async def test_one_that_counts_at_its_end_gives_it_back(limited: Bench) -> None:
    await ask(limited, a_stream(WORDS + USED + DONE))

    assert await spent(limited) == up(COST)


async def test_also_where_the_caller_has_left_right_after_it(limited: Bench) -> None:
    await ask(limited, a_stream(WORDS + USED + DONE, "left"))

    assert await spent(limited) == up(COST)


@pytest.mark.parametrize("state", ["left", "complete", "broken"])
async def test_what_was_counted_before_the_end_is_not_all(limited: Bench, state: State) -> None:
    await ask(limited, a_stream(WORDS + USED, state))

    assert row(limited)["cost"] == float(COST)
    assert await spent(limited) == up(RESERVED)


@pytest.mark.parametrize(("state", "known"), [("complete", True), ("left", False)])
async def test_after_a_picture_another_one_may_come(
    bench: Bench, state: State, known: bool
) -> None:
    limited = ruled(bench, max_output_tokens=5_000)
    usage = {"input_tokens": 10, "output_tokens": 100}
    last = json.dumps({"type": "image_generation.completed", "usage": usage})
    text = json.dumps({"model": "gpt-image-1", "prompt": "x", "n": 2, "stream": True})
    answer, path = a_stream(f"data: {last}\n\n", state), "openai/v1/images/generations"

    await ask(limited, answer, text=text, path=path)

    # Two of 5,000 tokens are 0.4 USD.
    assert (await spent(limited) < Decimal("0.01")) == known


async def test_but_where_it_is_more_than_the_reservation_it_counts(limited: Bench) -> None:
    await ask(limited, a_stream(WORDS + MUCH, "left"))

    assert await spent(limited) == up(READ * 40 + WRITTEN * 9000)


async def test_the_callers_price_of_a_whole_answer_is_what_a_cut_one_costs(limited: Bench) -> None:
    await ask(limited, a_stream(WORDS, "left"), cf_aig_custom_cost='{"total_cost":0.25}')

    assert await spent(limited) == Decimal("0.25")


async def test_the_callers_price_of_a_token_is_none_of_an_estimate(limited: Bench) -> None:
    prices = '{"per_token_in":0,"per_token_out":0.001}'

    await ask(limited, a_stream(WORDS + DONE), cf_aig_custom_cost=prices)

    assert row(limited)["cost"] == 2 * 0.001
    assert await spent(limited) == Decimal("0.5")


async def test_the_vendors_word_on_the_cost_is_all(limited: Bench) -> None:
    answer = json.dumps({"model": "m", "usage": {"cost": 0.125}})
    text = json.dumps({**ASKED, "model": "openai/gpt-5"})

    await ask(limited, an_answer(answer), text=text, path="openrouter/chat/completions")

    assert await spent(limited) == Decimal("0.125")


async def test_every_attempt_that_may_have_been_billed_counts(limited: Bench) -> None:
    headers = {"cf_aig_max_attempts": "5", "cf_aig_retry_delay": "1"}

    await ask(limited, *[UpstreamTimeout("api.openai.com", 3) for _ in range(5)], **headers)

    assert await spent(limited) == up(5 * RESERVED)


async def test_beside_what_is_known_of_the_others(limited: Bench) -> None:
    headers = {"cf_aig_max_attempts": "3", "cf_aig_retry_delay": "1"}
    script = (UpstreamTimeout("h", 3), an_answer("{}", status=500), a_stream(USED + DONE))

    await ask(limited, *script, **headers)

    assert await spent(limited) == up(RESERVED + COST)


async def test_an_answer_that_nothing_bounds_may_be_as_long_as_its_model_writes(
    limited: Bench,
) -> None:
    text = json.dumps({"model": "gpt-4o", "messages": []})
    reserved = Decimal("0.0000025") * -(-len(text) // 2) + Decimal("0.00001") * 16_384

    await ask(limited, an_answer("{}"), text=text)

    assert await spent(limited) == up(reserved)


async def test_or_as_long_as_the_gateway_reserves_for_it(bench: Bench) -> None:
    text = json.dumps({"model": "gpt-4o", "messages": []})
    reserved = Decimal("0.0000025") * -(-len(text) // 2) + Decimal("0.00001") * 1_000

    await ask(ruled(bench, max_output_tokens=1_000), an_answer("{}"), text=text)

    assert await spent(bench) == up(reserved)


@pytest.mark.parametrize(
    ("charged", "custom", "counts"),
    [
        (False, None, Decimal(0)),
        (True, None, None),
        (False, '{"total_cost":0.25}', Decimal("0.25")),
    ],
)
async def test_what_a_model_of_ones_own_runs_costs_what_its_caller_says_or_nothing(
    limited: Bench, charged: bool, custom: str | None, counts: Decimal | None
) -> None:
    limited.ports = replace(limited.ports, ai=FakeAi(an_answer('{"response":"x"}'), charged))
    text = '{"messages":[],"max_tokens":500}'
    headers = {"cf-aig-custom-cost": custom} if custom else {}
    url = CHAT.format("workers-ai/@cf/meta/llama-3.1-8b-instruct")
    request = a_request(headers, text, url=url)
    keyless = {name: told for name, told in request.headers.items() if name != "authorization"}

    reply = await limited.handle(replace(request, headers=keyless))

    reserved = 1 - Decimal(reply.headers["cf-aig-spend-remaining"].split('"')[3])
    assert reserved > 0
    assert await spent(limited) == (reserved if counts is None else counts)


async def test_what_cancels_an_answer_needs_no_price(limited: Bench) -> None:
    await ask(limited, an_answer("{}"), text="", path="openai/v1/responses/resp_1/cancel")

    assert row(limited)["status_code"] == 200
    assert limited.counters.calls == []
