"""The audit log on the real database: who changed what, what was before and after, no secrets."""

from typing import Any

import httpx

from running import SETTINGS, Gateway, post

NAME = "audited"
SECRETS = ("sk-stored-0123456789", "otel-header-0123456789", "otel-token-0123456789")
KEY = {"provider_slug": "openai", "secret": SECRETS[0]}
OTEL = {
    "url": "https://otel.example.com/v1/traces",
    "headers": {"x-key": SECRETS[1]},
    "authorization": f"Bearer {SECRETS[2]}",
}
HERE = f"/gateways/{NAME}"


def audited(gateway: Gateway) -> list[dict[str, Any]]:
    """Return what the audit log tells of the gateway of this test, the oldest first."""
    rows = gateway.manage("GET", "/audit-logs?per_page=50")
    return [row for row in rows[::-1] if NAME in (row["resource_id"], row["gateway_id"])]


def ask(gateway: Gateway, token: str, method: str, path: str, body: Any = None) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"}
    return httpx.request(method, gateway.account + path, json=body, headers=headers, timeout=30)


def test_every_change_is_told_with_who_made_it_and_without_secrets(gateway: Gateway) -> None:
    admin = gateway.admin_token
    editor = gateway.manage("POST", "/tokens", {"name": "editor", "scopes": ["edit"]})

    def done(token: str, method: str, path: str, body: Any = None) -> tuple[Any, str]:
        answer = ask(gateway, token, method, path, body)
        assert answer.is_success, answer.text
        return answer.json()["result"], answer.headers["cf-aig-request-id"]

    made, first = done(admin, "POST", "/gateways", SETTINGS | {"id": NAME, "otel": [OTEL]})
    key, second = done(admin, "POST", f"{HERE}/provider_configs", KEY)
    changed, third = done(editor["value"], "PUT", HERE, made | {"cache_ttl": 60})
    _, fourth = done(editor["value"], "DELETE", f"{HERE}/provider_configs/{key['id']}")
    _, fifth = done(admin, "DELETE", HERE)
    gateway.manage("DELETE", f"/tokens/{editor['id']}")

    rows = audited(gateway)
    assert [row["id"] for row in rows] == [first, second, third, fourth, fifth]
    assert [(row["actor"], row["action"], row["resource"], row["outcome"]) for row in rows] == [
        ("admin", "create", "gateway", "done"),
        ("admin", "create", "provider_config", "done"),
        (editor["id"], "replace", "gateway", "done"),
        (editor["id"], "delete", "provider_config", "done"),
        ("admin", "delete", "gateway", "done"),
    ]
    sides = [(row["before"], row["after"]) for row in rows]
    assert sides == [(None, made), (None, key), (made, changed), (key, None), (changed, None)]
    assert [one["otel"][0]["headers"] for one in (made, changed)] == [{"x-key": "***"}] * 2
    assert made["otel"][0]["authorization"] == "***"
    assert changed["cache_ttl"] == 60
    assert not [secret for secret in SECRETS if secret.encode() in gateway.at_rest()]


def test_of_a_row_of_the_log_its_judgement_alone_is_told(gateway: Gateway) -> None:
    with gateway.another(NAME) as judged:
        row = judged.row_of(post(f"{judged.openai}/script/json_answer", json={"model": "m-1"}))
        told = {"feedback": -1, "metadata": {"team": "blue"}}
        gateway.manage("PATCH", f"{HERE}/logs/{row['id']}", told)

        [change] = [one for one in audited(gateway) if one["action"] == "judge"]

    assert (change["actor"], change["resource"], change["resource_id"]) == (
        "admin",
        "log",
        row["id"],
    )
    assert change["before"] == {"feedback": None, "score": None, "metadata": None}
    assert change["after"] == told | {"score": None}


def test_a_change_that_is_refused_and_a_look_leave_no_row(gateway: Gateway) -> None:
    reader = gateway.manage("POST", "/tokens", {"name": "reader", "scopes": ["read"]})
    before = gateway.manage("GET", "/audit-logs?per_page=50")

    refused = [
        ask(gateway, reader["value"], "DELETE", "/gateways/default"),
        ask(gateway, reader["value"], "GET", "/audit-logs"),
        ask(gateway, gateway.admin_token, "PUT", "/gateways/default", {}),
        ask(gateway, gateway.admin_token, "DELETE", "/gateways/nobody"),
    ]
    looked = ask(gateway, reader["value"], "GET", "/gateways/default")

    assert [one.status_code for one in refused] == [403, 403, 400, 404]
    assert looked.status_code == 200
    assert gateway.manage("GET", "/audit-logs?per_page=50") == before
    gateway.manage("DELETE", f"/tokens/{reader['id']}")
