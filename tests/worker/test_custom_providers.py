"""Providers that an operator adds, on the real database."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from running import Gateway, until
from worker.scripted import ScriptedUpstream
from worker.scripts import CHAT

# The slug is the one that local runs replace the address of.
OURS = {
    "name": "Our own",
    "slug": "ours",
    "base_url": "https://models.example.com/base/v1",
    "enable": True,
    "headers": json.dumps({"X-Team": "blue", "Authorization": "Bearer sk-of-the-operator-42"}),
}


@pytest.fixture
def ours(gateway: Gateway) -> Iterator[dict[str, Any]]:
    """Add a provider with headers of its own."""
    made = gateway.manage("POST", "/custom-providers", OURS)
    yield made
    if gateway.manage("GET", "/custom-providers?search=ours"):
        gateway.manage("DELETE", f"/custom-providers/{made['id']}")


def post(gateway: Gateway, path: str = "script/json_answer", **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    url = f"{gateway.address}/custom-ours/{path}"
    return httpx.post(url, json={"model": "m-1"}, headers=named)


def test_a_request_reaches_a_provider_of_our_own(
    gateway: Gateway, upstream: ScriptedUpstream, ours: dict[str, Any]
) -> None:
    response = post(gateway, "script/json_answer?a=%2F", x_api_key="k")

    assert response.content == CHAT
    assert upstream.last().target == "/custom-ours/script/json_answer?a=%2F"
    assert upstream.last().header("x-api-key") == "k"
    row = gateway.row_of(response)
    assert (row["provider"], row["model"], row["success"]) == ("custom-ours", "m-1", True)
    assert (row["tokens_in"], row["tokens_out"]) == (12, 7)


def test_the_operator_s_headers_are_sent(
    gateway: Gateway, upstream: ScriptedUpstream, ours: dict[str, Any]
) -> None:
    post(gateway)

    assert upstream.last().header("x-team") == "blue"
    assert upstream.last().header("authorization") == "Bearer sk-of-the-operator-42"


def test_the_operator_s_headers_are_shown_without_their_values(
    gateway: Gateway, ours: dict[str, Any]
) -> None:
    shown = gateway.manage("GET", f"/custom-providers/{ours['id']}")

    assert json.loads(shown["headers"]) == {"x-team": "***", "authorization": "***"}
    assert shown["base_url"] == OURS["base_url"]
    assert "sk-of-the-operator" not in json.dumps([ours, shown])


def test_the_operator_s_headers_never_lie_anywhere_in_the_clear(
    gateway: Gateway, ours: dict[str, Any]
) -> None:
    gateway.row_of(post(gateway))

    files = gateway.at_rest()

    assert b"models.example.com" in files
    assert b"sk-of-the-operator" not in files


def test_a_key_can_be_stored_for_a_provider_of_our_own(
    gateway: Gateway, upstream: ScriptedUpstream, ours: dict[str, Any]
) -> None:
    gateway.manage("PATCH", f"/custom-providers/{ours['id']}", {"headers": None})
    with gateway.another("stores-ours") as other:
        other.store("custom-ours", "sk-stored-for-ours")

        response = post(other)

    assert response.content == CHAT
    assert upstream.last().header("authorization") == "Bearer sk-stored-for-ours"


def test_a_provider_of_our_own_may_be_a_fallback(
    gateway: Gateway, upstream: ScriptedUpstream, ours: dict[str, Any]
) -> None:
    first = {"provider": "openai", "endpoint": "script/slam", "query": {"model": "to-ours"}}
    second = {"provider": "custom-ours", "endpoint": "script/stream", "query": {"stream": True}}
    first["headers"] = {"authorization": "Bearer k"}

    response = httpx.post(gateway.address, json=[first, second])

    assert response.headers["cf-aig-step"] == "1"
    assert response.text.endswith("data: [DONE]\n\n")
    assert upstream.last().target == "/custom-ours/script/stream"


def test_a_provider_that_is_switched_off_or_gone_is_unknown(
    gateway: Gateway, ours: dict[str, Any]
) -> None:
    one = f"/custom-providers/{ours['id']}"
    assert post(gateway).status_code == 200

    gateway.manage("PATCH", one, {"enable": False})
    off = until(lambda: refused(post(gateway)), "the switch to be seen")
    gateway.manage("PATCH", one, {"enable": True})
    until(lambda: post(gateway).is_success or None, "the switch to be seen")
    gateway.manage("DELETE", one)
    gone = until(lambda: refused(post(gateway)), "the end to be seen")

    assert off["internalCode"] == gone["internalCode"] == 2008
    assert "custom-ours" not in gone["message"].partition("Known")[2]


def refused(response: httpx.Response) -> dict[str, Any] | None:
    return response.json() if response.status_code == 400 else None


def test_a_slug_is_taken_once(gateway: Gateway, ours: dict[str, Any]) -> None:
    headers = {"authorization": f"Bearer {gateway.admin_token}"}

    again = httpx.post(f"{gateway.account}/custom-providers", json=OURS, headers=headers)
    missing = httpx.get(f"{gateway.account}/custom-providers/nobody", headers=headers)

    assert (again.status_code, again.json()["errors"][0]["code"]) == (409, 1003)
    assert (missing.status_code, missing.json()["errors"][0]["code"]) == (404, 1004)
