"""Counters out of order: those of another Worker, which fail, are late or never answer."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from running import SETTINGS, Gateway, post, until
from worker.out_of_order import out_of_order
from worker.scripted import ScriptedUpstream

FAULTY = Path(__file__).parent / "faulty_counter"
CHAT: dict[str, Any] = {"model": "gpt-5-mini", "messages": []}


@pytest.fixture(scope="module")
def faulty(
    tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream
) -> Iterator[Gateway]:
    """Run a gateway whose counters are those of the faulty Worker."""
    folder = tmp_path_factory.mktemp("faulty-counter")
    with out_of_order(folder, upstream, "Counter", FAULTY) as gateway:
        yield gateway


@pytest.mark.parametrize("fault", ["fails", "hangs"])
@pytest.mark.parametrize("unit", ["requests", "tokens"])
def test_a_request_passes_uncounted_and_its_row_says_so(
    faulty: Gateway, fault: str, unit: str
) -> None:
    answer, gateway = _ask(faulty, fault, unit, "open")

    assert answer.status_code == 200
    assert "ratelimit" not in answer.headers
    assert gateway.row_of(answer)["flags"] == ["rate_limit_unavailable"]


@pytest.mark.parametrize("fault", ["fails", "hangs"])
def test_or_is_refused_where_the_gateway_says_so(faulty: Gateway, fault: str) -> None:
    answer, gateway = _ask(faulty, fault, "requests", "closed")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["error"][0]["code"] == 7504
    row = gateway.row_of(answer)
    assert (row["status_code"], row["flags"]) == (503, ["rate_limit_unavailable"])


def test_a_budget_whose_counter_is_late_is_charged_once(faulty: Gateway) -> None:
    rule = {"id": "late", "limit": 3, "limitType": "cost", "window": 60}
    asked = SETTINGS | {"id": "late", "authentication": False}
    faulty.manage("POST", "/gateways", asked | {"spend_limits": {"enabled": True, "rules": [rule]}})
    gateway = Gateway(faulty.url, faulty.admin_token, "", faulty.state, "late")

    def ask(**prices: float) -> httpx.Response:
        headers = {"cf-aig-custom-cost": json.dumps(prices)}
        url = f"{gateway.openai}/script/json_answer"
        return post(url, json=CHAT | {"max_tokens": 2000}, headers=headers, timeout=60)

    def settled() -> bool | None:
        told = ask(total_cost=1e-9).headers["cf-aig-spend-remaining"]
        return float(told.split('"')[3]) > 2.99 or None

    first = ask(per_token_in=0, per_token_out=0.001)

    assert gateway.row_of(first)["flags"] == ["spend_limit_unavailable"]
    # It took 2 USD before anybody heard of it, and 0.007 of them were used.
    until(settled, "the settlement of what was taken late")


def _ask(faulty: Gateway, fault: str, unit: str, mode: str) -> tuple[Any, Gateway]:
    rule = {"id": fault, "limit": 5000, "limitType": unit, "window": 60}
    name = f"{fault}-{unit}-{mode}"
    settings = {"rate_limiting_rules": [rule], "rate_limiting_failure_mode": mode}
    asked = SETTINGS | {"id": name, "authentication": False} | settings
    faulty.manage("POST", "/gateways", asked)
    gateway = Gateway(faulty.url, faulty.admin_token, "", faulty.state, name)
    return post(f"{gateway.openai}/script/json_answer", json=CHAT, timeout=60), gateway
