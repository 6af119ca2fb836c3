"""Metrics, read from a gateway that runs by Prometheus' own parser."""

import json
import time
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from logs.periods import HOUR_MS, MARK_DUE, first_id, moment
from running import SERVE, Gateway, post
from worker.test_service import database

CHAT: dict[str, Any] = {"model": "gpt-5-mini", "messages": []}


def an_hour_ago(measured: Gateway) -> None:
    """Let the rows of a gateway be an hour older than they are."""
    number = measured.manage("GET", f"/gateways/{measured.name}")["internal_id"]
    now = round(time.time() * 1000)
    with database(measured.state) as connection:
        ids = connection.execute("SELECT id FROM logs WHERE gateway_id = ?", (number,)).fetchall()
        for (log_id,) in ids:
            older = first_id(moment(log_id) - HOUR_MS) + log_id[13:]
            connection.execute("UPDATE logs SET id = ? WHERE id = ?", (older, log_id))
            hours = json.dumps([[number, (now - HOUR_MS) // HOUR_MS * HOUR_MS]])
            connection.execute(MARK_DUE, (hours,))
    connection.close()


@pytest.mark.skipif(SERVE, reason="the path that counts the hour is wrangler's")
def test_what_a_gateway_did_is_told(gateway: Gateway) -> None:
    with gateway.another("measured") as measured:
        for _ in range(2):
            measured.row_of(post(f"{measured.openai}/script/json_answer", json=CHAT, timeout=60))

        an_hour_ago(measured)
        assert httpx.get(f"{gateway.url}/cdn-cgi/local/scheduled", timeout=60).text == "ok"
        headers = {"authorization": f"Bearer {gateway.admin_token}"}
        answer = httpx.get(f"{gateway.url}/metrics", headers=headers, timeout=60)

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {one.name: one for one in text_string_to_metric_families(answer.text)}
    mine: dict[str, list[float]] = {}
    for family in families.values():
        for one in family.samples:
            if one.labels.get("gateway") == "measured":
                mine.setdefault(one.name, []).append(one.value)
    assert (mine["sluice_requests_total"], mine["sluice_attempts_total"]) == ([2], [2])
    assert mine["sluice_tokens_in_total"] == [24]
    assert mine["sluice_latency_seconds_count"] == [2, 2]
    assert [one.value for one in families["sluice_log_lost"].samples] == [0]


def test_a_stranger_learns_nothing(gateway: Gateway) -> None:
    assert httpx.get(f"{gateway.url}/metrics").status_code == 401
