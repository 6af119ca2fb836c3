"""Trying the same target again."""

import json
from dataclasses import replace

import pytest

from call import Request
from errors import Unreachable
from fakes import NOW, Bench, FakeBody, FakeReplyBody, a_request, an_answer
from ports import Incoming
from settings import Backoff, Retry

FINE = '{"model":"gpt-5","usage":{"prompt_tokens":1,"completion_tokens":2}}'
LIMITED = '{"error":{"message":"Slow down","type":"requests","code":"rate_limit_exceeded"}}'
QUOTA = '{"error":{"message":"No money","type":"insufficient_quota","code":"insufficient_quota"}}'


def patient(**headers: str) -> Request:
    sent = {"cf-aig-max-attempts": "3", "cf-aig-retry-delay": "100", "cf-aig-backoff": "constant"}
    given = {f"cf-aig-{name.replace('_', '-')}": value for name, value in headers.items()}
    return a_request(sent | given)


def failing(status: int, text: str = LIMITED, **headers: str) -> Incoming:
    answer = an_answer(text, status=status)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return replace(answer, headers={**answer.headers, **named})


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
async def test_an_error_that_may_pass_is_tried_again(bench: Bench, status: int) -> None:
    bench.fetch.script += [failing(status), an_answer(FINE)]

    reply = await bench.handle(patient())

    assert reply.status == 200
    assert len(bench.fetch.sent) == 2
    assert bench.fetch.sent[0] == bench.fetch.sent[1]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_an_error_that_will_not_pass_is_returned_at_once(bench: Bench, status: int) -> None:
    bench.fetch.script.append(failing(status))

    reply = await bench.handle(patient())

    assert (reply.status, len(bench.fetch.sent)) == (status, 1)


async def test_a_quota_that_is_used_up_is_not_tried_again(bench: Bench) -> None:
    bench.fetch.script.append(failing(429, QUOTA))

    reply = await bench.handle(patient())

    assert (reply.status, len(bench.fetch.sent)) == (429, 1)


async def test_a_connection_that_fails_is_tried_again(bench: Bench) -> None:
    bench.fetch.script += [Unreachable("api.openai.com", 3), an_answer(FINE)]

    assert (await bench.handle(patient())).status == 200


async def test_an_answer_that_breaks_off_before_it_is_whole_is_tried_again(bench: Bench) -> None:
    broken = FakeReplyBody(breaks=Unreachable("api.openai.com", 3))
    bench.fetch.script += [Incoming(200, {}, broken), an_answer(FINE)]

    assert (await bench.handle(patient())).status == 200


async def test_the_last_attempt_s_error_is_the_caller_s(bench: Bench) -> None:
    bench.fetch.script += [failing(500), Unreachable("api.openai.com", 3), failing(503)]

    reply = await bench.handle(patient())

    assert (reply.status, len(bench.fetch.sent)) == (503, 3)


async def test_each_attempt_is_a_row_of_the_same_event(bench: Bench) -> None:
    bench.fetch.script += [failing(503), Unreachable("api.openai.com", 3), an_answer(FINE)]

    reply = await bench.handle(patient(event_id="order-7"))

    rows = sorted(bench.database.rows("logs"), key=lambda row: row["created_at"])
    assert [(row["status_code"], row["success"]) for row in rows] == [(503, 0), (502, 0), (200, 1)]
    assert {row["event_id"] for row in rows} == {"order-7"}
    assert rows[0]["id"] == reply.headers["cf-aig-request-id"]
    assert rows[2]["id"] == reply.headers["cf-aig-log-id"]
    assert [row["tokens_out"] for row in rows] == [None, None, 2]
    assert rows[0]["duration"] == 0


@pytest.mark.parametrize(
    ("backoff", "waits"),
    [
        ("constant", [200, 200, 200, 200]),
        ("linear", [200, 400, 600, 800]),
        ("exponential", [200, 400, 800, 1600]),
    ],
)
def test_the_delay_grows_as_it_is_told(backoff: Backoff, waits: list[float]) -> None:
    plan = Retry(5, 200, backoff)

    assert [plan.wait(attempt) for attempt in range(1, 5)] == waits


async def test_attempts_are_as_far_apart_as_they_are_told(bench: Bench) -> None:
    bench.fetch.script += [failing(500), failing(500), an_answer(FINE)]

    await bench.handle(patient(backoff="linear"))

    assert bench.clock.now == NOW + 100 + 200


@pytest.mark.parametrize(
    ("retry_after", "waited"),
    [("2", 2_000), ("0", 100), ("Sun, 15 Jun 2025 15:06:43 GMT", 3_000), ("soon", 100)],
)
async def test_a_longer_wait_that_the_provider_asks_for_wins(
    bench: Bench, retry_after: str, waited: float
) -> None:
    bench.fetch.script += [failing(429, retry_after=retry_after), an_answer(FINE)]

    await bench.handle(patient())

    assert bench.clock.now == NOW + waited


async def test_a_wait_beyond_the_caller_s_patience_ends_the_trying(bench: Bench) -> None:
    bench.fetch.script.append(failing(429, retry_after="61"))

    reply = await bench.handle(patient())

    assert (reply.status, reply.headers["retry-after"]) == (429, "61")
    assert bench.clock.now == NOW


