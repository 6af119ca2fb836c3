"""Rules for rate limits, end to end, counted by real Durable Objects."""

import contextlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx
import pytest

from callers import Callers
from running import KEY, Gateway, pass_time, post, stream, until

CHAT: dict[str, Any] = {"model": "gpt-5-mini", "messages": []}
# Windows of a year: none ends while a test runs, but once a year.
YEAR = 31_536_000
_numbers = count()
PARTITION = {"mode": "partition"}
EVICTED_S = 11.0
"""An object leaves memory ten seconds after its last request."""


@pytest.fixture
def ruled(gateway: Gateway, request: pytest.FixtureRequest) -> Iterator[Gateway]:
    """Make a gateway with the rule that the test asks for, and what else it is given."""
    more: dict[str, Any] = dict(request.param)
    settings = more.pop("settings", {})
    rule = {"id": "rule", "limit": 1, "limitType": "requests", "window": YEAR, **more}
    name = f"ruled-{next(_numbers)}"
    with gateway.another(name, rate_limiting_rules=[rule], **settings) as ruled:
        yield ruled


def ask(gateway: Gateway, path: str = "openai", model: str = "gpt-5-mini", **headers: str) -> int:
    url = f"{gateway.address}/{path}/script/json_answer"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return post(url, json=CHAT | {"model": model}, headers=named, timeout=60).status_code


def user(name: str) -> dict[str, str]:
    return {"cf_aig_metadata": json.dumps({"user": name})}


@pytest.mark.parametrize("ruled", [{"metadata": {"user": PARTITION}}], indirect=True)
def test_each_user_is_counted_apart(ruled: Gateway) -> None:
    users = [user("a"), user("a"), user("b"), {}, {}]

    assert [ask(ruled, **each) for each in users] == [200, 429, 200, 200, 200]


@pytest.mark.parametrize("ruled", [{"model": PARTITION}], indirect=True)
def test_each_model_is(ruled: Gateway) -> None:
    assert [ask(ruled, model=model) for model in ("m", "m", "n")] == [200, 429, 200]


@pytest.mark.parametrize(
    "ruled", [{"model": {"mode": "filter", "values": ["openai/m"]}}], indirect=True
)
def test_a_filter_is_about_what_it_names(ruled: Gateway) -> None:
    assert [ask(ruled, model=model) for model in ("n", "m", "m", "n")] == [200, 200, 429, 200]


@pytest.mark.parametrize("ruled", [{"provider": PARTITION}], indirect=True)
def test_each_step_of_a_universal_request_is_counted_by_its_provider(ruled: Gateway) -> None:
    entry = {"provider": "openai", "endpoint": "script/json_answer", "query": CHAT, "headers": KEY}
    steps = [entry, entry | {"provider": "groq"}]

    answers = [httpx.post(ruled.address, json=steps, timeout=60) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["cf-aig-step"] for answer in answers] == ["0", "1", "1"]


@pytest.mark.parametrize("ruled", [{"address": PARTITION}], indirect=True)
def test_each_address_is(ruled: Gateway) -> None:
    ask(ruled)

    assert ask(ruled) == 429


@pytest.mark.parametrize(
    "ruled", [{"token": PARTITION, "settings": {"authentication": True}}], indirect=True
)
def test_each_token_is(ruled: Gateway) -> None:
    made = [ruled.manage("POST", "/tokens", {"name": name}) for name in "ab"]
    first, second = ({"cf_aig_authorization": f"Bearer {token['value']}"} for token in made)
    until(lambda: ask(ruled, **second) != 401 or None, "a token that is known")

    assert [ask(ruled, **each) for each in (first, first, second)] == [200, 429, 429]


