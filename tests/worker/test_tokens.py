"""The gateway's own tokens, on the real database."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from running import Gateway, until
from worker.scripted import ScriptedUpstream
from worker.scripts import CHAT

Token = dict[str, Any]


@pytest.fixture(scope="module")
def closed(gateway: Gateway) -> Iterator[Gateway]:
    """Return a gateway that wants a token, and stores a key."""
    with gateway.another("wants-a-token", authentication=True) as other:
        other.store("openai", "sk-stored")
        other.store("anthropic", "sk-ant-stored")
        yield other


@pytest.fixture
def token(closed: Gateway) -> Iterator[Token]:
    """Make a token that may send requests."""
    made = closed.manage("POST", "/tokens", {"name": "a team"})
    yield made
    listed: list[Token] = closed.manage("GET", "/tokens")
    if any(one["id"] == made["id"] for one in listed):
        closed.manage("DELETE", f"/tokens/{made['id']}")


def send(gateway: Gateway, headers: dict[str, str], path: str = "openai") -> httpx.Response:
    url = f"{gateway.address}/{path}/script/json_answer"
    return httpx.post(url, json={"model": "m-1"}, headers=headers)


def bearer(token: Token) -> dict[str, str]:
    return {"cf-aig-authorization": f"Bearer {token['value']}"}


def test_a_token_opens_a_closed_gateway_and_stays_with_it(
    closed: Gateway, upstream: ScriptedUpstream, token: Token
) -> None:
    response = send(closed, bearer(token))

    assert response.content == CHAT
    assert upstream.last().header("authorization") == "Bearer sk-stored"
    assert token["value"] not in str(upstream.last().headers)
    row = closed.row_of(response)
    assert (row["token_id"], row["authentication"]) == (token["id"], True)


@pytest.mark.parametrize(
    ("header", "form"),
    [
        ("cf-aig-authorization", "{}"),
        ("authorization", "Bearer {}"),
        ("x-api-key", "{}"),
        ("x-goog-api-key", "{}"),
        ("api-key", "{}"),
    ],
)
def test_sdks_may_send_the_token_where_they_send_keys(
    closed: Gateway, upstream: ScriptedUpstream, token: Token, header: str, form: str
) -> None:
    response = send(closed, {header: form.format(token["value"])}, "anthropic")

    assert response.status_code == 200
    assert upstream.last().header("x-api-key") == "sk-ant-stored"
    assert token["value"] not in str(upstream.last().headers)


@pytest.mark.parametrize("given", [{}, {"cf-aig-authorization": "Bearer slu_of-nobody"}])
def test_without_the_right_token_nobody_is_let_in(
    closed: Gateway, upstream: ScriptedUpstream, given: dict[str, str]
) -> None:
    before = len(upstream.requests)

    response = send(closed, {"authorization": "Bearer sk-own"} | given)

    assert (response.status_code, response.json()["error"][0]["code"]) == (401, 2009)
    assert len(upstream.requests) == before
    assert closed.row_of(response)["status_code"] == 401


def test_a_universal_request_wants_a_token_too(closed: Gateway, token: Token) -> None:
    entry = {"provider": "openai", "endpoint": "script/json_answer", "query": {"model": "m-1"}}

    refused = httpx.post(closed.address, json=[entry])
    answered = httpx.post(closed.address, json=[entry], headers=bearer(token))

    assert (refused.status_code, answered.status_code) == (401, 200)
    assert answered.content == CHAT


def test_a_revoked_token_stops_working(closed: Gateway, token: Token) -> None:
    assert send(closed, bearer(token)).status_code == 200

    closed.manage("DELETE", f"/tokens/{token['id']}")

    until(lambda: send(closed, bearer(token)).status_code == 401 or None, "the end of the token")


def test_a_token_stops_working_when_its_time_is_over(closed: Gateway) -> None:
    end = datetime.now(UTC) + timedelta(seconds=3)
    asked = {"name": "short", "expires_at": end.isoformat()}
    token = closed.manage("POST", "/tokens", asked)
    assert send(closed, bearer(token)).status_code == 200

    until(lambda: send(closed, bearer(token)).status_code == 401 or None, "the end of the token")

    assert datetime.now(UTC) >= end
    closed.manage("DELETE", f"/tokens/{token['id']}")


def test_a_token_of_another_gateway_opens_nothing_here(closed: Gateway) -> None:
    asked = {"name": "elsewhere", "gateways": ["default"]}
    token = closed.manage("POST", "/tokens", asked)

    assert send(closed, bearer(token)).status_code == 401

    closed.manage("DELETE", f"/tokens/{token['id']}")


def test_a_token_that_reads_may_not_send_nor_change(closed: Gateway) -> None:
    asked = {"name": "reader", "scopes": ["read"]}
    token = closed.manage("POST", "/tokens", asked)
    headers = {"authorization": f"Bearer {token['value']}"}

    read = httpx.get(f"{closed.management}/logs", headers=headers)
    changed = httpx.delete(closed.management, headers=headers)
    made = httpx.post(f"{closed.account}/tokens", json={"name": "mine"}, headers=headers)

    assert (read.status_code, changed.status_code, made.status_code) == (200, 403, 403)
    assert send(closed, bearer(token)).status_code == 401
    closed.manage("DELETE", f"/tokens/{token['id']}")


def test_a_token_never_lies_anywhere_in_the_clear(closed: Gateway, token: Token) -> None:
    closed.row_of(send(closed, bearer(token)))
    shown = closed.manage("GET", f"/tokens/{token['id']}")

    files = closed.at_rest()

    assert token["id"].encode() in files
    assert token["value"].encode() not in files
    assert token["value"] not in str(shown)
