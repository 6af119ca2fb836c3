"""Identical requests that come together: one asks, and all get its answer."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from caching import KeptBody
from call import Call, Reply, Request
from errors import ClientLeft, Unreachable
from fakes import (
    NOW,
    PATIENCE,
    Bench,
    FakeReplyBody,
    a_call,
    a_request,
    an_answer,
    an_entry,
    universal,
)
from gateway import handle
from policies.cache import LARGEST, cache
from ports import Ending, Incoming, Outgoing, Ports

ANSWER = '{"model":"gpt-5","choices":[],"usage":{"prompt_tokens":12,"completion_tokens":7}}'
EVENT = 'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n'
TURNS = 10_000
"""Turns of the event loop after which a test that waits for what never comes fails."""


class HeldFetch:
    """A provider that answers when the test says so."""

    def __init__(self) -> None:
        self.asked: list[asyncio.Future[Incoming]] = []

    async def __call__(self, _outgoing: Outgoing) -> Incoming:
        answer: asyncio.Future[Incoming] = asyncio.get_running_loop().create_future()
        self.asked.append(answer)
        return await answer


class Crowd:
    """Callers of one gateway who ask together."""

    def __init__(self, bench: Bench) -> None:
        bench.settings(authentication=False, cache_ttl=600)
        self.bench = bench
        self.fetch = HeldFetch()
        self.ports: Ports = replace(bench.ports, fetch=self.fetch)
        self.asking: list[asyncio.Task[Reply]] = []

    async def asks(self, count: int, request: Callable[[], Request] = a_request) -> None:
        """Let so many callers ask, and come as far as they can."""
        joined = len(self.bench.flights.joined) + count
        for _ in range(count):
            asked = handle(request(), self.bench.isolate, self.ports)
            self.asking.append(asyncio.create_task(asked))
        await self.until(lambda: len(self.bench.flights.joined) == joined)

    async def until(self, seen: Callable[[], bool]) -> None:
        for _ in range(TURNS):
            if seen():
                return
            await asyncio.sleep(0)
        raise AssertionError("waited in vain")

    async def provider_says(self, *outcomes: Incoming | Exception) -> None:
        """Let the provider answer those who ask it, one after the other."""
        for outcome in outcomes:
            await self.until(lambda: any(not one.done() for one in self.fetch.asked))
            waiting = next(one for one in self.fetch.asked if not one.done())
            if isinstance(outcome, Exception):
                waiting.set_exception(outcome)
            else:
                waiting.set_result(outcome)
            before = len(self.bench.background.jobs)
            await self.until(lambda: len(self.bench.background.jobs) > before)  # noqa: B023
            await self.bench.background.run()

    async def told(self) -> list[Reply]:
        """Return what the callers got. One who is left waiting fails the test."""
        async with asyncio.timeout(PATIENCE):
            replies = await asyncio.gather(*self.asking)
        await self.bench.background.run()
        return replies

    def rows(self, *columns: str) -> list[tuple[Any, ...]]:
        rows = self.bench.database.rows("logs")
        return sorted(tuple(row[column] for column in columns) for row in rows)


@pytest.fixture
def crowd(bench: Bench) -> Crowd:
    return Crowd(bench)


def content(reply: Reply) -> bytes:
    assert isinstance(reply.body, KeptBody)
    return reply.body.content


def hits(replies: list[Reply]) -> list[Reply]:
    return [one for one in replies if one.headers.get("cf-aig-cache-status") == "HIT"]


def ended(text: str, state: str, kind: str = "application/json") -> Incoming:
    ending = Ending(state, text, len(text))  # type: ignore[arg-type]
    return Incoming(200, {"content-type": kind}, FakeReplyBody(ending, holds=False))


async def test_twenty_who_ask_the_same_make_one_request_and_get_one_answer(crowd: Crowd) -> None:
    await crowd.asks(20)
    await crowd.provider_says(an_answer(ANSWER))

    replies = await crowd.told()

    assert len(crowd.fetch.asked) == 1
    assert [reply.status for reply in replies] == [200] * 20
    assert {content(reply) for reply in hits(replies)} == {ANSWER.encode()}
    assert len(hits(replies)) == 19
    assert crowd.rows("cached", "tokens_out") == [(0, 7)] + [(1, 0)] * 19
    assert {row["flags"] for row in crowd.bench.database.rows("logs")} == {None}
    assert len(crowd.bench.cache.written_keys) == 1


async def test_the_age_of_a_shared_answer_is_counted_from_its_end(crowd: Crowd) -> None:
    await crowd.asks(2)
    crowd.bench.clock.now += 5000
    await crowd.provider_says(an_answer(ANSWER))

    (shared,) = hits(await crowd.told())

    assert shared.headers["age"] == "0"
    assert crowd.rows("cached", "duration", "latency") == [(0, 5000, 5000), (1, 5000, 5000)]


async def test_a_stream_is_shared_when_it_has_ended(crowd: Crowd) -> None:
    stream = EVENT + "data: [DONE]\n\n"
    await crowd.asks(5)
    await crowd.provider_says(ended(stream, "complete", "text/event-stream"))

    shared = hits(await crowd.told())

    assert len(crowd.fetch.asked) == 1
    assert {content(reply) for reply in shared} == {stream.encode()}


async def test_who_asks_something_else_waits_for_nobody(crowd: Crowd) -> None:
    await crowd.asks(1)
    await crowd.asks(1, lambda: a_request(text='{"model":"other"}'))
    await crowd.asks(1, lambda: a_request({"authorization": "Bearer other"}))

    assert len(crowd.fetch.asked) == 3
    await crowd.provider_says(*[an_answer(ANSWER) for _ in range(3)])
    assert hits(await crowd.told()) == []


# Made when they are needed: a body belongs to the event loop of its test.
FAILURES: dict[str, Callable[[], Incoming | Exception]] = {
    "error": lambda: an_answer("{}", status=500),
    "refusal": lambda: an_answer("{}", status=429),
    "nothing": lambda: Incoming(204, {}, None),
    "hidden error": lambda: an_answer('{"error":{"code":502,"message":"no"}}'),
    "no connection": lambda: Unreachable("h", 1),
    "left before": ClientLeft,
    "broken": lambda: ended(ANSWER, "broken"),
    "left": lambda: ended(ANSWER, "left"),
    "half a stream": lambda: ended(EVENT, "complete", "text/event-stream"),
    "too large": lambda: ended("x" * (LARGEST + 1), "complete", "text/plain"),
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_where_the_first_gets_nothing_to_share_the_next_one_asks(
    crowd: Crowd, failure: str
) -> None:
    await crowd.asks(4)

    await crowd.provider_says(FAILURES[failure](), an_answer(ANSWER))
    replies = await crowd.told()

    assert len(crowd.fetch.asked) == 2
    assert [content(reply) for reply in hits(replies)] == [ANSWER.encode()] * 2
    assert len(crowd.bench.cache.written_keys) == 1


async def test_where_all_get_errors_each_gets_its_own(crowd: Crowd) -> None:
    await crowd.asks(4)

    await crowd.provider_says(*[an_answer('{"error":{}}', status=500 + n) for n in range(4)])
    replies = await crowd.told()

    assert [reply.status for reply in replies] == [500, 501, 502, 503]
    assert crowd.bench.cache.kept == {}


async def test_a_first_one_that_is_cancelled_leaves_nobody_waiting(crowd: Crowd) -> None:
    await crowd.asks(3)
    await crowd.until(lambda: len(crowd.fetch.asked) == 1)
    crowd.asking.pop(0).cancel()
    await crowd.until(lambda: len(crowd.fetch.asked) == 2)
    crowd.fetch.asked.pop(0)

    await crowd.provider_says(an_answer(ANSWER))

    assert len(hits(await crowd.told())) == 1


async def test_an_answer_that_cannot_be_read_leaves_nobody_waiting(bench: Bench) -> None:
    def unreadable(_ending: Ending) -> Any:
        raise ValueError("a fault of ours")

    async def proceed(call: Call) -> Reply:
        call.trail.count(call.trail.begin(call, NOW))
        return Reply(200, {}, an_answer("{}").body, report=unreadable)

    policy = cache(bench.ports)
    await policy(a_call({"cf-aig-cache-ttl": "60"}), proceed)
    with pytest.raises(ValueError, match="ours"):
        await bench.background.run()

    assert bench.flights.given_up == 1


async def test_who_waits_for_too_long_asks_alone_and_the_row_says_so(crowd: Crowd) -> None:
    await crowd.asks(1)
    await crowd.asks(1, lambda: a_request({"cf-aig-request-timeout": "1"}))
    waiting = crowd.asking[1]

    async with asyncio.timeout(PATIENCE):
        late = await waiting

    # Its own request takes too long as well: nobody answers.
    assert late.status == 504
    await crowd.provider_says(an_answer(ANSWER))
    await crowd.told()
    flags = [row["flags"] for row in crowd.bench.database.rows("logs")]
    assert sorted(flags, key=bool) == [None, '["coalescing_unavailable"]']


async def test_a_step_that_fails_is_not_waited_for_by_the_next_one(crowd: Crowd) -> None:
    named = {"cf_aig_cache_key": "mine"}
    await crowd.asks(1, lambda: universal(an_entry("openai"), an_entry("groq"), **named))

    await crowd.until(lambda: len(crowd.fetch.asked) == 1)
    crowd.fetch.asked[0].set_exception(Unreachable("h", 1))
    await crowd.until(lambda: len(crowd.fetch.asked) == 2)
    await crowd.provider_says(an_answer(ANSWER))

    (reply,) = await crowd.told()
    assert (reply.status, reply.headers["cf-aig-step"]) == (200, "1")


async def test_two_gateways_do_not_wait_for_each_other(crowd: Crowd) -> None:
    crowd.bench.database.add_gateway("other", '{"authentication":false,"cache_ttl":600}')
    other = "https://sluice.test/v1/acme/other/openai/chat/completions"

    await crowd.asks(1)
    await crowd.asks(1, lambda: a_request(url=other))

    await crowd.until(lambda: len(crowd.fetch.asked) == 2)
    await crowd.provider_says(an_answer("1"), an_answer("2"))
    assert hits(await crowd.told()) == []
