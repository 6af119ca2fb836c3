"""The gateway's own tokens: who holds one comes in, and no provider ever sees it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from call import Reply, Request
from errors import Unauthorized
from fakes import CHAT, NOW, Bench, FakeBody, an_answer, told
from isolate import Isolate
from keys import tokens

CLAUDE = CHAT.replace("openai/chat/completions", "anthropic/v1/messages")
GEMINI = CHAT.replace("openai/chat", "google-ai-studio/v1/models/m:generateContent")
VOICE = CHAT.replace("openai/chat/completions", "elevenlabs/v1/text-to-speech/v")
AZURE = CHAT.replace("openai/chat", "azure-openai/res/dep/chat")
HOUR = 3_600_000


@pytest.fixture
def closed(bench: Bench) -> Bench:
    bench.settings(authentication=True)
    return bench


async def a_token(bench: Bench, **fields: object) -> dict[str, Any]:
    return await bench.manage("POST", "tokens", **({"name": "ci"} | fields))


async def ask(bench: Bench, headers: Mapping[str, str], url: str = CHAT) -> Reply:
    bench.fetch.script.append(an_answer("{}"))
    sent = {"content-type": "application/json", **headers}
    return await bench.handle(Request("POST", url, sent, FakeBody('{"model":"m"}')))


def test_a_token_is_known_by_its_beginning_and_has_256_bits_of_entropy() -> None:
    made = {tokens.make() for _ in range(100)}

    assert len(made) == 100
    assert all(token.startswith(tokens.PREFIX) for token in made)
    assert {len(token) for token in made} == {len(tokens.PREFIX) + 43}


def test_what_is_kept_of_a_token_is_its_sha_256() -> None:
    assert tokens.digest("slu_x") == hashlib.sha256(b"slu_x").hexdigest()


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ({}, None),
        ({"cf-aig-authorization": ""}, None),
        ({"cf-aig-authorization": "Bearer abc"}, "abc"),
        ({"cf-aig-authorization": "bearer abc"}, "abc"),
        ({"cf-aig-authorization": "abc"}, "abc"),
        ({"cf-aig-authorization": " Bearer  abc "}, "abc"),
        ({"cf-aig-authorization": "", "authorization": "Bearer slu_x"}, "slu_x"),
        ({"cf-aig-authorization": "abc", "authorization": "Bearer slu_x"}, "abc"),
        ({"sec-websocket-protocol": "cf-aig-authorization.slu_x"}, "slu_x"),
        ({"sec-websocket-protocol": "realtime,cf-aig-authorization.abc , b"}, "abc"),
        ({"sec-websocket-protocol": "realtime", "x-api-key": "slu_x"}, "slu_x"),
        ({"authorization": "Bearer slu_x"}, "slu_x"),
        ({"authorization": "Key slu_x"}, "slu_x"),
        ({"authorization": "slu_x"}, "slu_x"),
        ({"x-api-key": "slu_x"}, "slu_x"),
        ({"x-goog-api-key": "slu_x"}, "slu_x"),
        ({"api-key": "slu_x"}, "slu_x"),
        ({"xi-api-key": "slu_x"}, "slu_x"),
        ({"authorization": "Bearer sk-1", "x-api-key": "slu_x"}, "slu_x"),
        ({"authorization": "Bearer sk-1"}, None),
        ({"x-api-key": "sk-slu_x"}, None),
        ({"cookie": "slu_x"}, None),
    ],
)
def test_a_token_is_found_where_clients_can_put_it(
    headers: dict[str, str], token: str | None
) -> None:
    assert tokens.presented(headers) == token


@given(st.text() | st.none(), st.text() | st.none())
def test_only_the_same_token_is_the_same(one: str | None, other: str | None) -> None:
    assert tokens.same(one, other) == (one is not None and one == other)


@pytest.mark.parametrize(
    ("header", "form"),
    [
        ("cf-aig-authorization", "Bearer {}"),
        ("cf-aig-authorization", "{}"),
        ("sec-websocket-protocol", "cf-aig-authorization.{}"),
    ],
)
async def test_a_token_opens_its_gateway_beside_the_key_of_the_provider(
    closed: Bench, header: str, form: str
) -> None:
    token = await a_token(closed)
    headers = {header: form.format(token["value"]), "authorization": "Bearer sk-mine"}

    reply = await ask(closed, headers)

    assert reply.status == 200
    assert closed.fetch.sent[0].headers["authorization"] == "Bearer sk-mine"
    assert [row["token_id"] for row in closed.database.rows("logs")] == [token["id"]]


@pytest.mark.parametrize(
    ("url", "header", "form", "sent"),
    [
        (CHAT, "authorization", "Bearer {}", ("authorization", "Bearer stored")),
        (CLAUDE, "x-api-key", "{}", ("x-api-key", "stored")),
        (CLAUDE, "authorization", "Bearer {}", ("x-api-key", "stored")),
        (GEMINI, "x-goog-api-key", "{}", ("x-goog-api-key", "stored")),
        (AZURE, "api-key", "{}", ("api-key", "stored")),
        (VOICE, "xi-api-key", "{}", ("xi-api-key", "stored")),
    ],
)
async def test_a_token_in_place_of_a_key_opens_the_gateway_and_uses_the_stored_key(
    closed: Bench, url: str, header: str, form: str, sent: tuple[str, str]
) -> None:
    token = (await a_token(closed))["value"]
    await closed.store(url.split("/")[6], "stored")

    reply = await ask(closed, {header: form.format(token)}, url)

    assert reply.status == 200
    assert sent in closed.fetch.sent[0].headers.items()
    assert token not in str(closed.fetch.sent[0])


async def test_a_token_in_place_of_a_key_is_no_key(closed: Bench) -> None:
    token = (await a_token(closed))["value"]

    reply = await ask(closed, {"authorization": f"Bearer {token}"})

    assert (reply.status, told(reply)["internalCode"]) == (400, 7502)
    assert closed.fetch.sent == []


@pytest.mark.parametrize(
    "query", ["key={}", "a=1&key={}&b=2", "{}", "token=Bearer%20{}", "a=x,{}", "{}=1"]
)
async def test_no_parameter_of_the_query_takes_a_token_to_a_provider(
    closed: Bench, query: str
) -> None:
    token = (await a_token(closed))["value"]
    headers = {"cf-aig-authorization": token, "authorization": "Bearer sk-mine"}

    reply = await ask(closed, headers, f"{CHAT}?{query.format(token)}&limit=2")

    assert reply.status == 200
    assert token not in closed.fetch.sent[0].url
    assert closed.fetch.sent[0].url.endswith("limit=2")


async def test_a_token_in_a_parameter_for_keys_is_not_taken_for_one(closed: Bench) -> None:
    token = (await a_token(closed))["value"]
    await closed.store("google-ai-studio", "stored")

    reply = await ask(closed, {"cf-aig-authorization": token}, f"{GEMINI}?key={token}&alt=sse")

    assert reply.status == 200
    assert closed.fetch.sent[0].headers["x-goog-api-key"] == "stored"
    assert closed.fetch.sent[0].url.endswith("?alt=sse")


@pytest.mark.parametrize("header", ["user-agent", "x-request-id", "openai-project", "traceparent"])
async def test_no_header_takes_a_token_to_a_provider(closed: Bench, header: str) -> None:
    token = (await a_token(closed))["value"]
    headers = {"cf-aig-authorization": token, "authorization": "Bearer sk", header: f"x {token}"}

    await ask(closed, headers)

    assert token not in str(closed.fetch.sent[0])


async def test_the_admin_token_opens_every_gateway_and_is_nobody_s_in_the_log(
    closed: Bench,
) -> None:
    headers = {"cf-aig-authorization": "Bearer secret", "authorization": "Bearer sk"}

    assert (await ask(closed, headers)).status == 200
    assert "secret" not in str(closed.fetch.sent[0])
    assert [row["token_id"] for row in closed.database.rows("logs")] == [None]


async def test_without_a_token_the_answer_is_the_one_that_clients_know(closed: Bench) -> None:
    reply = await ask(closed, {"authorization": "Bearer sk"})

    assert reply.status == Unauthorized.status
    assert told(reply) == {
        "success": False,
        "result": [],
        "messages": [],
        "error": [{"code": 2009, "message": "Unauthorized"}],
        "name": "AiGatewayError",
        "httpCode": 401,
        "internalCode": 2009,
        "message": "Unauthorized",
        "description": "Unauthorized",
    }
    assert closed.fetch.sent == []


async def test_a_token_expires(closed: Bench) -> None:
    token = await a_token(closed, expires_at="2025-06-15T16:06:40Z")
    headers = {"cf-aig-authorization": token["value"], "authorization": "Bearer sk"}

    closed.clock.now = NOW + HOUR - 1
    before = await ask(closed, headers)
    closed.clock.now = NOW + HOUR
    after = await ask(closed, headers)

    assert (before.status, after.status) == (200, 401)


async def test_a_revoked_token_opens_nothing(closed: Bench) -> None:
    token = await a_token(closed)
    headers = {"cf-aig-authorization": token["value"], "authorization": "Bearer sk"}
    assert (await ask(closed, headers)).status == 200

    await closed.manage("DELETE", f"tokens/{token['id']}")

    assert (await ask(closed, headers)).status == 401


async def test_another_isolate_sees_that_a_token_was_revoked_after_five_seconds(
    closed: Bench,
) -> None:
    token = await a_token(closed)
    headers = {"cf-aig-authorization": token["value"], "authorization": "Bearer sk"}
    here, there = closed.isolate, Isolate(closed.isolate.deployment, closed.clock)
    closed.isolate = there
    assert (await ask(closed, headers)).status == 200
    closed.isolate = here
    await closed.manage("DELETE", f"tokens/{token['id']}")
    closed.isolate = there

    closed.clock.now += 4_999
    before = await ask(closed, headers)
    closed.clock.now += 1
    after = await ask(closed, headers)

    assert (before.status, after.status) == (200, 401)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"gateways": ["main"]}, 200),
        ({"gateways": ["other", "main"]}, 200),
        ({"gateways": ["other"]}, 401),
        ({"scopes": ["run", "read"]}, 200),
        ({"scopes": ["read", "edit"]}, 401),
    ],
)
async def test_a_token_is_good_for_its_gateways_and_its_scopes(
    closed: Bench, fields: dict[str, object], status: int
) -> None:
    closed.database.add_gateway("other")
    token = (await a_token(closed, **fields))["value"]
    headers = {"cf-aig-authorization": token, "authorization": "Bearer sk"}

    assert (await ask(closed, headers)).status == status


async def test_a_token_of_another_account_opens_nothing(closed: Bench) -> None:
    token = (await a_token(closed))["value"]
    closed.database.connection.execute("UPDATE tokens SET account_id = 'other'")
    closed.clock.now += 5_000
    closed.snapshots.copies.clear()

    assert (await ask(closed, {"cf-aig-authorization": token})).status == 401


async def test_only_the_digest_of_a_token_is_kept(closed: Bench) -> None:
    token = (await a_token(closed))["value"]
    await ask(closed, {"cf-aig-authorization": token, "authorization": "Bearer sk"})

    kept = json.dumps([closed.database.rows("tokens"), closed.snapshots.copies])

    assert token not in kept
    assert tokens.digest(token) in kept


async def test_an_open_gateway_wants_no_token_and_minds_none(bench: Bench) -> None:
    bench.isolate.deployment = replace(bench.isolate.deployment, admin_token=None)

    reply = await ask(bench, {"cf-aig-authorization": "slu_wrong", "authorization": "Bearer sk"})

    assert reply.status == 200
    assert "slu_wrong" not in str(bench.fetch.sent[0])
