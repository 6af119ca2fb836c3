"""A list of targets: the first that succeeds answers."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from call import Reply
from errors import ClientLeft, Unreachable
from fakes import NOW, PATIENCE, Bench, FakeReplyBody, an_answer, an_entry, told, universal
from ports import Ending, Incoming, Outgoing

FINE = '{"model":"m","usage":{"prompt_tokens":1,"completion_tokens":2}}'
DOWN = Unreachable("api.openai.com", 3)
OVERLOADED = 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error"}}\n\n'
STARTED = 'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n'
THREE = (an_entry("openai"), an_entry("groq"), an_entry("mistral"))


def failing(status: int, text: str = '{"error":{"message":"no"}}', **headers: str) -> Incoming:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return replace(an_answer(text, status=status), headers=named)


def a_stream(first: str, ending: Ending | None = None) -> Incoming:
    body = FakeReplyBody(ending, holds=False, first=first)
    return Incoming(200, {"content-type": "text/event-stream"}, body)


async def ask(
    bench: Bench, *answers: Incoming | Exception, entries: Sequence[object] = THREE
) -> Reply:
    bench.fetch.script = list(answers)
    return await bench.handle(universal(*entries))


async def never() -> None:
    async with asyncio.timeout(PATIENCE):
        await asyncio.Event().wait()


def hosts(bench: Bench) -> list[str]:
    return [outgoing.host.split(".")[1] for outgoing in bench.fetch.sent]


def rows(bench: Bench) -> list[tuple[int, int, int]]:
    """Step, status and success of every row, in the order of the steps."""
    kept = bench.database.rows("logs")
    return sorted((row["step"], row["status_code"], row["success"]) for row in kept)


async def test_the_first_target_answers_where_it_can(bench: Bench) -> None:
    answer = an_answer(FINE)

    reply = await ask(bench, answer)

    assert (reply.status, reply.body, hosts(bench)) == (200, answer.body, ["openai"])
    assert reply.headers["cf-aig-step"] == "0"
    assert rows(bench) == [(0, 200, 1)]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 422, 429, 500, 502, 503, 529])
async def test_any_error_of_a_provider_leads_to_the_next(bench: Bench, status: int) -> None:
    answer = an_answer(FINE)

    reply = await ask(bench, failing(status), answer)

    assert (reply.status, reply.body, hosts(bench)) == (200, answer.body, ["openai", "groq"])
    assert reply.headers["cf-aig-step"] == "1"
    assert rows(bench) == [(0, status, 0), (1, 200, 1)]


async def test_a_provider_that_is_not_reached_leads_to_the_next(bench: Bench) -> None:
    broken = Incoming(200, {}, FakeReplyBody(breaks=DOWN))

    reply = await ask(bench, DOWN, broken, an_answer(FINE))

    assert (reply.status, reply.headers["cf-aig-step"]) == (200, "2")
    assert rows(bench) == [(0, 502, 0), (1, 502, 0), (2, 200, 1)]


@pytest.mark.parametrize("status", [204, 304, 307])
async def test_what_is_no_error_is_an_answer(bench: Bench, status: int) -> None:
    reply = await ask(bench, Incoming(status, {"location": "https://elsewhere.test"}, None))

    assert (reply.status, hosts(bench)) == (status, ["openai"])


async def test_an_error_without_a_body_leads_to_the_next(bench: Bench) -> None:
    assert (await ask(bench, Incoming(500, {}, None), an_answer(FINE))).status == 200


async def test_when_all_fail_the_answer_is_the_last_one_s(bench: Bench) -> None:
    last = failing(418, '{"error":{"message":"teapot"}}', retry_after="7")

    reply = await ask(bench, failing(503), DOWN, last)

    assert (reply.status, reply.body) == (418, last.body)
    assert (reply.headers["retry-after"], reply.headers["cf-aig-step"]) == ("7", "2")
    assert rows(bench) == [(0, 503, 0), (1, 502, 0), (2, 418, 0)]


async def test_when_the_last_is_not_reached_the_error_is_the_gateway_s(bench: Bench) -> None:
    reply = await ask(bench, failing(503), failing(503), DOWN)

    assert (reply.status, told(reply)["internalCode"]) == (502, 2005)
    assert reply.headers["cf-aig-step"] == "2"


@pytest.mark.parametrize(
    ("entry", "status"),
    [
        (an_entry("opnai"), 400),
        (an_entry("compat"), 501),
        (an_entry("custom-unknown"), 400),
        (an_entry("openai", headers={}), 400),
        (an_entry("openai", headers={"cf-aig-byok-alias": "none"}), 400),
        (an_entry("azure-openai", endpoint="x"), 400),
        (an_entry("aws-bedrock", endpoint="bedrock-runtime/evil.test/model/m/invoke"), 400),
    ],
)
async def test_what_the_gateway_refuses_leads_to_the_next(
    bench: Bench, entry: object, status: int
) -> None:
    reply = await ask(bench, an_answer(FINE), entries=[entry, an_entry("groq")])

    assert (reply.status, hosts(bench)) == (200, ["groq"])
    assert rows(bench) == [(0, status, 0), (1, 200, 1)]


async def test_the_rows_are_of_one_event_and_the_answer_names_the_last(bench: Bench) -> None:
    reply = await ask(bench, failing(500), an_answer(FINE))

    first, last = sorted(bench.database.rows("logs"), key=lambda row: row["step"])
    assert {first["request_type"], last["request_type"]} == {"universal"}
    assert first["event_id"] == last["event_id"] == reply.headers["cf-aig-event-id"]
    assert first["id"] == reply.headers["cf-aig-request-id"]
    assert last["id"] == reply.headers["cf-aig-log-id"]
    assert (first["provider"], last["provider"]) == ("openai", "groq")
    assert (first["tokens_out"], last["tokens_out"]) == (None, 2)


async def test_each_target_is_tried_as_often_as_it_is_told_before_the_next(bench: Bench) -> None:
    plan = {"maxAttempts": 2, "retryDelay": 100, "backoff": "constant"}
    entries = [an_entry("openai", config=plan), an_entry("groq", config=plan)]

    reply = await ask(bench, failing(500), DOWN, failing(429), an_answer(FINE), entries=entries)

    assert hosts(bench) == ["openai", "openai", "groq", "groq"]
    assert (reply.status, reply.headers["cf-aig-step"]) == (200, "1")
    assert rows(bench) == [(0, 500, 0), (0, 502, 0), (1, 200, 1), (1, 429, 0)]
    assert bench.clock.now == NOW + 200


async def test_what_will_not_pass_is_not_tried_again_but_the_next_is(bench: Bench) -> None:
    entries = [an_entry("openai", config={"maxAttempts": 5}), an_entry("groq")]

    await ask(bench, failing(400), an_answer(FINE), entries=entries)

    assert hosts(bench) == ["openai", "groq"]


async def test_a_wait_beyond_the_caller_s_patience_leads_to_the_next(bench: Bench) -> None:
    entries = [an_entry("openai", config={"maxAttempts": 5}), an_entry("groq")]

    reply = await ask(bench, failing(429, retry_after="3600"), an_answer(FINE), entries=entries)

    assert (reply.status, hosts(bench)) == (200, ["openai", "groq"])
    assert bench.clock.now == NOW


async def test_each_target_has_a_time_of_its_own(bench: Bench) -> None:
    async def fetch(outgoing: Outgoing) -> Incoming:
        bench.fetch.sent.append(outgoing)
        if "openai" in outgoing.host:
            await never()
        return an_answer(FINE)

    bench.ports = replace(bench.ports, fetch=fetch)
    entries = [an_entry("openai", config={"requestTimeout": 1}), an_entry("groq")]

    reply = await bench.handle(universal(*entries))

    assert (reply.status, hosts(bench)) == (200, ["openai", "groq"])
    assert rows(bench) == [(0, 504, 0), (1, 200, 1)]


async def test_a_time_that_is_over_everywhere_is_an_error_that_names_the_last(
    bench: Bench,
) -> None:
    async def fetch(outgoing: Outgoing) -> Incoming:
        await never()
        raise AssertionError(outgoing)

    bench.ports = replace(bench.ports, fetch=fetch)

    reply = await bench.handle(universal(*THREE[:2], **{"cf-aig-request-timeout": "1"}))

    assert (reply.status, reply.headers["cf-aig-step"]) == (504, "1")
    assert "api.groq.com within 1 ms" in told(reply)["message"]


async def test_a_stream_that_begins_with_an_error_leads_to_the_next(bench: Bench) -> None:
    hidden, answer = a_stream(OVERLOADED), a_stream(STARTED, Ending("complete", STARTED))
    entries = [an_entry("anthropic", endpoint="v1/messages"), an_entry("groq")]

    reply = await ask(bench, hidden, answer, entries=entries)

    assert (reply.status, reply.body, reply.headers["cf-aig-step"]) == (200, answer.body, "1")
    assert isinstance(hidden.body, FakeReplyBody)
    assert hidden.body.discarded
    first, _ = sorted(bench.database.rows("logs"), key=lambda row: row["step"])
    assert (first["provider_error"], first["success"]) == ("overloaded_error", 0)


async def test_a_stream_that_has_begun_is_the_answer_whatever_comes_of_it(bench: Bench) -> None:
    answer = a_stream(STARTED, Ending("broken", STARTED))

    reply = await ask(bench, answer)

    assert (reply.body, hosts(bench)) == (answer.body, ["openai"])
    assert isinstance(answer.body, FakeReplyBody)
    assert not answer.body.discarded
    assert rows(bench) == [(0, 200, 0)]


async def test_a_stream_that_breaks_before_its_first_event_leads_to_the_next(
    bench: Bench,
) -> None:
    broken = FakeReplyBody(breaks=DOWN, holds=False)
    kind = {"content-type": "text/event-stream"}

    reply = await ask(bench, Incoming(200, kind, broken), an_answer(FINE))

    assert (reply.status, rows(bench)) == (200, [(0, 502, 0), (1, 200, 1)])


async def test_the_last_stream_is_the_answer_even_where_it_begins_with_an_error(
    bench: Bench,
) -> None:
    answer = a_stream(OVERLOADED, Ending("complete", OVERLOADED))
    entries = [an_entry("groq"), an_entry("anthropic", endpoint="v1/messages")]

    reply = await ask(bench, failing(500), answer, entries=entries)

    assert (reply.status, reply.body, reply.headers["cf-aig-step"]) == (200, answer.body, "1")
    assert isinstance(answer.body, FakeReplyBody)
    assert not answer.body.discarded
    assert rows(bench) == [(0, 500, 0), (1, 200, 0)]


async def test_the_answers_that_nobody_gets_are_given_up_and_the_last_is_not(
    bench: Bench,
) -> None:
    answers = [failing(500), failing(500), failing(500)]

    reply = await ask(bench, *answers)

    bodies = [answer.body for answer in answers]
    assert all(isinstance(body, FakeReplyBody) for body in bodies)
    assert [body.discarded for body in bodies if isinstance(body, FakeReplyBody)] == [1, 1, 0]
    assert reply.body is bodies[-1]


@pytest.mark.parametrize("before", [0, 1])
async def test_for_a_caller_who_has_left_nothing_more_is_tried(bench: Bench, before: int) -> None:
    reply = await ask(bench, *[failing(500)] * before, ClientLeft())

    assert (reply.status, len(bench.fetch.sent)) == (499, before + 1)
    assert rows(bench)[-1] == (before, 499, 0)


async def test_a_fault_of_ours_is_no_reason_to_try_another(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    reply = await ask(bench, ZeroDivisionError())

    assert (reply.status, hosts(bench), rows(bench)) == (500, ["openai"], [(0, 500, 0)])
    assert "ZeroDivisionError" in caplog.text


async def test_a_target_whose_keys_are_used_up_gets_its_other_key_first(bench: Bench) -> None:
    await bench.store("openai", "sk-1")
    await bench.store("openai", "sk-2")
    entries = [an_entry("openai", headers={}, config={"maxAttempts": 2}), an_entry("groq")]

    reply = await ask(bench, failing(429), failing(429), an_answer(FINE), entries=entries)

    assert (reply.status, hosts(bench)) == (200, ["openai", "openai", "groq"])
    used = {outgoing.headers["authorization"] for outgoing in bench.fetch.sent[:2]}
    assert used == {"Bearer sk-1", "Bearer sk-2"}
