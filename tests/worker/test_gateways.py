"""A gateway from its making to its end, on the real database and its snapshots."""

from collections.abc import Iterator

import httpx
import pytest

from running import SETTINGS, Gateway, post, until


@pytest.fixture
def management(gateway: Gateway) -> Iterator[httpx.Client]:
    base_url = f"{gateway.url}/client/v4/accounts/local/ai-gateway"
    headers = {"authorization": f"Bearer {gateway.admin_token}"}
    with httpx.Client(base_url=base_url, headers=headers) as client:
        yield client


def test_a_gateway_is_made_closed_opened_and_deleted(
    gateway: Gateway, management: httpx.Client
) -> None:
    chat = f"{gateway.url}/v1/local/team-a/openai/script/json_answer"
    token = {"cf-aig-authorization": f"Bearer {gateway.admin_token}"}

    made = management.post("/gateways", json={"id": "team-a"} | SETTINGS)

    assert made.json()["result"]["authentication"] is True
    closed = post(chat, json={})
    assert (closed.status_code, closed.json()["error"][0]["code"]) == (401, 2009)
    assert post(chat, json={}, headers=token).status_code == 200
    logs = management.get("/gateways/team-a/logs").json()["result"]
    assert [row["status_code"] for row in logs] == [200, 401]

    management.put("/gateways/team-a", json=SETTINGS | {"authentication": False}).raise_for_status()

    until(lambda: post(chat, json={}).is_success or None, "the change to be seen")

    management.delete("/gateways/team-a").raise_for_status()

    until(lambda: post(chat, json={}).status_code == 400 or None, "the end to be seen")
    assert management.get("/gateways/team-a").status_code == 404
    assert management.get("/gateways/team-a/logs").status_code == 404


def test_a_setting_that_breaks_its_rule_is_refused_with_its_path(
    management: httpx.Client,
) -> None:
    response = management.post("/gateways", json={"id": "team-b"} | SETTINGS | {"cache_ttl": -1})

    assert response.status_code == 400
    assert response.json()["errors"][0]["path"] == ["body", "cache_ttl"]


@pytest.mark.parametrize("length", [1_000_001, 2_500_000])
def test_a_body_that_is_too_long_is_refused_and_one_that_is_not_is_kept(
    management: httpx.Client, length: int
) -> None:
    def put(text: str) -> httpx.Response:
        body = SETTINGS | {"authentication": False, "store_id": text}
        return management.put("/gateways/default", json=body, timeout=60)

    refused, kept = put("x" * length), put("x" * 990_000)

    assert [one["path"] for one in refused.json()["errors"]] == [["body"]]
    assert "1,000,000 bytes" in refused.json()["errors"][0]["message"]
    assert (refused.status_code, kept.status_code) == (400, 200)
    put("").raise_for_status()