@pytest.mark.parametrize("ruled", [{"mode": "shadow"}], indirect=True)
def test_a_shadow_refuses_nobody_and_tells_the_log(ruled: Gateway) -> None:
    answers = [post(f"{ruled.openai}/script/json_answer", json=CHAT) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert ["ratelimit" in answer.headers for answer in answers] == [False, False]
    flags = [ruled.row_of(answer)["flags"] for answer in answers]
    assert flags == [[], ["rate_limit_shadow:rule"]]


@pytest.mark.parametrize(
    "ruled", [{"limit": 10_000, "limitType": "tokens", "technique": "fixed"}], indirect=True
)
def test_what_a_stream_used_is_settled_at_its_end(ruled: Gateway) -> None:
    body = CHAT | {"stream": True, "max_tokens": 3000, "stream_options": {"include_usage": True}}
    with stream("POST", f"{ruled.openai}/script/stream", json=body) as answer:
        reserved = _left(answer)
        answer.read()
    row = ruled.row_of(answer)

    def settled() -> int | None:
        now = _left(post(f"{ruled.openai}/script/stream", json=CHAT | {"max_tokens": 0}))
        return now if now > reserved else None

    left = until(settled, "the settlement")
    used = row["tokens_in"] + row["tokens_out"]
    assert reserved < 7000
    assert 10_000 - left >= used


def _left(answer: httpx.Response) -> int:
    return int(answer.headers["ratelimit"].split(";")[1].removeprefix("r="))


@pytest.mark.parametrize(
    "ruled", [{"limit": 5, "metadata": {"user": PARTITION}}], indirect=True, ids=["five"]
)
def test_twenty_together_are_let_through_up_to_the_limit_twenty_times(ruled: Gateway) -> None:
    for counts in _rounds(ruled, 20, 20):
        assert counts == {200: 5, 429: 15}


@pytest.mark.parametrize(
    "ruled",
    [{"limit": 50, "metadata": {"user": PARTITION}, "settings": {"collect_logs": False}}],
    indirect=True,
    ids=["many"],
)
def test_two_hundred_are_twenty_times(ruled: Gateway) -> None:
    for counts in _rounds(ruled, 20, 200):
        assert counts == {200: 50, 429: 150}


def _rounds(gateway: Gateway, rounds: int, together: int) -> Iterator[Counter[int]]:
    """Send requests together, again and again, each time for another user."""
    url = f"{gateway.openai}/script/json_answer"
    with Callers(together, timeout=60) as callers:

        def send(name: str) -> int:
            headers = {**KEY, "cf-aig-metadata": json.dumps({"user": name})}
            return callers.post(url, json=CHAT, headers=headers).status_code

        for number in range(rounds):
            yield Counter(callers.map(send, [f"{together}-{number}"] * together))


@pytest.mark.parametrize("ruled", [{"limit": 3}], indirect=True, ids=["evicted"])
def test_what_was_counted_outlives_the_object(ruled: Gateway) -> None:
    assert [ask(ruled), ask(ruled)] == [200, 200]

    pass_time(EVICTED_S)

    assert [ask(ruled), ask(ruled)] == [200, 429]


@pytest.mark.parametrize(
    "ruled",
    [{"limit": 77_777, "limitType": "tokens", "window": 2, "metadata": {"user": PARTITION}}],
    indirect=True,
    ids=["removed"],
)
def test_a_counter_that_nobody_asks_again_is_gone_from_the_disk(ruled: Gateway) -> None:
    # Of a stream that does not tell what it used, the reservation stays.
    url = f"{ruled.openai}/script/stream_without_usage"
    headers = {"cf-aig-metadata": '{"user": "somebody"}'}
    post(url, json=CHAT | {"max_tokens": 10**6}, headers=headers)

    until(lambda: any("77777" in state for state in _on_disk(ruled)) or None, "the counter")
    until(lambda: not any("77777" in state for state in _on_disk(ruled)) or None, "its removal")


def _on_disk(gateway: Gateway) -> list[str]:
    """Return what the counters have written down."""
    states: list[str] = []
    for file in gateway.state.rglob("*Counter/*.sqlite"):
        database = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        # An object that holds nothing has no table.
        with contextlib.closing(database), contextlib.suppress(sqlite3.OperationalError):
            states += (str(row[0]) for row in database.execute("SELECT value FROM _cf_KV"))
    return states
