"""Metrics, read from a gateway that runs by Prometheus' own parser."""

from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from running import Gateway, post

CHAT: dict[str, Any] = {"model": "gpt-5-mini", "messages": []}


def test_what_a_gateway_did_is_told(gateway: Gateway) -> None:
    with gateway.another("measured") as measured:
        for _ in range(2):
            measured.row_of(post(f"{measured.openai}/script/json_answer", json=CHAT, timeout=60))

        headers = {"authorization": f"Bearer {gateway.admin_token}"}
        answer = httpx.get(f"{gateway.url}/metrics", headers=headers, timeout=60)

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {one.name: one for one in text_string_to_metric_families(answer.text)}
    mine = {
        name: [one.value for one in family.samples if one.labels.get("gateway") == "measured"]
        for name, family in families.items()
    }
    assert (mine["sluice_requests"], mine["sluice_attempts"]) == ([2], [2])
    assert mine["sluice_tokens_in"] == [24]
    assert len(mine["sluice_latency_seconds"]) == 6
    assert [one.value for one in families["sluice_log_lost"].samples] == [0]


def test_a_stranger_learns_nothing(gateway: Gateway) -> None:
    assert httpx.get(f"{gateway.url}/metrics").status_code == 401
