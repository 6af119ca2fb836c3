"""Requests that reach a provider, from end to end."""

from dataclasses import replace

import pytest

from call import Request
from fakes import Bench, FakeReplyBody, a_request, an_answer
from gateway import handle
from ports import Ending, Incoming, State

ANSWER = '{"model":"gpt-5-2026","usage":{"prompt_tokens":9,"completion_tokens":4}}'
STREAM = f'data: {{"choices":[]}}\n\ndata: {ANSWER}\n\ndata: [DONE]\n\n'
MODELS = "https://sluice.test/v1/acme/main/openai/models?limit=2"
SILENT = '{"authentication":false,"collect_logs":false}'


async def test_an_answer_passes_and_leaves_a_row(bench: Bench) -> None:
    answer = an_answer(ANSWER)
    bench.fetch.script.append(answer)
    request = a_request({"authorization": "Bearer sk"})

    reply = await bench.handle(request)

    assert (reply.status, reply.body) == (200, answer.body)
    [sent] = bench.fetch.sent
    assert (sent.method, sent.url) == ("POST", "https://api.openai.com/v1/chat/completions")
    assert (sent.headers["authorization"], sent.body) == ("Bearer sk", request.body)
    [row] = bench.database.rows("logs")
    assert (row["model"], row["model_type"]) == ("gpt-5", "text-generation")
    assert (row["tokens_in"], row["tokens_out"], row["success"]) == (9, 4, 1)
    assert {payload["side"]: payload["body"] for payload in bench.database.rows("payloads")} == {
        "request": '{"model":"gpt-5","messages":[]}',
        "response": ANSWER,
    }


async def test_a_reply_tells_which_row_is_its_own(bench: Bench) -> None:
    bench.fetch.script.append(an_answer(ANSWER))

    reply = await bench.handle(a_request({"cf-aig-event-id": "order-7"}))

    [row] = bench.database.rows("logs")
    assert reply.headers == {
        "content-type": "application/json",
        "cf-aig-request-id": row["id"],
        "cf-aig-log-id": row["id"],
        "cf-aig-event-id": "order-7",
        "cf-aig-cache-status": "MISS",
        "cf-aig-step": "0",
    }


async def test_without_an_event_of_the_caller_the_request_is_its_own_event(bench: Bench) -> None:
    bench.fetch.script.append(an_answer(ANSWER))

    reply = await bench.handle(a_request())

    assert reply.headers["cf-aig-event-id"] == reply.headers["cf-aig-request-id"]


@pytest.mark.parametrize(
    ("state", "text", "expected"),
    [
        ("complete", STREAM, (200, 1, 9)),
        ("complete", STREAM[:-10], (200, 0, 9)),
        ("broken", STREAM[:-10], (200, 0, 9)),
        ("left", STREAM[:-10], (499, 0, 9)),
        ("left", "data: {", (499, 0, None)),
        ("complete", None, (200, 1, None)),
    ],
)
async def test_the_usage_of_a_stream_is_in_its_row(
    bench: Bench, state: State, text: str | None, expected: tuple[int, int, int | None]
) -> None:
    body = FakeReplyBody()
    bench.fetch.script.append(Incoming(200, {"content-type": "text/event-stream"}, body))

    reply = await handle(a_request(), bench.isolate, bench.ports)
    assert bench.database.rows("logs") == []
    body.ending.set_result(Ending(state, text))
    await bench.background.run()

    assert reply.body is body
    [row] = bench.database.rows("logs")
    assert (row["status_code"], row["success"], row["tokens_in"]) == expected


async def test_an_error_of_the_provider_passes_as_it_is(bench: Bench) -> None:
    answer = an_answer('{"error":{"message":"Rate limit reached"}}', status=429)
    bench.fetch.script.append(replace(answer, headers={"retry-after": "7"}))

    reply = await bench.handle(a_request())

    assert (reply.status, reply.headers["retry-after"]) == (429, "7")
    assert reply.body is answer.body
    [row] = bench.database.rows("logs")
    assert (row["status_code"], row["success"], row["error_code"]) == (429, 0, None)


@pytest.mark.parametrize(
    "kind", ["multipart/form-data; boundary=x", "audio/mpeg", "application/octet-stream"]
)
async def test_a_body_that_is_not_json_passes_unread(bench: Bench, kind: str) -> None:
    bench.fetch.script.append(an_answer(ANSWER))
    request = a_request({"content-type": kind}, AssertionError("read"))

    reply = await bench.handle(request)

    assert reply.status == 200
    assert bench.fetch.sent[0].body is request.body
    assert [row["model"] for row in bench.database.rows("logs")] == ["gpt-5-2026"]


async def test_a_body_too_long_to_be_read_passes(bench: Bench) -> None:
    bench.fetch.script.append(an_answer(ANSWER))

    reply = await bench.handle(a_request(text=None))

    assert reply.status == 200
    assert [payload["side"] for payload in bench.database.rows("payloads")] == ["response"]


async def test_a_request_without_a_body_passes(bench: Bench) -> None:
    bench.fetch.script.append(an_answer("{}"))

    reply = await bench.handle(Request("GET", MODELS, {"authorization": "Bearer sk"}))

    assert reply.status == 200
    assert bench.fetch.sent[0].url == "https://api.openai.com/v1/models?limit=2"


async def test_a_caller_may_have_no_row(bench: Bench) -> None:
    bench.fetch.script.append(an_answer(ANSWER))

    reply = await bench.handle(a_request({"cf-aig-collect-log": "false"}))

    assert bench.database.rows("logs") == []
    assert "cf-aig-log-id" not in reply.headers
    assert "cf-aig-request-id" in reply.headers


async def test_a_caller_may_have_a_row_without_bodies(bench: Bench) -> None:
    bench.fetch.script.append(an_answer(ANSWER))

    await bench.handle(a_request({"cf-aig-collect-log-payload": "false"}))

    assert [row["tokens_in"] for row in bench.database.rows("logs")] == [9]
    assert bench.database.rows("payloads") == []


@pytest.mark.parametrize(("wish", "rows"), [({}, 0), ({"cf-aig-collect-log": "true"}, 1)])
async def test_a_gateway_may_have_no_log_but_for_those_who_ask(
    bench: Bench, wish: dict[str, str], rows: int
) -> None:
    bench.database.connection.execute("UPDATE gateways SET settings = ?", (SILENT,))
    bench.fetch.script.append(an_answer(ANSWER))

    reply = await bench.handle(a_request(wish))

    assert len(bench.database.rows("logs")) == rows
    assert ("cf-aig-log-id" in reply.headers) is bool(rows)


async def test_a_closed_gateway_lets_in_who_has_its_token(bench: Bench) -> None:
    bench.database.connection.execute("UPDATE gateways SET settings = '{}'")
    bench.fetch.script.append(an_answer(ANSWER))

    reply = await bench.handle(a_request({"cf-aig-authorization": "Bearer secret"}))

    assert reply.status == 200
    assert "cf-aig-authorization" not in bench.fetch.sent[0].headers
