"""Tokens, made and revoked through the management API."""

import hashlib
import json
from typing import Any

import pytest

from call import Reply, Request
from fakes import Bench, FakeBody, a_request, an_answer, told
from management import result

ACCOUNTS = "https://sluice.test/client/v4/accounts"
TOKENS = "acme/ai-gateway/tokens"
NONE = "01975a5c-f680-7000-8000-000000000000"


async def ask(
    bench: Bench, method: str, path: str = TOKENS, body: object = None, token: str = "secret"
) -> Reply:
    content = None if body is None else FakeBody(json.dumps(body))
    headers = {"authorization": f"Bearer {token}"}
    return await bench.handle(Request(method, f"{ACCOUNTS}/{path}", headers, content))


async def made(bench: Bench, **body: object) -> dict[str, Any]:
    return result(await ask(bench, "POST", body={"name": "ci"} | body))


async def sent(bench: Bench, token: str, gateway: str = "acme/team-a") -> int:
    """Send a request through a gateway, and return the status that the caller sees."""
    bench.fetch.script[:] = [an_answer("{}")]
    url = f"https://sluice.test/v1/{gateway}/openai/models"
    return (await bench.handle(a_request({"cf-aig-authorization": token}, url=url))).status


async def deleted(bench: Bench, gateway: str) -> Reply:
    return await ask(bench, "DELETE", f"acme/ai-gateway/gateways/{gateway}")


@pytest.fixture(autouse=True)
def _closed_gateways(bench: Bench) -> None:
    for name in ("team-a", "team-b"):
        bench.database.add_gateway(name, "{}")


async def test_a_token_is_shown_once_and_only_its_digest_is_kept(bench: Bench) -> None:
    token = await made(bench)

    value = token.pop("value")
    assert value.startswith("slu_")
    assert token["preview"] == f"…{value[-4:]}"
    assert token == result(await ask(bench, "GET", f"{TOKENS}/{token['id']}"))
    assert [token] == result(await ask(bench, "GET"))
    kept = "".join(bench.database.connection.iterdump())
    assert value not in kept
    assert hashlib.sha256(value.encode()).hexdigest() in kept


async def test_no_two_tokens_are_alike(bench: Bench) -> None:
    assert (await made(bench))["value"] != (await made(bench))["value"]


async def test_unless_it_says_otherwise_a_token_runs_every_gateway_for_ever(bench: Bench) -> None:
    token = await made(bench)

    assert (token["scopes"], token["gateways"], token["expires_at"]) == (["run"], None, None)
    assert token["created_at"] == "2025-06-15T15:06:40.000Z"
    bench.clock.now += 10 * 365 * 86_400_000
    assert await sent(bench, token["value"]) == 200
    assert await sent(bench, token["value"], "acme/team-b") == 200


async def test_a_token_comes_back_as_it_was_asked_for(bench: Bench) -> None:
    token = await made(
        bench,
        scopes=["run", "read", "run"],
        gateways=["team-a"],
        expires_at="2026-01-01T01:00:00+01:00",
    )

    assert token["scopes"] == ["read", "run"]
    assert token["gateways"] == ["team-a"]
    assert token["expires_at"] == "2026-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"name": ""}, ["name"]),
        ({"name": "x" * 65}, ["name"]),
        ({"name": 5}, ["name"]),
        ({"name": None}, ["name"]),
        ({"scopes": []}, ["scopes"]),
        ({"scopes": "run"}, ["scopes"]),
        ({"scopes": ["run", "admin"]}, ["scopes", "1"]),
        ({"gateways": []}, ["gateways"]),
        ({"gateways": "team-a"}, ["gateways"]),
        ({"gateways": [1]}, ["gateways", "0"]),
        ({"gateways": ["team-a", "nobody"]}, ["gateways", "1"]),
        ({"gateways": ["team-a"] * 101}, ["gateways"]),
        ({"expires_at": "tomorrow"}, ["expires_at"]),
        ({"expires_at": "2030-01-01"}, ["expires_at"]),
        ({"expires_at": "2030-01-01T00:00:00"}, ["expires_at"]),
        ({"expires_at": "20300101000000"}, ["expires_at"]),
        ({"expires_at": 1_893_456_000}, ["expires_at"]),
        ({"expires_at": "9999-12-31T23:59:59-12:00"}, ["expires_at"]),
        ({"expires_at": "2025-06-15T15:06:40Z"}, ["expires_at"]),
        ({"expires_at": "2020-01-01T00:00:00Z"}, ["expires_at"]),
        ({"value": "slu_mine"}, ["value"]),
        ({"colour": "red"}, ["colour"]),
    ],
)
async def test_a_field_that_breaks_its_rule_is_refused_with_its_path(
    bench: Bench, change: dict[str, Any], path: list[str]
) -> None:
    reply = await ask(bench, "POST", body={"name": "ci"} | change)

    errors = told(reply)["errors"]
    assert reply.status == 400
    assert [(error["code"], error["path"]) for error in errors] == [(7001, ["body", *path])]
    assert bench.database.rows("tokens") == []


async def test_a_token_has_a_name(bench: Bench) -> None:
    reply = await ask(bench, "POST", body={})

    assert [error["path"] for error in told(reply)["errors"]] == [["body", "name"]]


async def test_a_token_opens_the_gateway_at_once_for_whoever_was_refused_before(
    bench: Bench,
) -> None:
    assert await sent(bench, "slu_none") == 401

    token = await made(bench)

    assert await sent(bench, token["value"]) == 200


