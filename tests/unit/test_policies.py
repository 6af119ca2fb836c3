"""All policies but the one that records, which has a file of its own."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest

from call import Attempt, Call, Policy, Reply
from errors import BadHeader, ClientLeft, Unauthorized, Unreachable, UpstreamTimeout
from fakes import NOW, FakeClock, FakeReplyBody, a_call
from keys.tokens import digest
from policies.authenticate import authenticate
from policies.hold import hold
from policies.timeout import timeout
from policies.validate import validate
from snapshot import Token

REPLY = Reply(200, {})


async def answer(_call: Call) -> Reply:
    return REPLY


async def hang(call: Call) -> Reply:
    call.trail.attempts.append(Attempt("first", call, NOW, host="api.openai.com"))
    await asyncio.Event().wait()
    return REPLY


async def run(policy: Policy, call: Call | None = None) -> Reply:
    return await policy(call or a_call(), answer)


def closed(headers: Mapping[str, str], **tokens: Token) -> Call:
    call = a_call(headers)
    by_digest = {digest(name): token for name, token in tokens.items()}
    return replace(call, gateway=replace(call.gateway, tokens=by_digest))


def admin(token: str | None = "secret") -> Policy:
    return authenticate(token, FakeClock())


@pytest.mark.parametrize(
    "header", ["Bearer secret", "bearer secret", "secret", "  Bearer   secret "]
)
async def test_the_admin_token_opens_every_gateway(header: str) -> None:
    assert await run(admin(), closed({"cf-aig-authorization": header})) is REPLY


@pytest.mark.parametrize(
    "headers",
    [
        {"cf-aig-authorization": "Bearer slu_mine"},
        {"cf-aig-authorization": "slu_mine"},
        {"authorization": "Bearer slu_mine"},
        {"authorization": "Token slu_mine"},
        {"x-api-key": "slu_mine"},
        {"x-goog-api-key": "slu_mine"},
        {"api-key": "slu_mine"},
        {"xi-api-key": "slu_mine"},
        {"sec-websocket-protocol": "realtime, cf-aig-authorization.slu_mine"},
    ],
)
async def test_a_token_is_found_wherever_clients_can_put_it(headers: dict[str, str]) -> None:
    call = closed(headers, slu_mine=Token("", "token-1"))

    assert await run(admin(), call) is REPLY
    assert call.trail.token_id == "token-1"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"cf-aig-authorization": ""},
        {"cf-aig-authorization": "Bearer other"},
        {"cf-aig-authorization": "Bearer slu_other"},
        {"cf-aig-authorization": digest("slu_mine")},
        {"authorization": "Bearer secret"},
        {"authorization": "Bearer slu_other"},
        {"cf-aig-authorization": "Bearer slu_other", "authorization": "Bearer slu_mine"},
        {"sec-websocket-protocol": "slu_mine"},
    ],
)
async def test_without_the_right_token_nobody_comes_in(headers: dict[str, str]) -> None:
    with pytest.raises(Unauthorized):
        await run(admin(), closed(headers, slu_mine=Token("", "token-1")))


@pytest.mark.parametrize(("expires_at", "good"), [(NOW + 1, True), (NOW, False), (0, False)])
async def test_a_token_is_good_until_it_expires(expires_at: float, good: bool) -> None:
    call = closed({"cf-aig-authorization": "slu_mine"}, slu_mine=Token("", "t", round(expires_at)))

    if good:
        assert await run(admin(), call) is REPLY
    else:
        with pytest.raises(Unauthorized):
            await run(admin(), call)


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer None", "Bearer secret"])
async def test_a_gateway_without_any_token_is_closed_to_all(header: str) -> None:
    with pytest.raises(Unauthorized):
        await run(admin(None), closed({"cf-aig-authorization": header}))


async def test_a_call_without_a_problem_proceeds() -> None:
    assert await run(validate) is REPLY


async def test_a_problem_refuses_the_call() -> None:
    problem = BadHeader("cf-aig-event-id", "", "Use letters")

    with pytest.raises(BadHeader) as refused:
        await run(validate, replace(a_call(), problem=problem))

    assert refused.value is problem


@pytest.mark.parametrize("headers", [{}, {"cf-aig-request-timeout": "60000"}])
async def test_an_answer_within_its_time_passes(headers: dict[str, str]) -> None:
    assert await run(timeout, a_call(headers)) is REPLY


async def test_an_attempt_without_a_first_byte_in_its_time_fails() -> None:
    with pytest.raises(UpstreamTimeout, match=r"no first byte from api\.openai\.com within 1 ms"):
        await timeout(a_call({"cf-aig-request-timeout": "1"}), hang)


async def test_a_failure_within_its_time_passes() -> None:
    async def leave(_call: Call) -> Reply:
        raise ClientLeft

    with pytest.raises(ClientLeft):
        await timeout(a_call({"cf-aig-request-timeout": "60000"}), leave)


async def test_a_body_is_held_before_it_leaves() -> None:
    body = FakeReplyBody()

    async def answer(_call: Call) -> Reply:
        return Reply(200, {}, body)

    reply = await hold(wary=False)(a_call(), answer)

    assert reply.body is body
    assert (body.held, body.watched) == (True, False)


@pytest.mark.parametrize("body", [None, "", "hello"])
async def test_a_text_needs_no_holding(body: str | None) -> None:
    reply = Reply(200, {}, body)

    async def answer(_call: Call) -> Reply:
        return reply

    assert await hold(wary=False)(a_call(), answer) is reply


async def test_a_body_that_breaks_while_it_is_held_is_no_reply() -> None:
    async def answer(_call: Call) -> Reply:
        return Reply(200, {}, FakeReplyBody(breaks=Unreachable("api.openai.com", 12)))

    with pytest.raises(Unreachable):
        await hold(wary=False)(a_call(), answer)
