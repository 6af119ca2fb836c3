"""What an operator and a browser see: health, cron, preflights, the log API, a broken database."""

import re
import sqlite3
from pathlib import Path

import httpx
import pytest

from callers import Callers
from running import KEY, SERVE, Gateway, post, until

BOUND = ("CACHE", "CONFIG", "COUNTER", "DB", "FLIGHT", "TAIL")
CHAT_REQUEST = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Hello"}]}


def test_health_tells_what_is_bound_and_which_schema_the_database_has(gateway: Gateway) -> None:
    def at_rest() -> httpx.Response | None:
        # Rows of requests before this one may still wait.
        response = httpx.get(f"{gateway.url}/healthz")
        return response if response.json()["logs"]["waiting"] == 0 else None

    response = until(at_rest, "a journal at rest")

    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        # Workers AI is Cloudflare's alone.
        "bindings": {"AI": not SERVE, **dict.fromkeys(BOUND, True)},
        "schema": {"version": 7, "expected": 7},
        "logs": {"lost": 0, "lost_bodies": 0, "waiting": 0},
    }


@pytest.mark.skipif(SERVE, reason="the path is wrangler's; tests/serve sees the cron trigger run")
def test_the_cron_trigger_runs(gateway: Gateway) -> None:
    response = httpx.get(f"{gateway.url}/cdn-cgi/local/scheduled")

    assert (response.status_code, response.text) == (200, "ok")


def test_a_browser_s_preflight_is_answered_before_anything_else(gateway: Gateway) -> None:
    headers = {
        "origin": "https://app.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,cf-aig-metadata",
    }

    response = httpx.options(f"{gateway.url}/v1/local/nobody/openai/chat", headers=headers)

    assert response.status_code == 204
    assert response.headers["access-control-allow-origin"] == "*"
    assert "POST" in response.headers["access-control-allow-methods"]
    allowed = response.headers["access-control-allow-headers"]
    assert allowed == "authorization,cf-aig-metadata"


def test_a_browser_may_read_answers_and_errors(gateway: Gateway) -> None:
    headers = {"origin": "https://app.example"}

    answer = post(f"{gateway.openai}/script/json_answer", json={}, headers=headers)
    error = post(f"{gateway.url}/v1/local/nobody/openai/chat", json={}, headers=headers)

    for response in (answer, error):
        assert response.headers["access-control-allow-origin"] == "*"
        assert response.headers["access-control-expose-headers"] == "*"


def test_the_log_is_listed_newest_first_in_pages(gateway: Gateway) -> None:
    url = f"{gateway.openai}/script/json_answer"
    ids = [gateway.row_of(post(url, json=CHAT_REQUEST))["id"] for _ in range(3)]

    first = gateway.ask("/logs?per_page=2").json()
    second = gateway.ask("/logs?per_page=2&page=2").json()

    assert [row["id"] for row in first["result"]] == [ids[2], ids[1]]
    assert second["result"][0]["id"] == ids[0]
    assert first["success"] is True
    assert first["result_info"]["per_page"] == 2
    assert first["result_info"]["total_count"] >= 3


def test_who_asks_for_the_log_after_a_request_finds_it_there(gateway: Gateway) -> None:
    response = post(f"{gateway.openai}/script/json_answer", json=CHAT_REQUEST)

    newest = gateway.ask("/logs?per_page=1").json()["result"][0]

    assert newest["id"] == response.headers["cf-aig-log-id"]


def test_a_row_shows_its_call(gateway: Gateway) -> None:
    response = post(f"{gateway.openai}/script/json_answer", json=CHAT_REQUEST)

    row = gateway.row_of(response)

    assert (row["provider"], row["path"]) == ("openai", "script/json_answer")
    assert row["model"] == "gpt-5-mini"
    assert (row["tokens_in"], row["tokens_out"]) == (12, 7)
    assert row["usage_metadata"]["input_cached_tokens"] == 4
    assert row["usage_metadata"]["output_reasoning_tokens"] == 3
    assert row["cost"] == pytest.approx(1.61e-05)
    assert row["request_head"] == response.request.content.decode()
    assert row["request_head_complete"] is True
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", row["created_at"])
    assert row["duration"] >= row["timings"]["latency"]


@pytest.mark.parametrize("header", [None, "Bearer wrong", "Basic test-admin-token", "Bearer"])
def test_the_management_api_wants_the_admin_token(gateway: Gateway, header: str | None) -> None:
    headers = {} if header is None else {"authorization": header}

    response = httpx.get(f"{gateway.management}/logs", headers=headers)

    assert response.status_code == 401
    assert response.json()["errors"] == [{"code": 10000, "message": "Authentication error"}]


def test_a_log_that_cannot_be_written_breaks_no_answer_and_is_reported(gateway: Gateway) -> None:
    with database(gateway.state) as connection:
        connection.execute("ALTER TABLE logs RENAME TO logs_away")
        connection.commit()
        try:
            response = post(f"{gateway.openai}/script/json_answer", json=CHAT_REQUEST)
            until(lambda: report(gateway), "a report on the console")
        finally:
            connection.execute("ALTER TABLE logs_away RENAME TO logs")
            connection.commit()
    connection.close()

    assert response.status_code == 200


def test_a_thousand_requests_at_once_lose_nothing(gateway: Gateway) -> None:
    before = gateway.ask("/logs").json()["result_info"]["total_count"]

    with Callers(32, headers=KEY) as callers:

        def ask(_: int) -> str:
            response = callers.post(f"{gateway.openai}/chat/completions", json=CHAT_REQUEST)
            assert response.is_success, f"{response.status_code}: {response.text}"
            assert response.json()["choices"][0]["message"]["content"]
            return response.headers["cf-aig-log-id"]

        ids = set(callers.map(ask, range(1000)))

    assert len(ids) == 1000
    until(lambda: counted(gateway, before + 1000), "1,000 rows")


def counted(gateway: Gateway, expected: int) -> bool | None:
    return gateway.ask("/logs").json()["result_info"]["total_count"] == expected or None


def report(gateway: Gateway) -> bool | None:
    return "1 log rows are lost" in gateway.printed() or None


def database(state: Path) -> sqlite3.Connection:
    for file in state.rglob("d1/**/*.sqlite"):
        connection = sqlite3.connect(file)
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'logs'").fetchone():
            return connection
        connection.close()
    raise AssertionError("no database with logs")
