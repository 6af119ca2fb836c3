"""All policies but the one that records, which has a file of its own."""

import asyncio
from collections.abc import Mapping

import pytest

from call import Attempt, Call, Policy, Reply
from errors import BadHeader, ClientLeft, Unauthorized, Unreachable, UpstreamTimeout
from fakes import NOW, FakeReplyBody, a_call
from policies.authenticate import authenticate
from policies.hold import hold
from policies.timeout import timeout
from policies.validate import validate

REPLY = Reply(200, {})


async def answer(_call: Call) -> Reply:
    return REPLY


async def hang(call: Call) -> Reply:
    call.attempts.append(Attempt("first", NOW, "api.openai.com"))
    await asyncio.Event().wait()
    return REPLY


async def run(policy: Policy | None, headers: Mapping[str, str] | None = None) -> Reply:
    assert policy
    return await policy(a_call(headers), answer)


@pytest.mark.parametrize("token", [None, "secret"])
def test_an_open_gateway_has_no_authentication(token: str | None) -> None:
    assert authenticate(False, token) is None


async def test_the_right_token_comes_in() -> None:
    policy = authenticate(True, "secret")

    assert await run(policy, {"cf-aig-authorization": "Bearer secret"}) is REPLY


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"cf-aig-authorization": ""},
        {"cf-aig-authorization": "secret"},
        {"cf-aig-authorization": "Bearer other"},
        {"authorization": "Bearer secret"},
    ],
)
async def test_without_the_right_token_nobody_comes_in(headers: dict[str, str]) -> None:
    with pytest.raises(Unauthorized):
        await run(authenticate(True, "secret"), headers)


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer None", "Bearer secret"])
async def test_a_gateway_without_a_token_is_closed_to_all(header: str) -> None:
    with pytest.raises(Unauthorized):
        await run(authenticate(True, None), {"cf-aig-authorization": header})


def test_without_a_problem_there_is_nothing_to_validate() -> None:
    assert validate(None) is None


async def test_a_problem_refuses_the_call() -> None:
    problem = BadHeader("cf-aig-event-id", "", "Use letters")

    with pytest.raises(BadHeader) as refused:
        await run(validate(problem))

    assert refused.value is problem


def test_without_a_limit_nothing_waits_for_one() -> None:
    assert timeout(None) is None


async def test_an_answer_within_its_time_passes() -> None:
    assert await run(timeout(60_000)) is REPLY


async def test_an_attempt_without_a_first_byte_in_its_time_fails() -> None:
    policy = timeout(1)
    assert policy

    with pytest.raises(UpstreamTimeout, match=r"no first byte from api\.openai\.com within 1 ms"):
        await policy(a_call(), hang)


async def test_a_failure_within_its_time_passes() -> None:
    async def leave(_call: Call) -> Reply:
        raise ClientLeft

    policy = timeout(60_000)
    assert policy

    with pytest.raises(ClientLeft):
        await policy(a_call(), leave)


async def test_a_body_is_held_before_it_leaves() -> None:
    body = FakeReplyBody()

    async def answer(_call: Call) -> Reply:
        return Reply(200, {}, body)

    reply = await hold(a_call(), answer)

    assert reply.body is body
    assert (body.held, body.watched) == (True, False)


@pytest.mark.parametrize("body", [None, "", "hello"])
async def test_a_text_needs_no_holding(body: str | None) -> None:
    reply = Reply(200, {}, body)

    async def answer(_call: Call) -> Reply:
        return reply

    assert await hold(a_call(), answer) is reply


async def test_a_body_that_breaks_while_it_is_held_is_no_reply() -> None:
    async def answer(_call: Call) -> Reply:
        return Reply(200, {}, FakeReplyBody(breaks=Unreachable("api.openai.com", 12)))

    with pytest.raises(Unreachable):
        await hold(a_call(), answer)
