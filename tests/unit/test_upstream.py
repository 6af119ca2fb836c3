import uuid
from contextlib import closing
from dataclasses import replace

import pytest

from call import Ask, Attempt, Call, Reply, Report, Request, Target, Usage
from credentials import Credentials
from deployment import Deployment
from errors import ClientLeft, GatewayError, UnknownProvider, Unreachable
from fakes import (
    ID,
    NOW,
    Bench,
    FakeAi,
    FakeBody,
    FakeClock,
    FakeFetch,
    FakeReplyBody,
    SqliteDatabase,
    a_call,
    an_answer,
)
from ports import Ending, Fetch, Incoming, Outgoing
from upstream import upstream

USAGE = '{"model":"gpt-5","usage":{"prompt_tokens":9}}'


async def send(fetch: Fetch, call: Call, clock: FakeClock | None = None, **upstreams: str) -> Reply:
    with closing(SqliteDatabase()) as database:
        bench = Bench(database)
        ports = replace(bench.ports, fetch=fetch, clock=clock or bench.clock)
        isolate = bench.isolate
        credentials = Credentials(isolate.keyring, isolate.vault, isolate.minted, ports)
        return await upstream(ports, Deployment(None, upstreams), credentials)(call)


async def test_a_call_goes_to_its_provider_with_the_callers_own_body() -> None:
    fetch = FakeFetch(an_answer("{}"))
    call = a_call({"authorization": "Bearer sk", "cookie": "a=b", "cf-aig-event-id": "x"})
    call = replace(call, target=Target("openai", "v1/models", "limit=2"))

    await send(fetch, call)

    headers = {
        "content-type": "application/json",
        "authorization": "Bearer sk",
        "accept-encoding": "identity",
    }
    url = "https://api.openai.com/v1/models?limit=2"
    outgoing = Outgoing("POST", url, "api.openai.com", headers, call.request.body, bounded=False)
    assert fetch.sent == [outgoing]


async def test_a_stream_is_asked_for_uncompressed() -> None:
    fetch = FakeFetch(an_answer("{}"), an_answer("{}"))

    await send(fetch, a_call({"accept-encoding": "gzip"}))
    await send(fetch, a_call({"accept-encoding": "gzip"}, ask=Ask(stream=True)))

    asked = [outgoing.headers["accept-encoding"] for outgoing in fetch.sent]
    assert asked == ["gzip", "identity"]


async def test_a_deployment_may_replace_the_address_of_a_provider() -> None:
    fetch = FakeFetch(an_answer("{}"))
    call = a_call()

    await send(fetch, call, openai="http://127.0.0.1:9100/v1", other="http://127.0.0.1:1")

    assert fetch.sent[0].url == "http://127.0.0.1:9100/v1/chat/completions"
    assert call.trail.attempts[0].host == "127.0.0.1:9100"


@pytest.mark.parametrize("status", [200, 302, 429, 500])
async def test_whatever_the_provider_answers_is_the_reply(status: int) -> None:
    answer = an_answer("{}", status=status)
    answer = replace(answer, headers={"retry-after": "7", "set-cookie": "a=b", "cf-ray": "1"})

    reply = await send(FakeFetch(answer), a_call())

    assert (reply.status, reply.headers) == (status, {"retry-after": "7"})
    assert reply.body is answer.body


async def test_an_answer_without_a_body_has_none() -> None:
    reply = await send(FakeFetch(Incoming(204, {}, None)), a_call())

    assert (reply.status, reply.body) == (204, None)


async def test_an_attempt_tells_its_times_and_its_host() -> None:
    clock, call = FakeClock(NOW + 1), a_call()

    async def fetch(outgoing: Outgoing) -> Incoming:
        clock.now += 40
        return an_answer("{}")

    await send(fetch, call, clock)

    assert call.trail.attempts == [
        Attempt(ID, call, NOW + 1, 1, "api.openai.com", "openai", first_byte=NOW + 41)
    ]


async def test_the_first_attempt_has_the_id_of_the_call_and_each_other_its_own() -> None:
    fetch, call = FakeFetch(an_answer("{}"), an_answer("{}")), a_call()

    await send(fetch, call)
    await send(fetch, call)

    first, second = (attempt.id for attempt in call.trail.attempts)
    assert first == ID
    assert second != ID
    assert uuid.UUID(second).version == 7


@pytest.mark.parametrize("error", [ClientLeft(), Unreachable("api.openai.com", 12)])
async def test_an_attempt_without_an_answer_fails_and_is_kept(error: GatewayError) -> None:
    call = a_call()

    with pytest.raises(type(error)):
        await send(FakeFetch(error), call)

    assert call.trail.attempts == [Attempt(ID, call, NOW, 1, "api.openai.com", "openai")]


