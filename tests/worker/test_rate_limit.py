"""Limits on the requests of a gateway, counted by a real Durable Object."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from running import Gateway, post, serving, until
from worker.scripted import ScriptedUpstream

CHAT: dict[str, Any] = {"model": "gpt-5-mini", "messages": []}
# Windows of a year: none ends while a test runs, but once a year.
YEAR = 31_536_000
_BOTH = re.compile(rb'"units": \[(?:1, 1|2)\]')


@pytest.fixture
def limited(gateway: Gateway, request: pytest.FixtureRequest) -> Iterator[Gateway]:
    """Make a gateway with the limit, the interval and the technique that the test asks for."""
    limit, interval, technique = request.param
    settings = {
        "rate_limiting_limit": limit,
        "rate_limiting_interval": interval,
        "rate_limiting_technique": technique,
    }
    with gateway.another(f"limited-{limit}-{technique}", **settings) as limited:
        yield limited


def ask(gateway: Gateway) -> httpx.Response:
    return post(f"{gateway.openai}/script/json_answer", json=CHAT, timeout=60)


def ask_together(gateway: Gateway, count: int) -> list[int]:
    with ThreadPoolExecutor(count) as callers:
        asked = [callers.submit(ask, gateway) for _ in range(count)]
        return [each.result().status_code for each in asked]


@pytest.mark.parametrize("limited", [(5, YEAR, "fixed"), (5, YEAR, "sliding")], indirect=True)
def test_twenty_together_are_let_through_up_to_the_limit(limited: Gateway) -> None:
    assert sorted(ask_together(limited, 20)) == [200] * 5 + [429] * 15


@pytest.mark.parametrize("limited", [(150, YEAR, "sliding")], indirect=True)
def test_two_hundred_at_forty_a_time_are_let_through_up_to_the_limit(limited: Gateway) -> None:
    statuses = [status for _ in range(5) for status in ask_together(limited, 40)]

    assert sorted(statuses) == [200] * 150 + [429] * 50


@pytest.mark.parametrize("limited", [(1, YEAR, "sliding")], indirect=True)
def test_a_refusal_says_when_to_come_again_and_is_a_row(limited: Gateway) -> None:
    first, refused = ask(limited), ask(limited)

    assert (first.status_code, refused.status_code) == (200, 429)
    assert first.headers["ratelimit-policy"] == f'"default";q=1;w={YEAR}'
    assert first.headers["ratelimit"].startswith('"default";r=0;t=')
    assert 0 < int(refused.headers["retry-after"]) <= YEAR
    assert refused.json()["error"] == [{"code": 2003, "message": "Rate limited"}]
    row = limited.row_of(refused)
    assert (row["status_code"], row["error_code"], row["flags"]) == (429, 2003, [])


@pytest.mark.parametrize("limited", [(1, 1, "sliding")], indirect=True)
def test_a_second_later_there_is_more(limited: Gateway) -> None:
    assert ask(limited).status_code == 200

    until(lambda: ask(limited).is_success or None, "the second request")


def test_what_was_counted_outlives_the_process(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    local = {"UPSTREAMS": json.dumps({"openai": upstream.base_url})}
    settings = {"rate_limiting_limit": 3, "rate_limiting_interval": YEAR}
    name = "outlives"

    with serving(tmp_path, **local) as gateway:
        body = {"id": name, "authentication": False, "collect_logs": True, "cache_ttl": 0}
        body |= {"cache_invalidate_on_update": False, **settings}
        gateway.manage("POST", "/gateways", body)
        url = f"{gateway.url}/v1/local/{name}/openai/script/json_answer"
        assert [post(url, json=CHAT).status_code for _ in range(2)] == [200, 200]
        # A counter is written down within a second.
        until(lambda: _BOTH.search(gateway.at_rest()), "the counter on disk")

    with serving(tmp_path, **local) as gateway:
        url = f"{gateway.url}/v1/local/{name}/openai/script/json_answer"
        assert [post(url, json=CHAT).status_code for _ in range(2)] == [200, 429]
