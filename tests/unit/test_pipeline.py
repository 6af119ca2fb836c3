import asyncio
from dataclasses import replace

import pytest

from call import Call, Handler, Policy, Reply
from errors import BadHeader, Unauthorized
from fakes import Bench, FakeReplyBody, a_call, a_request, an_answer
from pipeline import compose, pipeline
from ports import Ending, Incoming


def noting(name: str, notes: list[str]) -> Policy:
    async def policy(call: Call, proceed: Handler) -> Reply:
        notes.append(f"{name} in")
        reply = await proceed(call)
        notes.append(f"{name} out")
        return reply

    return policy


async def test_the_first_policy_is_outermost_and_none_is_skipped() -> None:
    notes: list[str] = []

    async def handler(_call: Call) -> Reply:
        notes.append("handler")
        return Reply(200, {})

    composed = compose([None, noting("a", notes), None, noting("b", notes)], handler)
    reply = await composed(a_call())

    assert reply.status == 200
    assert notes == ["a in", "b in", "handler", "b out", "a out"]


@pytest.mark.parametrize("policies", [[], [None], [None, None]])
def test_without_policies_there_is_only_the_handler(policies: list[None]) -> None:
    async def handler(_call: Call) -> Reply:
        return Reply(200, {})

    assert compose(policies, handler) is handler


async def test_a_policy_may_change_the_call_and_proceed_again() -> None:
    seen: list[str] = []

    async def twice(call: Call, proceed: Handler) -> Reply:
        await proceed(call)
        return await proceed(replace(call, id="second"))

    async def handler(call: Call) -> Reply:
        seen.append(call.id)
        return Reply(200, {})

    await compose([twice], handler)(a_call())

    assert seen == [a_call().id, "second"]


def a_refused_call() -> Call:
    call = a_call({"cf-aig-event-id": ""})
    return replace(call, problem=call.options.problem)


async def test_a_stranger_learns_nothing_of_his_headers(bench: Bench) -> None:
    call = a_refused_call()
    call = replace(call, gateway=replace(call.gateway, authentication=True))

    with pytest.raises(Unauthorized):
        await pipeline(call, bench.isolate, bench.ports)(call)
    await bench.background.run()

    assert [row["error_code"] for row in bench.database.rows("logs")] == [2009]


async def test_a_caller_with_a_bad_header_reaches_no_provider(bench: Bench) -> None:
    call = a_refused_call()

    with pytest.raises(BadHeader):
        await pipeline(call, bench.isolate, bench.ports)(call)
    await bench.background.run()

    assert bench.fetch.sent == []
    assert [row["error_code"] for row in bench.database.rows("logs")] == [7001]


async def test_a_good_call_reaches_the_provider(bench: Bench) -> None:
    bench.fetch.script.append(an_answer("{}"))
    call = a_call({"cf-aig-request-timeout": "60000"})

    reply = await pipeline(call, bench.isolate, bench.ports)(call)
    await bench.background.run()

    assert reply.status == 200
    assert [row["id"] for row in bench.database.rows("logs")] == [call.id]


class SlowBody(FakeReplyBody):
    """The body of an answer that takes its time after its first byte."""

    async def hold(self, error: bool) -> None:
        await asyncio.sleep(0.1)
        await super().hold(error)


async def test_a_timeout_ends_with_the_first_byte_even_where_the_rest_is_waited_for(
    bench: Bench,
) -> None:
    body = SlowBody(Ending("complete", "{}", 2))
    bench.fetch.script.append(Incoming(200, {}, body))

    reply = await bench.handle(a_request({"cf-aig-request-timeout": "20"}))

    assert (reply.status, body.held) == (200, True)
