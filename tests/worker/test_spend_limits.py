"""Spend limits, end to end, reserved for and settled by real Durable Objects."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import httpx
import pytest

from running import Gateway, post, until

CHAT: dict[str, Any] = {"model": "gpt-5-mini", "messages": [], "max_tokens": 2000}
# Of these 2,000 tokens, which may cost 0.004 USD, the scripted answer has 7.
# Windows of a year: none ends while a test runs, but once a year.
YEAR = 31_536_000
_numbers = count()


@pytest.fixture
def limited(gateway: Gateway, request: pytest.FixtureRequest) -> Iterator[Gateway]:
    """Make a gateway with the budget, in USD, that the test asks for, and what else it is given."""
    limit, more = request.param
    rule = {"id": "rule", "limit": limit, "limitType": "cost", "window": YEAR, **more}
    limits = {"enabled": True, "rules": [rule]}
    with gateway.another(f"spending-{next(_numbers)}", spend_limits=limits) as limited:
        yield limited


def ask(gateway: Gateway, script: str = "json_answer", usd: float | None = None) -> httpx.Response:
    headers = {} if usd is None else {"cf-aig-custom-cost": json.dumps({"total_cost": usd})}
    url = f"{gateway.openai}/script/{script}"
    return post(url, json=CHAT, headers=headers, timeout=60)


def ask_together(gateway: Gateway, many: int, usd: float) -> list[int]:
    with ThreadPoolExecutor(many) as callers:
        asked = [callers.submit(ask, gateway, usd=usd) for _ in range(many)]
        return [each.result().status_code for each in asked]


def left(answer: httpx.Response) -> float:
    return float(answer.headers["cf-aig-spend-remaining"].split('"')[3])


@pytest.mark.parametrize("limited", [(0.35, {}), (0.35, {"technique": "fixed"})], indirect=True)
def test_of_twenty_together_those_pass_that_the_budget_pays_for(limited: Gateway) -> None:
    assert sorted(ask_together(limited, 20, 0.07)) == [200] * 5 + [429] * 15


@pytest.mark.parametrize("limited", [(3.7, {})], indirect=True)
def test_of_a_hundred_together_too(limited: Gateway) -> None:
    assert sorted(ask_together(limited, 100, 0.1)) == [200] * 37 + [429] * 63


@pytest.mark.parametrize("limited", [(0.01, {})], indirect=True)
@pytest.mark.parametrize("script", ["json_answer", "stream"])
def test_what_was_not_spent_comes_back(limited: Gateway, script: str) -> None:
    first = ask(limited, script)

    assert first.status_code == 200
    assert left(first) < 0.006
    assert 0 < limited.row_of(first)["cost"] < 0.0001

    def settled() -> bool | None:
        # What asks for it costs next to nothing.
        return left(ask(limited, usd=0.000001)) > 0.009 or None

    until(settled, "the settlement")


@pytest.mark.parametrize("limited", [(0.01, {})], indirect=True)
def test_a_refusal_is_told_and_is_a_row(limited: Gateway) -> None:
    ask(limited, usd=0.01)

    refused = ask(limited)

    words = f"rule 'rule' (cost limit 0.01 per {YEAR}s, sliding) for openai gpt-5-mini"
    assert refused.status_code == 429
    assert refused.json()["error"] == [{"code": 2041, "message": f"Spend limit exceeded: {words}"}]
    assert 0 < int(refused.headers["retry-after"]) <= YEAR
    assert left(refused) == 0
    assert limited.row_of(refused)["error_code"] == 2041


@pytest.mark.parametrize("limited", [(0.01, {})], indirect=True)
def test_what_has_no_price_is_refused(limited: Gateway) -> None:
    answer = post(f"{limited.openai}/script/json_answer", json={"model": "mine"})

    assert (answer.status_code, answer.json()["error"][0]["code"]) == (403, 2040)
