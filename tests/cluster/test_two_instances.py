"""Two instances with one bucket: what is limited, shared and logged is exact over both."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import pytest

from cluster.instances import YEAR, Instance, ask
from running import SETTINGS, Gateway, until
from worker.scripted import ScriptedUpstream
from worker.scripts import LONG_AUDIO


def ask_together(
    pair: tuple[Instance, Instance], name: str, many: int, **headers: str
) -> list[httpx.Response]:
    """Send as many requests to both, in turn, all at once."""
    gateways = [replace(each.gateway, name=name) for each in pair]
    with ThreadPoolExecutor(many) as callers:
        asked = [callers.submit(ask, gateways[i % 2], **headers) for i in range(many)]
        return [each.result() for each in asked]


def statuses(answers: list[httpx.Response]) -> dict[int, int]:
    codes = [answer.status_code for answer in answers]
    return {code: codes.count(code) for code in sorted(set(codes))}


@pytest.mark.parametrize("technique", ["fixed", "sliding"])
def test_of_two_hundred_requests_over_both_those_pass_that_the_limit_allows(
    pair: tuple[Instance, Instance], technique: str
) -> None:
    rule = {"id": "r", "limit": 70, "limitType": "requests", "window": YEAR}
    limits = [rule | {"technique": technique}]
    name = f"limited-{technique}"
    with pair[0].gateway.another(name, rate_limiting_rules=limits):
        told = statuses(ask_together(pair, name, 200))

    assert told == {200: 70, 429: 130}


def test_of_a_hundred_requests_over_both_those_pass_that_the_budget_pays_for(
    pair: tuple[Instance, Instance],
) -> None:
    rule = {"id": "rule", "limit": 3.7, "limitType": "cost", "window": YEAR}
    limits = {"enabled": True, "rules": [rule]}
    with pair[0].gateway.another("spending", spend_limits=limits):
        cost = json.dumps({"total_cost": 0.1})
        told = statuses(ask_together(pair, "spending", 100, cf_aig_custom_cost=cost))

    assert told == {200: 37, 429: 63}


def test_of_identical_requests_over_both_one_asks_for_all(
    pair: tuple[Instance, Instance], upstream: ScriptedUpstream
) -> None:
    with pair[0].gateway.another("keeping", cache_ttl=600):
        before = len(upstream.requests)
        told = ask_together(pair, "keeping", 30)

    assert len(upstream.requests) == before + 1
    assert len({answer.content for answer in told}) == 1


def test_a_long_answer_that_one_has_cached_comes_from_the_cache_of_the_other(
    pair: tuple[Instance, Instance], upstream: ScriptedUpstream
) -> None:
    def hit(gateway: Gateway) -> httpx.Response | None:
        answer = ask(gateway, "long_audio")
        return answer if answer.headers["cf-aig-cache-status"] == "HIT" else None

    with pair[0].gateway.another("long", cache_ttl=600):
        a, b = (replace(each.gateway, name="long") for each in pair)
        until(lambda: hit(a), "a hit")
        before = len(upstream.requests)
        answer = hit(b)

    assert answer
    assert answer.content == LONG_AUDIO
    assert len(upstream.requests) == before


def test_what_is_changed_at_one_is_seen_at_the_other(pair: tuple[Instance, Instance]) -> None:
    a, b = pair[0].gateway, pair[1].gateway
    with a.another("changing"):
        changing = replace(b, name="changing")
        assert ask(changing).status_code == 200
        a.manage("PUT", "/gateways/changing", SETTINGS | {"authentication": True})

        until(lambda: ask(changing).status_code == 401 or None, "the change")