@pytest.mark.parametrize(("charged", "prices"), [(True, "cloudflare"), (False, None)])
async def test_a_run_tells_where_it_is_and_whose_prices_hold(
    bench: Bench, charged: bool, prices: str | None
) -> None:
    ports, isolate = replace(bench.ports, ai=FakeAi(an_answer("{}"), charged)), bench.isolate
    asked = Request("POST", "", {}, FakeBody("{}"))
    call = replace(a_call(request=asked), target=Target("workers-ai", "@cf/a/b", ""))

    await upstream(
        ports, Deployment(), Credentials(isolate.keyring, isolate.vault, isolate.minted, ports)
    )(call)

    [attempt] = call.trail.attempts
    assert (attempt.host, attempt.prices) == ("models.test", prices)


async def test_an_unknown_provider_is_an_attempt_that_reached_nobody() -> None:
    fetch, call = FakeFetch(), replace(a_call(), target=Target("opnai", "x", ""))

    with pytest.raises(UnknownProvider, match=r"'opnai'.*openai"):
        await send(fetch, call)

    assert (fetch.sent, [attempt.host for attempt in call.trail.attempts]) == ([], [""])


@pytest.mark.parametrize(
    ("kind", "text", "report"),
    [
        ("application/json", USAGE, Report("gpt-5", Usage(9))),
        ("application/json", "", Report()),
        ("application/json", None, Report()),
        ("text/event-stream", f"data: {USAGE}\n\ndata: [DONE]\n\n", Report("gpt-5", Usage(9))),
        ("text/event-stream; charset=utf-8", f"data: {USAGE}", Report("gpt-5", Usage(9), False)),
        ("text/event-stream", None, Report()),
        ("", USAGE, Report("gpt-5", Usage(9))),
    ],
)
async def test_an_ended_answer_is_read_in_the_dialect_of_its_provider(
    kind: str, text: str | None, report: Report
) -> None:
    headers = {"content-type": kind} if kind else {}

    reply = await send(FakeFetch(Incoming(200, headers, FakeReplyBody())), a_call())

    assert reply.report
    assert reply.report(Ending("complete", text)) == report


@pytest.mark.parametrize(
    ("status", "kind", "cost"),
    [(200, "image/png", 0.011), (200, "text/event-stream", None), (429, "image/png", None)],
)
async def test_a_cost_that_headers_tell_is_that_of_a_whole_answer(
    status: int, kind: str, cost: float | None
) -> None:
    headers = {"content-type": kind, "cf-ai-neurons": "1000"}
    call = replace(a_call(), target=Target("workers-ai", "@cf/a/image", ""))

    reply = await send(FakeFetch(Incoming(status, headers, FakeReplyBody())), call)

    assert reply.report
    assert reply.report(Ending("complete", None)).cost == cost


async def test_an_answer_without_body_reports_nothing_not_even_an_incomplete_stream() -> None:
    headers = {"content-type": "text/event-stream"}

    reply = await send(FakeFetch(Incoming(200, headers, None)), a_call())

    assert reply.report is None


async def test_an_attempt_names_the_stored_key_that_it_used() -> None:
    fetch, call = FakeFetch(an_answer("{}")), a_call({"authorization": ""})
    with closing(SqliteDatabase()) as database:
        bench = Bench(database)
        key_id = await bench.store("openai", "sk-stored")
        gateway = await bench.isolate.gateways.find("acme", "main", bench.snapshots, database)
        assert gateway
        isolate, ports = bench.isolate, replace(bench.ports, fetch=fetch)
        credentials = Credentials(isolate.keyring, isolate.vault, isolate.minted, ports)

        await upstream(ports, Deployment(), credentials)(replace(call, gateway=gateway))

    assert [attempt.key_id for attempt in call.trail.attempts] == [key_id]
    assert fetch.sent[0].headers["authorization"] == "Bearer sk-stored"


@pytest.mark.parametrize(
    ("status", "own", "spare"),
    [
        (401, False, True),
        (429, False, True),
        (403, False, False),
        (500, False, False),
        (200, False, False),
        (401, True, False),
        (429, True, False),
    ],
)
async def test_a_stored_key_that_is_refused_has_a_spare_one(
    status: int, own: bool, spare: bool
) -> None:
    call = a_call({"authorization": "Bearer sk-mine" if own else ""})
    with closing(SqliteDatabase()) as database:
        bench = Bench(database)
        for number in range(2):
            await bench.store("openai", f"sk-{number}")
        gateway = await bench.isolate.gateways.find("acme", "main", bench.snapshots, database)
        assert gateway
        isolate = bench.isolate
        ports = replace(bench.ports, fetch=FakeFetch(an_answer("{}", status=status)))
        credentials = Credentials(isolate.keyring, isolate.vault, isolate.minted, ports)

        reply = await upstream(ports, Deployment(), credentials)(replace(call, gateway=gateway))

    assert reply.spare is spare
