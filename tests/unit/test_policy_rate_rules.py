"""Rules on the requests of a gateway: whom they let through, and what they tell."""

from dataclasses import replace
from typing import Any

import pytest

from errors import Unreachable
from fakes import Bench, a_request, an_answer, an_entry, told, universal

PARTITION = {"mode": "partition"}
PER_USER = {"id": "user", "metadata": {"user": PARTITION}}
MINI = {"mode": "filter", "values": ["mini"]}


def rule(**more: Any) -> dict[str, Any]:
    return {"limit": 2, "limitType": "requests", "window": 3600, **more}


def ruled(bench: Bench, *rules: dict[str, Any], **more: Any) -> Bench:
    bench.settings(authentication=False, rate_limiting_rules=list(rules), **more)
    bench.fetch.script += [an_answer("{}") for _ in range(20)]
    return bench


def by(user: str) -> Any:
    return a_request({"cf-aig-metadata": f'{{"user":"{user}"}}'})


async def statuses(bench: Bench, *requests: Any) -> list[int]:
    return [(await bench.handle(request)).status for request in requests]


def flags(bench: Bench) -> list[str | None]:
    return [row["flags"] for row in bench.database.rows("logs")]


async def test_each_user_has_a_limit_of_his_own(bench: Bench) -> None:
    ruled(bench, rule(**PER_USER))

    asked = [by("a"), by("a"), by("a"), by("b"), a_request(), a_request(), a_request()]

    assert await statuses(bench, *asked) == [200, 200, 429, 200, 200, 200, 200]


async def test_each_address_has(bench: Bench) -> None:
    ruled(bench, rule(limit=1, address=PARTITION))
    addresses = ("192.0.2.1", "192.0.2.1", "192.0.2.2", None, None)

    asked = [a_request(address=address) for address in addresses]

    assert await statuses(bench, *asked) == [200, 429, 200, 200, 200]


async def test_an_entry_cannot_pretend_to_another_address(bench: Bench) -> None:
    ruled(bench, rule(limit=1, address=PARTITION))
    headers = {"authorization": "Bearer sk", "cf-connecting-ip": "192.0.2.2"}
    replies: list[int] = []
    for _ in range(2):
        request = replace(universal(an_entry(headers=headers)), address="192.0.2.1")
        replies += await statuses(bench, request)

    assert replies == [200, 429]


async def test_answers_tell_of_every_rule_that_applied(bench: Bench) -> None:
    ruled(
        bench,
        rule(**PER_USER),
        rule(id="team", metadata={"team": PARTITION}),
        rule(id="tokens", limitType="tokens", limit=5000),
        rule(id="silent", mode="shadow"),
        rate_limiting_limit=10,
        rate_limiting_interval=60,
        rate_limiting_technique="sliding",
    )

    headers = (await bench.handle(by("a"))).headers

    assert headers["ratelimit-policy"] == (
        '"default";q=10;w=60, "user";q=2;w=3600, "tokens";q=5000;w=3600;qu="tokens"'
    )
    assert headers["ratelimit"].startswith('"default";r=9;t=60, "user";r=1;t=3600, "tokens";r=3')


async def test_errors_tell_it_too(bench: Bench) -> None:
    ruled(bench, rule(**PER_USER))
    bench.fetch.script.insert(0, Unreachable("api.openai.com", 3))

    reply = await bench.handle(by("a"))

    assert (reply.status, reply.headers["ratelimit"]) == (502, '"user";r=1;t=3600')


async def test_a_refusal_tells_the_longest_wait_and_is_a_row(bench: Bench) -> None:
    ruled(bench, rule(id="a", limit=1, window=60), rule(id="b", limit=1, window=900))

    reply = (await bench.handle(a_request()), await bench.handle(a_request()))[1]

    assert (reply.status, reply.headers["retry-after"]) == (429, "900")
    assert reply.headers["ratelimit"] == '"a";r=0;t=60, "b";r=0;t=900'
    assert told(reply)["error"] == [{"code": 2003, "message": "Rate limited"}]
    assert bench.database.rows("logs")[1]["error_code"] == 2003


async def test_what_others_granted_to_a_refused_request_is_given_back(bench: Bench) -> None:
    ruled(bench, rule(**PER_USER), rule(id="all", limit=4), rule(id="s", mode="shadow", limit=4))
    await statuses(bench, *[by("a")] * 10)

    reply = await bench.handle(by("b"))

    assert (reply.status, reply.headers["ratelimit"].split(", ")[1]) == (200, '"all";r=1;t=3600')
    assert set(flags(bench)) == {None}


