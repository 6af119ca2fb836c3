"""When the cache is read: after whoever may refuse, beside the limit, before whoever costs."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from breaker import FAILURES
from caching import KeptBody
from call import Reply
from errors import Unreachable
from fakes import Bench, a_request, an_answer, an_entry, universal
from gateway import handle
from limits.counter import Rule
from ports import Taken
from session import session
from snapshot import Gateway

ANSWER = '{"model":"gpt-5","choices":[]}'
ON = {"authentication": False, "cache_ttl": 600}
LIMIT = {"rate_limiting_limit": 2, "rate_limiting_interval": 3600}


@pytest.fixture
def limited(bench: Bench) -> Bench:
    """A gateway that keeps answers, and lets two requests through in an hour."""
    bench.settings(**ON, **LIMIT)
    return bench


def content(reply: Reply) -> bytes:
    assert isinstance(reply.body, KeptBody)
    return reply.body.content


async def test_whoever_has_no_token_learns_nothing(bench: Bench) -> None:
    bench.settings(cache_ttl=600)

    reply = await bench.handle(a_request({"cf-aig-cache-key": "mine"}))

    assert reply.status == 401
    assert (bench.cache.read_keys, bench.flights.joined) == ([], [])


async def test_a_request_that_breaks_a_rule_reads_nothing(limited: Bench) -> None:
    reply = await limited.handle(a_request({"cf-aig-max-attempts": "99"}))

    assert reply.status == 400
    assert (limited.cache.read_keys, limited.flights.joined) == ([], [])


async def test_what_is_kept_is_being_read_while_the_limit_is_asked(limited: Bench) -> None:
    read_before: list[int] = []

    class Watched:
        async def take(self, name: str, rule: Rule, units: int = 1, ahead: int = 0) -> Taken:
            read_before.append(len(limited.cache.read_keys))
            return await limited.counters.take(name, rule, units, ahead)

        async def settle(self, name: str, rule: Rule, reserved: int, used: int, at_ms: int) -> None:
            await limited.counters.settle(name, rule, reserved, used, at_ms)

    limited.fetch.script.append(an_answer(ANSWER))
    ports = replace(limited.ports, counters=Watched())
    await handle(a_request(), limited.isolate, ports)
    await limited.background.run()

    assert read_before == [1]
    assert len(limited.cache.read_keys) == 1


async def test_hits_count_and_tell_what_is_left(limited: Bench) -> None:
    limited.fetch.script.append(an_answer(ANSWER))

    first, hit, refused = [await limited.handle(a_request()) for _ in range(3)]

    assert (first.status, hit.status, refused.status) == (200, 200, 429)
    assert hit.headers["cf-aig-cache-status"] == "HIT"
    assert hit.headers["ratelimit"].startswith('"default";r=0')
    assert len(limited.cache.read_keys) == 3
    assert len(limited.flights.joined) == 1
    assert [row["cached"] for row in limited.database.rows("logs")] == [0, 1, 0]


async def test_without_a_limit_nothing_is_read_ahead(bench: Bench) -> None:
    bench.settings(**ON)
    bench.fetch.script.append(an_answer(ANSWER))
    await bench.handle(a_request())
    await bench.handle(a_request())

    assert len(bench.cache.read_keys) == 2


@pytest.mark.parametrize("config", [{}, {"skipCache": True}])
async def test_what_was_read_for_a_step_is_not_the_answer_of_another(
    limited: Bench, config: dict[str, object]
) -> None:
    limited.settings(**ON, rate_limiting_limit=99, rate_limiting_interval=3600)
    # The first step is kept, and then its target fails for other requests.
    ask = universal(an_entry("openai"), an_entry("groq", config=config))
    limited.fetch.script.append(an_answer('{"from":"openai"}'))
    await limited.handle(ask)
    for number in range(FAILURES):
        query = {"model": "m", "n": number}
        limited.fetch.script += [Unreachable("h", 1), an_answer(ANSWER)]
        await limited.handle(
            universal(an_entry("openai", query=query), an_entry("groq", query=query))
        )
    limited.fetch.script.append(an_answer('{"from":"groq"}'))

    passed_over = await limited.handle(ask)
    limited.clock.now += 60_000
    again = await limited.handle(ask)

    assert passed_over.headers["cf-aig-step"] == "1"
    assert passed_over.headers["cf-aig-cache-status"] == "MISS"
    assert content(again) == b'{"from":"openai"}'


async def test_a_step_that_skips_the_cache_is_not_read_ahead_for_the_sake_of_others(
    limited: Bench,
) -> None:
    limited.fetch.script += [an_answer('{"n":1}'), an_answer('{"n":2}')]
    await limited.handle(universal(an_entry("openai"), an_entry("groq")))

    skips = an_entry("openai", config={"skipCache": True})
    reply = await limited.handle(universal(skips, an_entry("groq")))

    assert reply.headers["cf-aig-cache-status"] == "MISS"
    assert len(limited.fetch.sent) == 2


async def test_a_step_without_a_cache_does_not_get_what_another_one_has(limited: Bench) -> None:
    ask = universal(an_entry("openai"), an_entry("groq", config={"skipCache": True}))
    limited.fetch.script += [Unreachable("h", 1), an_answer(ANSWER)] * 2

    first, second = await limited.handle(ask), await limited.handle(ask)

    assert [one.headers["cf-aig-cache-status"] for one in (first, second)] == ["MISS"] * 2
    assert limited.cache.kept == {}


async def test_a_hit_tells_the_breaker_nothing(bench: Bench) -> None:
    bench.settings(**ON)
    kept = universal(an_entry("openai"), an_entry("groq"))
    bench.fetch.script.append(an_answer(ANSWER))
    await bench.handle(kept)

    async def fails(number: int) -> None:
        query = {"model": "m", "n": number}
        bench.fetch.script += [Unreachable("h", 1), an_answer(ANSWER)]
        await bench.handle(
            universal(an_entry("openai", query=query), an_entry("groq", query=query))
        )

    for number in range(FAILURES - 1):
        await fails(number)
    assert (await bench.handle(kept)).headers["cf-aig-cache-status"] == "HIT"
    await fails(FAILURES)

    # Had the hit been a success, the count would have begun anew.
    bench.fetch.script.append(an_answer(ANSWER))
    fresh = universal(an_entry("openai", query={"model": "m", "x": 1}), an_entry("groq"))
    assert (await bench.handle(fresh)).headers["cf-aig-step"] == "1"


async def test_a_step_that_is_kept_is_found_after_one_that_failed(bench: Bench) -> None:
    bench.settings(**ON)
    ask = universal(an_entry("openai"), an_entry("groq"))
    failed = [Unreachable("h", 1), Unreachable("h", 1)]
    bench.fetch.script += [failed[0], an_answer(ANSWER), failed[1]]
    first = await bench.handle(ask)

    second = await bench.handle(ask)

    assert [one.headers["cf-aig-step"] for one in (first, second)] == ["1", "1"]
    assert second.headers["cf-aig-cache-status"] == "HIT"
    rows = bench.database.rows("logs")
    assert [(row["step"], row["status_code"], row["cached"]) for row in rows[2:]] == [
        (0, 502, 0),
        (1, 200, 1),
    ]


async def test_each_retry_that_succeeds_is_kept_once(bench: Bench) -> None:
    bench.settings(**ON)
    ask = a_request({"cf-aig-max-attempts": "2", "cf-aig-retry-delay": "0"})
    bench.fetch.script += [an_answer('{"error":{}}', status=500), an_answer(ANSWER)]
    await bench.handle(ask)

    reply = await bench.handle(ask)

    assert reply.headers["cf-aig-cache-status"] == "HIT"
    assert len(bench.cache.written_keys) == 1
    assert [row["cached"] for row in bench.database.rows("logs")] == [0, 0, 1]


async def sent(bench: Bench, *messages: str) -> Sequence[dict[str, Any]]:
    """Send messages over one connection, and return the metadata of what comes back."""
    told: list[dict[str, Any]] = []
    gateway = await bench.isolate.gateways.find("acme", "main", bench.snapshots, bench.database)
    assert isinstance(gateway, Gateway)
    headers = {"upgrade": "websocket", "cf-aig-cache-ttl": "60"}
    request = a_request(headers, method="GET", url="https://sluice.test/v1/acme/main")
    await session(request, gateway, bench.isolate, bench.ports)
    for message in messages:
        await bench.sockets.opened[0](
            message, lambda frame: told.append(json.loads(frame)), bench.ports
        )
        await bench.background.run()
    return [frame["metadata"] | {"type": frame["type"]} for frame in told]


async def test_messages_of_a_websocket_are_kept_and_say_so(bench: Bench) -> None:
    message = json.dumps({"type": "universal.create", "request": an_entry("openai")})
    bench.fetch.script.append(an_answer(ANSWER))

    frames = await sent(bench, message, message)

    assert [frame["cacheStatus"] for frame in frames] == ["MISS", "HIT"]
    assert len(bench.fetch.sent) == 1


async def test_a_websocket_to_a_provider_is_never_kept(bench: Bench) -> None:
    bench.settings(**ON)
    bench.fetch.script += [an_answer(ANSWER), an_answer(ANSWER)]
    url = "https://sluice.test/v1/acme/main/openai?model=m"
    for _ in range(2):
        await bench.handle(a_request({"upgrade": "websocket"}, None, url=url, method="GET"))

    assert (len(bench.fetch.sent), bench.cache.read_keys) == (2, [])


async def test_many_at_once_with_a_limit_read_and_share_alike(limited: Bench) -> None:
    limited.fetch.script.append(an_answer(ANSWER))
    asked = [
        asyncio.create_task(handle(a_request(), limited.isolate, limited.ports)) for _ in "123"
    ]
    while not all(task.done() for task in asked):
        await limited.background.run()
        await asyncio.sleep(0)
    await limited.background.run()

    assert sorted(task.result().status for task in asked) == [200, 200, 429]
    assert len(limited.fetch.sent) == 1
