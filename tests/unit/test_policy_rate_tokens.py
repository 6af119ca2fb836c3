"""Limits on tokens: reserved before a call, settled with what it used."""

import json
from typing import Any

import pytest

from call import Ask
from charges.reservation import OUTPUT, estimate
from dialects.bounds import bounds
from errors import Unreachable
from fakes import (
    Bench,
    FakeReplyBody,
    a_call,
    a_request,
    an_answer,
    an_entry,
    universal,
)
from gateway import handle
from ports import Ending, Incoming

ANSWER = json.dumps(
    {"model": "gpt-5", "usage": {"prompt_tokens": 40, "completion_tokens": 60}, "choices": []}
)
STREAM = (
    'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n'
    'data: {"choices":[],"usage":{"prompt_tokens":100,"completion_tokens":150}}\n\n'
    "data: [DONE]\n\n"
)
BODY = json.dumps({"model": "gpt-5", "max_tokens": 500, "messages": []})
RESERVED = 500 + -(-len(BODY) // 4)


@pytest.fixture
def limited(bench: Bench) -> Bench:
    """A gateway that lets 2,000 tokens through in an hour."""
    rule = {"id": "t", "limit": 2000, "limitType": "tokens", "window": 3600}
    bench.settings(authentication=False, rate_limiting_rules=[rule])
    return bench


async def left(bench: Bench) -> int:
    """Return what the limit has left, by what the smallest request is told."""
    bench.fetch.script.insert(0, an_answer("{}", status=500))
    reply = await bench.handle(a_request(text='{"max_tokens":0}'))
    return int(reply.headers["ratelimit"].split(";")[1].removeprefix("r=")) + 4


async def ask(bench: Bench, *script: Incoming | Exception, **headers: str) -> Any:
    bench.fetch.script += script
    return await bench.handle(a_request(headers, BODY))


async def test_what_a_call_used_takes_the_place_of_what_it_reserved(limited: Bench) -> None:
    reply = await ask(limited, an_answer(ANSWER))

    assert reply.headers["ratelimit"] == f'"t";r={2000 - RESERVED};t=3600'
    assert await left(limited) == 2000 - 100


async def test_that_of_a_stream_is_known_at_its_end(limited: Bench) -> None:
    body = FakeReplyBody(holds=False)
    limited.fetch.script.append(Incoming(200, {"content-type": "text/event-stream"}, body))
    await handle(a_request(text=BODY), limited.isolate, limited.ports)
    body.ending.set_result(Ending("complete", STREAM, len(STREAM)))
    await limited.background.run()

    assert await left(limited) == 2000 - 250


@pytest.mark.parametrize("logged", [True, False])
async def test_it_is_settled_whether_the_request_is_logged_or_not(
    limited: Bench, logged: bool
) -> None:
    await ask(limited, an_answer(ANSWER), **{"cf-aig-collect-log": str(logged).lower()})

    assert await left(limited) == 2000 - 100


async def test_an_error_uses_nothing(limited: Bench) -> None:
    await ask(limited, Unreachable("api.openai.com", 3))
    await ask(limited, an_answer("{}", status=500))

    assert await left(limited) == 2000


@pytest.mark.parametrize("text", ["{}", "data: {}\n\n", STREAM.replace("data: [DONE]\n\n", "")])
async def test_an_answer_that_does_not_tell_keeps_its_reservation(
    limited: Bench, text: str
) -> None:
    await ask(limited, an_answer(text, "text/event-stream"))

    assert await left(limited) == 2000 - RESERVED


async def test_what_exceeds_a_reservation_counts_against_what_follows(limited: Bench) -> None:
    usage = {"usage": {"prompt_tokens": 1900, "completion_tokens": 900}}
    first = await ask(limited, an_answer(json.dumps(usage)))

    second = await ask(limited)

    assert (first.status, second.status) == (200, 429)


async def test_all_attempts_of_a_call_count(limited: Bench) -> None:
    failed = json.dumps({"error": {"message": "x"}, "usage": {"total_tokens": 9}})
    used = json.dumps({"usage": {"prompt_tokens": 30, "completion_tokens": 0}})
    headers = {"cf-aig-max-attempts": "3", "cf-aig-retry-delay": "1"}

    script = (an_answer(failed, status=500), an_answer(used, status=500), an_answer(ANSWER))
    await ask(limited, *script, **headers)

    assert await left(limited) == 2000 - 130


async def test_a_call_that_may_need_more_than_the_limit_may_take_all_of_it(bench: Bench) -> None:
    rule = {"id": "t", "limit": 300, "limitType": "tokens", "window": 3600}
    bench.settings(authentication=False, rate_limiting_rules=[rule])

    assert (await ask(bench, an_answer(ANSWER))).status == 200
    assert (await ask(bench)).status == 429


async def test_a_refusal_says_when_the_reservation_fits(limited: Bench) -> None:
    for _ in range(3):
        await ask(limited, an_answer("{}"))
        limited.clock.now += 600_000

    refused = await ask(limited)

    assert (refused.status, refused.headers["retry-after"]) == (429, "1800")


async def test_each_step_reserves_and_settles_what_is_its_own(bench: Bench) -> None:
    rule: dict[str, Any] = {"id": "t", "limit": 2000, "limitType": "tokens", "window": 3600}
    rule["provider"] = {"mode": "partition"}
    bench.settings(authentication=False, rate_limiting_rules=[rule])
    bench.fetch.script += [an_answer("{}", status=500), an_answer(ANSWER)]

    await bench.handle(universal(an_entry(), an_entry("groq")))

    bench.clock.now += 1000
    await bench.counters.alarms()
    states = [one.values.get("state") for one in bench.counters.storages.values()]
    assert states[0] is None
    assert json.loads(states[1] or "")["units"] == [100]


async def test_a_settlement_that_fails_harms_nobody(limited: Bench) -> None:
    limited.fetch.script.append(an_answer(ANSWER))
    await handle(a_request(text=BODY), limited.isolate, limited.ports)
    limited.counters.broken = True
    await limited.background.run()
    limited.counters.broken = False

    assert [row["flags"] for row in limited.database.rows("logs")] == [None]
    assert await left(limited) == 2000 - RESERVED


async def test_a_request_that_asks_no_model_takes_no_tokens(limited: Bench) -> None:
    limited.fetch.script.append(an_answer("{}"))

    reply = await limited.handle(a_request(method="GET", text=None))

    assert "ratelimit" not in reply.headers
    assert limited.counters.calls == []


@pytest.mark.parametrize(
    ("ask_", "tokens"),
    [
        (Ask(text="x" * 400), 100 + OUTPUT),
        (Ask(text='{"max_tokens":7}'), 4 + 7),
        (Ask(text="x" * 401, model_type="text-embeddings"), 101),
        (Ask(), OUTPUT),
        (Ask(model_type="text-embeddings"), 1),
        (Ask("m", "token-counting", text="x" * 400), 0),
    ],
)
def test_an_estimate_is_the_prompt_and_the_most_that_may_be_answered(
    ask_: Ask, tokens: int
) -> None:
    assert estimate(a_call(ask=ask_)) == tokens


@pytest.mark.parametrize(
    ("body", "tokens"),
    [
        ('{"max_tokens":7}', 7),
        ('{"max_tokens":null,"max_completion_tokens":8}', 8),
        ('{"max_output_tokens":9}', 9),
        ('{"generationConfig":{"maxOutputTokens":10}}', 10),
        ('{"generation_config":{"max_output_tokens":10}}', 10),
        ('{"inferenceConfig":{"maxTokens":11}}', 11),
        ('{"textGenerationConfig":{"maxTokenCount":12}}', 12),
        ('{"input":{"max_new_tokens":13}}', 13),
        ('{"parameters":{"max_new_tokens":14}}', 14),
        ('{"max_gen_len":15}', 15),
        ('{"max_tokens":0}', 0),
        ('{"max_tokens":"7"}', None),
        ('{"max_tokens":-7}', None),
        ('{"max_tokens":true,"input":"text","parameters":[1]}', None),
        ('{"messages":[{"max_tokens":7}]}', None),
        ('["max_tokens"]', None),
        ("", None),
    ],
)
def test_how_long_an_answer_may_be(body: str, tokens: int | None) -> None:
    assert bounds(body).length == tokens