async def test_a_shadow_refuses_nobody_and_the_row_says_whom_it_would_have(bench: Bench) -> None:
    ruled(bench, rule(**PER_USER, mode="shadow"))

    replies = [await bench.handle(by("a")) for _ in range(3)]

    assert [reply.status for reply in replies] == [200] * 3
    assert "ratelimit" not in replies[0].headers
    assert flags(bench) == [None, None, '["rate_limit_shadow:user"]']


async def test_counters_are_asked_once_each(bench: Bench) -> None:
    ruled(bench, rule(id="a"), rule(id="b"), rule(**PER_USER))

    await bench.handle(a_request())

    assert bench.counters.calls == ["1:a:requests:all", "1:b:requests:all"]


@pytest.mark.parametrize("enabled", [True, False])
async def test_a_rule_that_is_not_enabled_limits_nobody(bench: Bench, enabled: bool) -> None:
    ruled(bench, rule(limit=1, enabled=enabled))

    assert await statuses(bench, a_request(), a_request()) == [200, 429 if enabled else 200]


async def test_one_counter_out_of_order_does_not_open_the_others(bench: Bench) -> None:
    ruled(bench, rule(id="a", limit=1), rule(id="b", limit=1))
    bench.counters.broken = {":a:"}

    assert await statuses(bench, a_request(), a_request()) == [200, 429]
    assert set(flags(bench)) == {'["rate_limit_unavailable"]'}


async def test_a_closed_gateway_refuses_what_it_cannot_count(bench: Bench) -> None:
    ruled(bench, rule(id="a"), rule(id="b"), rate_limiting_failure_mode="closed")
    bench.counters.broken = {":a:"}

    reply = await bench.handle(a_request())
    bench.counters.broken = False
    after = await bench.handle(a_request())

    assert (reply.status, reply.headers["retry-after"]) == (503, "1")
    assert told(reply)["error"][0]["code"] == 7504
    assert after.headers["ratelimit"] == '"a";r=1;t=3600, "b";r=1;t=3600'
    assert flags(bench) == ['["rate_limit_unavailable"]', None]


async def test_a_shadow_out_of_order_closes_nothing(bench: Bench) -> None:
    ruled(bench, rule(id="a", mode="shadow"), rate_limiting_failure_mode="closed")
    bench.counters.broken = True

    assert await statuses(bench, a_request()) == [200]
    assert flags(bench) == ['["rate_limit_unavailable"]']


async def test_a_step_that_is_refused_lets_the_next_one_try(bench: Bench) -> None:
    ruled(bench, rule(id="mini", limit=1, model=MINI))
    steps = (an_entry(query={"model": "mini"}), an_entry("groq", query={"model": "other"}))

    first, second = [await bench.handle(universal(*steps)) for _ in range(2)]

    assert [reply.headers["cf-aig-step"] for reply in (first, second)] == ["0", "1"]
    assert second.headers["ratelimit"] == '"mini";r=0;t=3600'
    assert "retry-after" not in second.headers
    rows = [(row["step"], row["status_code"]) for row in bench.database.rows("logs")]
    assert sorted(rows) == [(0, 200), (0, 429), (1, 200)]


async def test_where_all_steps_are_refused_the_request_is(bench: Bench) -> None:
    ruled(bench, rule(limit=1, provider=PARTITION))
    steps = (an_entry(), an_entry("groq"))

    assert await statuses(bench, *[universal(*steps)] * 3) == [200, 200, 429]


async def test_a_universal_request_counts_once_where_its_steps_do_not_matter(bench: Bench) -> None:
    ruled(bench, rule(id="all", limit=5))
    bench.fetch.script.insert(0, an_answer("{}", status=500))

    reply = await bench.handle(universal(an_entry(), an_entry("groq")))

    assert (reply.headers["cf-aig-step"], reply.headers["ratelimit"]) == ("1", '"all";r=4;t=3600')


async def test_a_step_refused_after_one_that_failed_does_not_hide_its_row(bench: Bench) -> None:
    ruled(bench, rule(id="mini", limit=1, model=MINI))
    await bench.handle(a_request(text='{"model":"mini"}'))
    bench.fetch.script.insert(0, an_answer("{}", status=500))

    reply = await bench.handle(universal(an_entry(), an_entry(query={"model": "mini"})))

    rows = [(row["step"], row["status_code"]) for row in bench.database.rows("logs")]
    assert reply.status == 429
    assert sorted(rows) == [(0, 200), (0, 500), (1, 429)]


async def test_of_a_plain_request_all_counters_are_asked_at_once(bench: Bench) -> None:
    ruled(bench, rule(id="a"), rule(id="m", limit=1, model=PARTITION))

    asked = [a_request(), a_request(), a_request(text='{"model":"other"}')]

    assert await statuses(bench, *asked) == [200, 429, 200]
