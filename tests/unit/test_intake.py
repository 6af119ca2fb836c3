"""From a request to the calls that it makes: what of it each target gets."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from call import Reply
from errors import ClientLeft
from fakes import (
    CHAT,
    Bench,
    FakeBody,
    a_request,
    an_answer,
    an_entry,
    told,
    universal,
)
from ports import Incoming

URL = CHAT.removesuffix("/openai/chat/completions")


MOVING = ["../x", "a/./b", "a/..", "%2e%2E/x", "a/.%2e/b", "a\\b", "."]


@pytest.mark.parametrize("path", MOVING)
async def test_a_path_that_parsers_move_is_refused_and_logged(bench: Bench, path: str) -> None:
    reply = await bench.handle(a_request(url=f"{URL}/openai/{path}"))

    assert (reply.status, told(reply)["internalCode"]) == (400, 7001)
    assert bench.fetch.sent == []
    assert rows(bench)[0]["status_code"] == 400


@pytest.mark.parametrize("path", ["v1/models/gpt-4.1", "a/..b", "a/...", ".well-known/x", "a%2fb"])
async def test_dots_within_a_name_are_part_of_it(bench: Bench, path: str) -> None:
    bench.fetch.script.append(an_answer("{}"))

    await bench.handle(a_request(url=f"{URL}/custom-none/{path}"))
    await bench.handle(a_request(url=f"{URL}/openai/{path}"))

    assert bench.fetch.sent[0].url.endswith(f"/{path.removeprefix('v1/')}")


@pytest.mark.parametrize(
    "kind",
    ["", "application/json", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded"],
)
async def test_json_is_read_whatever_it_is_said_to_be(bench: Bench, kind: str) -> None:
    bench.fetch.script.append(an_answer("{}"))
    text = '{"messages":[{"content":"cut \\ud83d"}],"model":"gpt-5"}'

    await bench.handle(a_request({"authorization": "Bearer sk", "content-type": kind}, text))

    assert rows(bench)[0]["model"] == "gpt-5"


async def test_the_admin_token_is_told_to_no_provider(bench: Bench) -> None:
    admin = bench.isolate.deployment.admin_token

    reply = await bench.handle(a_request({"authorization": f"Bearer {admin}"}))

    # As if no key had been sent.
    assert (reply.status, told(reply)["internalCode"]) == (400, 7502)
    assert bench.fetch.sent == []
    assert [(row["attempt"], row["error_code"]) for row in rows(bench)] == [(0, 7502)]


def failing(status: int = 500) -> Incoming:
    return an_answer('{"error":{"message":"no"}}', status=status)


async def ask(
    bench: Bench, *entries: object, headers: Mapping[str, str] | None = None, failures: int = 0
) -> Reply:
    bench.fetch.script[:] = [*[failing()] * failures, an_answer("{}")]
    return await bench.handle(universal(*entries, **(headers or {})))


def rows(bench: Bench) -> list[dict[str, Any]]:
    return sorted(bench.database.rows("logs"), key=lambda row: (row["step"], row["created_at"]))


@pytest.mark.parametrize("text", ["x", "[]", json.dumps([an_entry()] * 11), None])
async def test_an_invalid_request_is_told_and_logged(bench: Bench, text: str | None) -> None:
    reply = await bench.handle(a_request({"cf-aig-event-id": "order-7"}, text, url=URL))

    assert (reply.status, told(reply)["internalCode"]) == (400, 7001)
    assert told(reply)["error"][0]["message"] == told(reply)["message"]
    [row] = rows(bench)
    assert {row["provider"], row["request_type"]} == {"universal"}
    assert (row["error_code"], row["step"], row["event_id"]) == (7001, 0, "order-7")
    assert row["id"] == reply.headers["cf-aig-log-id"]
    assert bench.fetch.sent == []


@pytest.mark.parametrize("url", [URL, f"{URL}/", f"{URL}?a=b"])
async def test_the_universal_endpoint_is_the_gateway_itself(bench: Bench, url: str) -> None:
    bench.fetch.script.append(an_answer("{}"))

    reply = await bench.handle(a_request(text=json.dumps(an_entry()), url=url))

    assert (reply.status, bench.fetch.sent[0].host) == (200, "api.openai.com")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
async def test_the_universal_endpoint_takes_post_alone(bench: Bench, method: str) -> None:
    reply = await bench.handle(a_request(url=URL, method=method))

    assert (reply.status, reply.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("long", [{"provider": "a" * 3_000_000}, {"endpoint": "a" * 3_000_000}])
async def test_a_name_of_any_length_leaves_a_row(bench: Bench, long: dict[str, str]) -> None:
    await ask(bench, an_entry() | long)

    assert len(rows(bench)) == 1


async def test_a_target_gets_its_query_as_its_body(bench: Bench) -> None:
    entry = an_entry(query={"model": "m", "messages": [{"role": "user", "content": "Grüße"}]})

    await ask(bench, entry)

    [sent] = bench.fetch.sent
    assert sent.body
    assert json.loads(await sent.body.text() or "") == entry["query"]
    assert (sent.method, sent.headers["content-type"]) == ("POST", "application/json")
    [row] = rows(bench)
    assert (row["model"], row["request_size"]) == ("m", sent.body.size)
    payloads = {row["side"]: row["body"] for row in bench.database.rows("payloads")}
    assert payloads["request"] == await sent.body.text()


async def test_of_the_request_s_own_headers_targets_get_next_to_none(bench: Bench) -> None:
    headers = {
        "authorization": "Bearer sk-outer",
        "x-api-key": "outer",
        "openai-project": "outer",
        "cookie": "a=outer",
        "idempotency-key": "outer",
        "user-agent": "sdk/1",
        "traceparent": "00-1-2-01",
    }

    await ask(bench, an_entry(), an_entry("anthropic", headers={}), headers=headers, failures=1)

    [sent] = bench.fetch.sent
    assert dict(sent.headers) == {
        "content-type": "application/json",
        "authorization": "Bearer sk-openai",
        "user-agent": "sdk/1",
        "traceparent": "00-1-2-01",
        "accept-encoding": "identity",
    }


async def test_a_key_of_the_request_is_no_key_of_its_targets(bench: Bench) -> None:
    bench.fetch.script.append(an_answer("{}"))
    headers = {"authorization": "Bearer sk-outer"}

    reply = await bench.handle(universal(an_entry(headers={}), **headers))

    assert (reply.status, told(reply)["internalCode"]) == (400, 7502)
    assert bench.fetch.sent == []


async def test_an_entry_s_headers_are_kept_apart_from_those_of_the_others(bench: Bench) -> None:
    first = an_entry(headers={"authorization": "Bearer sk-1", "openai-project": "p"})

    await ask(bench, first, an_entry(headers={"authorization": "Bearer sk-2"}), failures=1)

    one, two = bench.fetch.sent
    assert (one.headers["authorization"], one.headers["openai-project"]) == ("Bearer sk-1", "p")
    assert two.headers["authorization"] == "Bearer sk-2"
    assert "openai-project" not in two.headers


@pytest.mark.parametrize(
    ("entry", "request_", "gateway", "attempts"),
    [
        (None, None, None, 1),
        (None, None, 2, 2),
        (None, 3, 2, 3),
        (4, 3, 2, 4),
        (4, None, 2, 4),
        (1, 3, 2, 1),
    ],
)
async def test_an_entry_s_wish_wins_over_the_request_s_and_that_over_the_gateway_s(
    bench: Bench, entry: int | None, request_: int | None, gateway: int | None, attempts: int
) -> None:
    bench.settings(authentication=False, retry_max_attempts=gateway, retry_delay=0)
    headers = {"cf-aig-max-attempts": str(request_)} if request_ else {}
    wished = an_entry(config={"maxAttempts": entry} if entry else {})

    await ask(bench, wished, headers=headers, failures=attempts - 1)
    bench.fetch.script[:] = [failing()] * 5
    before = len(bench.fetch.sent)
    await bench.handle(universal(wished, **headers))

    assert (before, len(bench.fetch.sent) - before) == (attempts, attempts)


async def test_an_entry_may_say_anything_that_a_request_may(bench: Bench) -> None:
    headers = {"authorization": "Bearer sk", "cf-aig-collect-log-payload": False}
    entry = an_entry(headers={**headers, "cf-aig-metadata": {"user": 7}})

    await ask(bench, entry, headers={"cf-aig-metadata": '{"user":8}', "cf-aig-event-id": "e"})

    [row] = rows(bench)
    assert (json.loads(row["metadata"]), row["event_id"]) == ({"user": 7}, "e")
    assert bench.database.rows("payloads") == []


@pytest.mark.parametrize("logged", [0, 1])
async def test_an_answer_names_its_row_where_there_is_one(bench: Bench, logged: int) -> None:
    entries = [
        an_entry(headers={"authorization": "Bearer sk", "cf-aig-collect-log": step == logged})
        for step in range(2)
    ]

    reply = await ask(bench, *entries, failures=1)

    kept = rows(bench)
    assert [row["step"] for row in kept] == [logged]
    assert reply.headers.get("cf-aig-log-id") == (kept[0]["id"] if logged else None)


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"cf-aig-max-attempts": 9}, "`cf-aig-max-attempts`: '9'"),
        ({"cf-aig-request-timeout": "soon"}, "`cf-aig-request-timeout`: 'soon'"),
        ({"cf-aig-metadata": [1]}, "`cf-aig-metadata`: '[1]'"),
    ],
)
async def test_a_wish_that_breaks_its_rule_is_refused_with_its_entry(
    bench: Bench, headers: dict[str, object], said: str
) -> None:
    reply = await ask(bench, an_entry(), an_entry("groq", headers=headers))

    assert (reply.status, told(reply)["internalCode"]) == (400, 7001)
    assert f"entry 1, Invalid header {said}" in told(reply)["message"]
    assert bench.fetch.sent == []


async def test_a_wish_in_config_that_breaks_its_rule_is_refused(bench: Bench) -> None:
    reply = await ask(bench, an_entry(config={"backoff": "random"}))

    assert "entry 0" in told(reply)["message"]
    assert "`constant`, `linear` or `exponential`" in told(reply)["message"]


async def test_a_closed_gateway_is_closed_to_universal_requests(bench: Bench) -> None:
    bench.settings(authentication=True)
    token = (await bench.manage("POST", "tokens", name="ci"))["value"]

    outcomes = [
        await ask(bench, an_entry(), headers=headers)
        for headers in (
            {},
            {"cf-aig-authorization": "Bearer slu_wrong"},
            {"cf-aig-authorization": f"Bearer {token}"},
            {"authorization": f"Bearer {token}"},
        )
    ]

    assert [reply.status for reply in outcomes] == [401, 401, 200, 200]
    assert token not in str([(sent.url, sent.headers) for sent in bench.fetch.sent])
    assert len(bench.fetch.sent) == 2


async def test_an_entry_cannot_take_the_place_of_a_token_that_was_shown(bench: Bench) -> None:
    bench.settings(authentication=True)
    token = (await bench.manage("POST", "tokens", name="ci"))["value"]
    entry = an_entry(headers={"cf-aig-authorization": f"Bearer {token}"})

    reply = await ask(bench, entry, headers={"cf-aig-authorization": "Bearer slu_wrong"})

    assert reply.status == 401


async def test_a_stranger_does_not_learn_whether_his_request_is_valid(bench: Bench) -> None:
    bench.settings(authentication=True)

    reply = await bench.handle(a_request(text="x", url=URL))

    assert (reply.status, told(reply)["internalCode"]) == (401, 2009)


async def test_another_name_of_a_provider_is_written_down_as_its_own(bench: Bench) -> None:
    entry = an_entry("google", endpoint="v1/models/m:generateContent")

    await ask(bench, entry | {"headers": {"x-goog-api-key": "AIza"}})

    assert [row["provider"] for row in rows(bench)] == ["google-ai-studio"]


async def test_a_custom_provider_is_a_target_like_any_other(bench: Bench) -> None:
    fields = {"name": "Mine", "slug": "mine", "base_url": "https://llm.example.com/api"}
    await bench.manage("POST", "custom-providers", **fields, enable=True)

    await ask(bench, an_entry(), an_entry("custom-mine", endpoint="v1/chat?a=b"), failures=1)

    assert bench.fetch.sent[1].url == "https://llm.example.com/api/v1/chat?a=b"
    assert [row["provider"] for row in rows(bench)] == ["openai", "custom-mine"]


async def test_a_caller_who_leaves_while_his_request_is_read_is_a_row(bench: Bench) -> None:
    request = replace(universal(an_entry()), body=FakeBody(ClientLeft()))

    reply = await bench.handle(request)

    assert reply.status == 499
    assert [row["status_code"] for row in rows(bench)] == [499]


async def test_a_message_with_half_a_character_is_refused_as_any_other(bench: Bench) -> None:
    await bench.handle(a_request({"upgrade": "websocket"}, url=URL, method="GET"))
    [answer] = bench.sockets.opened
    message = {"type": "universal.create", "request": an_entry(query={"model": "\ud800"})}
    frames: list[str] = []

    await answer(json.dumps(message), frames.append, bench.ports)

    assert [json.loads(frame)["type"] for frame in frames] == ["universal.error"]
