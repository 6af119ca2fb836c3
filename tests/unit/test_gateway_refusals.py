"""Requests that reach no provider, or get no answer, and what is told of it."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from call import Reply, Request
from errors import ClientLeft, Internal, Unreachable
from fakes import CHAT, Bench, BrokenDatabase, FakeReplyBody, a_request, an_answer
from ports import Incoming, Outgoing

OPNAI = CHAT.replace("openai", "opnai")


def told(reply: Reply) -> dict[str, Any]:
    assert reply.headers["content-type"] == "application/json"
    body = json.loads(str(reply.body))
    assert (body["success"], body["httpCode"]) == (False, reply.status)
    return body


async def test_an_unknown_gateway_has_the_answer_that_clients_know(bench: Bench) -> None:
    reply = await bench.handle(a_request(url=CHAT.replace("main", "none")))

    assert (reply.status, told(reply)["error"][0]["code"]) == (400, 2001)
    assert reply.headers == {"content-type": "application/json"}
    assert bench.database.rows("logs") == []


async def test_an_unknown_provider_is_refused_unread_and_is_a_row(bench: Bench) -> None:
    reply = await bench.handle(a_request(text=AssertionError("read"), url=OPNAI))

    assert (reply.status, told(reply)["error"][0]["code"]) == (400, 2008)
    [row] = bench.database.rows("logs")
    assert (row["provider"], row["status_code"], row["error_code"]) == ("opnai", 400, 2008)
    assert reply.headers["cf-aig-log-id"] == row["id"]


async def test_a_refused_header_is_a_row_without_bodies(bench: Bench) -> None:
    reply = await bench.handle(a_request({"cf-aig-collect-log-payload": "no"}))

    assert (reply.status, told(reply)["error"][0]["code"]) == (400, 7001)
    assert "cf-aig-collect-log-payload" in told(reply)["message"]
    assert [row["error_code"] for row in bench.database.rows("logs")] == [7001]
    assert bench.database.rows("payloads") == []
    assert bench.fetch.sent == []


@pytest.mark.parametrize("header", [None, "Bearer other"])
async def test_a_stranger_is_refused_and_is_a_row(bench: Bench, header: str | None) -> None:
    bench.database.connection.execute("UPDATE gateways SET settings = '{}'")

    reply = await bench.handle(a_request({"cf-aig-authorization": header} if header else {}))

    assert (reply.status, told(reply)["error"][0]["code"]) == (401, 2009)
    [row] = bench.database.rows("logs")
    assert (row["status_code"], row["error_code"], row["authentication"]) == (401, 2009, 1)
    assert bench.fetch.sent == []


@pytest.mark.parametrize(("error", "status"), [(Unreachable("x", 1), 502), (ClientLeft(), 499)])
async def test_an_attempt_without_an_answer_is_a_row(
    bench: Bench, error: Exception, status: int
) -> None:
    bench.fetch.script.append(error)

    reply = await bench.handle(a_request())

    assert (reply.status, told(reply)["internalCode"]) == (status, 2005)
    [row] = bench.database.rows("logs")
    assert (row["status_code"], row["success"], row["latency"]) == (status, 0, None)


async def test_a_first_byte_that_comes_too_late_is_a_row(bench: Bench) -> None:
    async def hang(outgoing: Outgoing) -> Incoming:
        await asyncio.Event().wait()
        raise AssertionError(outgoing)

    bench.ports = replace(bench.ports, fetch=hang)

    reply = await bench.handle(a_request({"cf-aig-request-timeout": "1"}))

    assert (reply.status, told(reply)["internalCode"]) == (504, 2005)
    assert [row["status_code"] for row in bench.database.rows("logs")] == [504]


async def test_a_caller_who_leaves_while_his_body_is_read_is_no_fault_of_ours(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.fetch.script.append(ClientLeft())

    reply = await bench.handle(a_request(text=ClientLeft()))

    assert (reply.status, told(reply)["internalCode"]) == (499, 2005)
    assert [row["status_code"] for row in bench.database.rows("logs")] == [499]
    assert caplog.messages == []


async def test_a_short_answer_that_breaks_off_is_an_error_and_not_half_an_answer(
    bench: Bench,
) -> None:
    body = FakeReplyBody(breaks=Unreachable("api.openai.com", 12))
    bench.fetch.script.append(Incoming(200, {"content-type": "application/json"}, body))

    reply = await bench.handle(a_request())

    assert (reply.status, told(reply)["internalCode"]) == (502, 2005)
    [row] = bench.database.rows("logs")
    assert (row["status_code"], row["success"], row["latency"]) == (502, 0, 0)


async def test_a_fault_of_ours_is_a_bare_500_and_a_row_and_a_trace(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.fetch.script.append(ZeroDivisionError("sk-secret"))

    reply = await bench.handle(a_request())

    assert (reply.status, reply.body) == (500, Internal().envelope())
    [row] = bench.database.rows("logs")
    assert (row["status_code"], row["error_code"]) == (500, 7500)
    assert reply.headers["cf-aig-log-id"] == row["id"]
    assert "sk-secret" not in json.dumps(bench.database.rows("payloads"))
    assert "ZeroDivisionError" in caplog.text


async def test_without_its_database_a_gateway_answers_a_bare_500(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.ports = replace(bench.ports, database=BrokenDatabase())

    reply = await bench.handle(a_request())

    assert (reply.status, reply.body) == (500, Internal().envelope())
    assert "no connection" in caplog.text


async def test_without_its_database_a_known_gateway_goes_on(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.fetch.script.extend([an_answer("{}"), an_answer("{}")])
    await bench.handle(a_request())
    bench.ports = replace(bench.ports, database=BrokenDatabase())

    reply = await bench.handle(a_request())

    assert reply.status == 200
    assert caplog.messages == ["1 log rows are lost: no connection"]


@pytest.mark.parametrize("path", ["/", "/v1/acme", "/favicon.ico"])
async def test_a_path_without_a_route_is_not_found(bench: Bench, path: str) -> None:
    reply = await bench.handle(Request("GET", f"https://sluice.test{path}", {}))

    assert (reply.status, told(reply)["internalCode"]) == (404, 7000)
    assert repr(path) in told(reply)["message"]


async def test_health_is_answered(bench: Bench) -> None:
    reply = await bench.handle(Request("GET", "https://sluice.test/healthz", {}))

    assert reply.status == 200