async def test_a_body_too_long_to_be_kept_is_sent_once(bench: Bench) -> None:
    bench.fetch.script.append(failing(503))
    request = replace(patient(), body=FakeBody(None))

    reply = await bench.handle(request)

    assert (reply.status, len(bench.fetch.sent)) == (503, 1)


async def test_an_error_too_long_to_be_read_is_judged_by_its_beginning(bench: Bench) -> None:
    endless = FakeReplyBody(holds=False, first=LIMITED)
    bench.fetch.script += [Incoming(503, {}, endless), an_answer(FINE)]

    assert (await bench.handle(patient())).status == 200
    assert endless.discarded


async def test_an_error_without_a_body_is_judged_by_its_status(bench: Bench) -> None:
    bench.fetch.script += [Incoming(503, {}, None), an_answer(FINE)]

    assert (await bench.handle(patient())).status == 200


async def test_a_gateway_s_own_setting_holds_where_a_caller_says_nothing(bench: Bench) -> None:
    settings = {"authentication": False, "retry_max_attempts": 2, "retry_delay": 0}
    bench.database.connection.execute("UPDATE gateways SET settings = ?", (json.dumps(settings),))
    bench.fetch.script += [failing(503), an_answer(FINE), failing(503)]

    first = await bench.handle(a_request())
    second = await bench.handle(a_request({"cf-aig-max-attempts": "1"}))

    assert (first.status, second.status) == (200, 503)


async def test_without_a_wish_nothing_is_tried_again(bench: Bench) -> None:
    bench.fetch.script.append(failing(503))

    assert (await bench.handle(a_request())).status == 503


async def test_another_stored_key_is_used_at_once_in_place_of_one_that_was_refused(
    bench: Bench,
) -> None:
    for number in range(3):
        await bench.store("openai", f"sk-{number}")
    bench.fetch.script += [failing(401), failing(429, QUOTA), an_answer(FINE)]

    reply = await bench.handle(patient_without_a_key())

    assert (reply.status, bench.clock.now) == (200, NOW)
    used = {outgoing.headers["authorization"] for outgoing in bench.fetch.sent}
    assert used == {"Bearer sk-0", "Bearer sk-1", "Bearer sk-2"}
    rows = bench.database.rows("logs")
    assert len({row["key_id"] for row in rows}) == 3
    assert sorted(row["status_code"] for row in rows) == [200, 401, 429]


async def test_with_no_other_key_awake_a_refusal_is_what_it_always_is(bench: Bench) -> None:
    for number in range(2):
        await bench.store("openai", f"sk-{number}")
    bench.fetch.script += [failing(401), failing(401)]

    reply = await bench.handle(patient_without_a_key())

    assert (reply.status, len(bench.fetch.sent)) == (401, 2)


async def test_a_key_that_was_refused_rests(bench: Bench) -> None:
    for number in range(2):
        await bench.store("openai", f"sk-{number}")
    bench.fetch.script += [failing(429, retry_after="20"), *[an_answer(FINE) for _ in range(6)]]

    refused, during = await keys_of(bench, 1), await keys_of(bench, 3)
    bench.clock.now += 20_000
    after = await keys_of(bench, 2)

    assert refused[0] not in during
    assert set(after) == {*refused, *during}


async def test_a_wish_of_the_vendor_s_not_to_be_asked_again_is_kept(bench: Bench) -> None:
    bench.fetch.script.append(failing(500, x_should_retry="false"))

    reply = await bench.handle(patient())

    assert (reply.status, len(bench.fetch.sent)) == (500, 1)


async def test_a_wish_for_milliseconds_is_kept(bench: Bench) -> None:
    bench.fetch.script += [failing(429, retry_after_ms="250"), an_answer(FINE)]

    await bench.handle(patient())

    assert bench.clock.now == NOW + 250


async def test_attempts_and_waits_end_when_the_caller_s_patience_does(bench: Bench) -> None:
    bench.fetch.script += [failing(500) for _ in range(5)]

    reply = await bench.handle(patient(max_attempts="5", retry_delay="25000"))

    assert (reply.status, len(bench.fetch.sent)) == (500, 3)
    assert bench.clock.now == NOW + 50_000


async def test_a_connection_that_fails_is_told_when_the_caller_s_patience_is_over(
    bench: Bench,
) -> None:
    bench.fetch.script += [Unreachable("api.openai.com", 3) for _ in range(3)]

    reply = await bench.handle(patient(max_attempts="3", retry_delay="40000"))

    assert (reply.status, len(bench.fetch.sent)) == (502, 2)


def patient_without_a_key() -> Request:
    request = patient()
    return replace(request, headers={**request.headers, "authorization": ""})


async def keys_of(bench: Bench, count: int) -> list[str]:
    """The stored keys that so many requests are sent with."""
    before = len(bench.fetch.sent)
    for _ in range(count):
        await bench.handle(a_request({"authorization": ""}))
    return [outgoing.headers["authorization"] for outgoing in bench.fetch.sent[before:]]