async def test_a_revoked_token_no_longer_opens_the_gateway(bench: Bench) -> None:
    token, other = await made(bench), await made(bench)
    assert await sent(bench, token["value"]) == 200
    assert "gateway:acme:team-a" in bench.snapshots.copies

    revoked = result(await ask(bench, "DELETE", f"{TOKENS}/{token['id']}"))

    assert revoked["id"] == token["id"]
    assert "gateway:acme:team-a" not in bench.snapshots.copies
    assert await sent(bench, token["value"]) == 401
    assert await sent(bench, other["value"]) == 200


async def test_an_expired_token_no_longer_opens_the_gateway(bench: Bench) -> None:
    token = await made(bench, expires_at="2025-06-15T15:06:41Z")
    assert await sent(bench, token["value"]) == 200

    bench.clock.now += 1_000

    assert await sent(bench, token["value"]) == 401


async def test_a_token_for_one_gateway_opens_no_other(bench: Bench) -> None:
    token = await made(bench, gateways=["team-a"])

    assert await sent(bench, token["value"]) == 200
    assert await sent(bench, token["value"], "acme/team-b") == 401


@pytest.mark.parametrize("scope", ["read", "edit"])
async def test_a_token_without_the_scope_run_sends_no_requests(bench: Bench, scope: str) -> None:
    token = await made(bench, scopes=[scope])

    assert await sent(bench, token["value"]) == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("POST", ""), ("GET", f"/{NONE}"), ("DELETE", f"/{NONE}"), ("GET", "/a/b")],
)
async def test_only_the_admin_token_makes_and_sees_tokens(
    bench: Bench, method: str, path: str
) -> None:
    token = await made(bench, scopes=["run", "read", "edit"])

    reply = await ask(bench, method, TOKENS + path, {"name": "more"}, token["value"])

    assert (reply.status, told(reply)["errors"][0]["code"]) == (403, 10000)
    assert len(bench.database.rows("tokens")) == 1


async def test_an_account_sees_and_revokes_its_own_tokens_alone(bench: Bench) -> None:
    token = await made(bench)
    theirs = "other/ai-gateway/tokens"

    assert result(await ask(bench, "GET", theirs)) == []
    assert (await ask(bench, "GET", f"{theirs}/{token['id']}")).status == 404
    assert (await ask(bench, "DELETE", f"{theirs}/{token['id']}")).status == 404
    assert await sent(bench, token["value"]) == 200


async def test_a_token_opens_no_gateway_of_another_account(bench: Bench) -> None:
    sql = "INSERT INTO gateways VALUES (NULL, 'other', 'team-a', '{}', 0, 0, '{}')"
    bench.database.connection.execute(sql)
    token = await made(bench)

    assert await sent(bench, token["value"], "other/team-a") == 401


async def test_a_gateway_of_another_account_cannot_be_named(bench: Bench) -> None:
    reply = await ask(
        bench, "POST", "other/ai-gateway/tokens", {"name": "ci", "gateways": ["team-a"]}
    )

    assert [error["path"] for error in told(reply)["errors"]] == [["body", "gateways", "0"]]


async def test_tokens_are_listed_in_pages_the_newest_first(bench: Bench) -> None:
    for name in ("first", "second", "third"):
        bench.clock.now += 1
        await made(bench, name=name)

    reply = await ask(bench, "GET", f"{TOKENS}?per_page=2&page=1")

    assert [token["name"] for token in result(reply)] == ["third", "second"]
    info = {"page": 1, "per_page": 2, "count": 2, "total_count": 3}
    assert told(reply)["result_info"] == info


async def test_a_bad_page_is_refused(bench: Bench) -> None:
    reply = await ask(bench, "GET", f"{TOKENS}?per_page=51")

    assert (reply.status, told(reply)["errors"][0]["code"]) == (400, 7001)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_a_token_that_does_not_exist_is_not_found(bench: Bench, method: str) -> None:
    reply = await ask(bench, method, f"{TOKENS}/{NONE}")

    assert (reply.status, told(reply)["errors"][0]["code"]) == (404, 7002)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("PUT", "", "GET, POST, HEAD"), ("PATCH", f"/{NONE}", "GET, DELETE, HEAD")],
)
async def test_a_token_cannot_be_changed(
    bench: Bench, method: str, path: str, allowed: str
) -> None:
    reply = await ask(bench, method, TOKENS + path)

    assert (reply.status, reply.headers["allow"]) == (405, allowed)


async def test_a_token_for_a_deleted_gateway_alone_goes_with_it(bench: Bench) -> None:
    own = await made(bench, gateways=["team-a"])
    both = await made(bench, gateways=["team-a", "team-b"])
    every = await made(bench)

    result(await deleted(bench, "team-a"))

    left = {token["id"]: token["gateways"] for token in result(await ask(bench, "GET"))}
    assert left == {both["id"]: ["team-b"], every["id"]: None}
    bench.database.add_gateway("team-a", "{}")
    bench.clock.now += 5_000
    assert await sent(bench, own["value"]) == 401
    assert await sent(bench, both["value"]) == 401
    assert await sent(bench, both["value"], "acme/team-b") == 200
    assert await sent(bench, every["value"]) == 200


async def test_tokens_of_other_accounts_stay(bench: Bench) -> None:
    bench.database.connection.execute("UPDATE gateways SET account_id = 'zoo' WHERE id = 'main'")
    other = await ask(bench, "POST", "zoo/ai-gateway/tokens", {"name": "ci", "gateways": ["main"]})
    bench.database.add_gateway("main")

    result(await deleted(bench, "main"))

    listed = result(await ask(bench, "GET", "zoo/ai-gateway/tokens"))
    assert [token["id"] for token in listed] == [result(other)["id"]]
