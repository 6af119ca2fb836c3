"""The log on the real database: bodies, filters, judgement, charts, the cron trigger."""

import contextlib
import json
import sqlite3
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest

from running import SERVE, Gateway, post, until
from worker.scripted import ScriptedUpstream

CHAT = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Hello"}]}


def managed(gateway: Gateway, method: str, path: str, body: object = None) -> httpx.Response:
    headers = {"authorization": f"Bearer {gateway.admin_token}"}
    return httpx.request(method, gateway.management + path, json=body, headers=headers, timeout=60)


def test_bodies_come_back_as_they_went(gateway: Gateway) -> None:
    sent = json.dumps(CHAT | {"user": "é🛷"})

    answer = post(
        f"{gateway.openai}/script/json_answer",
        content=sent.encode(),
        headers={"content-type": "application/json"},
    )
    log_id = gateway.row_of(answer)["id"]

    assert managed(gateway, "GET", f"/logs/{log_id}/request").text == sent
    assert managed(gateway, "GET", f"/logs/{log_id}/response").text == answer.text


def test_bytes_that_are_no_text_are_marked_in_the_log_and_reach_the_provider_as_they_are(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    # A byte order mark; then half a character, half a pair and a byte that is in none.
    broken = b"\xe2\x82 \xed\xa0\x80 \xff"
    sent = b"\xef\xbb\xbf" + json.dumps(CHAT | {"user": "…"}, ensure_ascii=False).encode()
    sent = sent.replace("…".encode(), broken)

    answer = post(
        f"{gateway.openai}/script/json_answer",
        content=sent,
        headers={"content-type": "application/json"},
    )
    log_id = gateway.row_of(answer)["id"]

    assert upstream.last().body == sent
    told = managed(gateway, "GET", f"/logs/{log_id}/request").text
    assert json.loads(told)["user"] == "\ufffd \ufffd\ufffd\ufffd \ufffd"


@pytest.mark.parametrize("letter", ["x", "é", '"'])
def test_a_body_of_several_megabytes_comes_back_whole(gateway: Gateway, letter: str) -> None:
    text = json.dumps(CHAT | {"user": letter * 2_500_000}, ensure_ascii=False)

    answer = post(
        f"{gateway.openai}/script/json_answer",
        content=text.encode(),
        headers={"content-type": "application/json"},
        timeout=60,
    )
    row = gateway.row_of(answer)

    def look() -> str | None:
        found = managed(gateway, "GET", f"/logs/{row['id']}/request")
        return found.text if found.is_success else None

    assert until(look, "the body", patience=60) == text
    assert row["request_size"] == len(text.encode())


def test_rows_are_found_by_filters_judged_and_deleted(gateway: Gateway) -> None:
    with gateway.another(f"test-{uuid4().hex}") as own:
        for name in ("a", "b"):
            headers = {"cf-aig-metadata": json.dumps({"team": name, "beta": True})}
            own.row_of(post(f"{own.openai}/script/json_answer", json=CHAT, headers=headers))
        query = "filters.key=metadata.value&filters.operator=eq&filters.value=b"

        found = own.ask(
            f"/logs?{query}&meta_info=true&min_duration=0&order_by=duration&start_date=2020-01-01"
        ).json()

        [row] = found["result"]
        assert (row["metadata"], found["result_info"]["total_count"]) == (
            {"team": "b", "beta": True},
            1,
        )
        assert found["result_info"]["max_duration"] == row["duration"]
        changed = managed(own, "PATCH", f"/logs/{row['id']}", {"feedback": 1, "score": 7.5})
        assert changed.json()["result"]["feedback"] == 1
        assert own.ask("/logs?feedback=1").json()["result_info"]["total_count"] == 1
        assert own.ask("/logs").json()["result_info"]["total_count"] == 2
        deleted = managed(own, "DELETE", f"/logs?{query}")
        assert deleted.json()["result"] == {"deleted": 1}
        assert own.ask("/logs").json()["result_info"]["total_count"] == 1
        assert managed(own, "GET", f"/logs/{row['id']}/request").status_code == 404


def test_texts_are_found_in_any_letters_and_with_quotes(gateway: Gateway) -> None:
    def found(text: str) -> int:
        values = [*map(str, range(59)), text]
        asked = [{"key": "metadata.value", "operator": "contains", "value": values}]
        one = own.ask(f"/logs?search={quote(text)}").json()["result_info"]["total_count"]
        many = own.ask(f"/logs?filters={quote(json.dumps(asked))}").json()
        assert many["result_info"]["total_count"] == one
        return one

    with gateway.another(f"test-{uuid4().hex}") as own:
        headers = {"cf-aig-metadata": json.dumps({"team": 'Ärger "Über" \\ Öl'})}
        row = own.row_of(post(f"{own.openai}/script/json_answer", json=CHAT, headers=headers))

        assert found('ärger "über" \\ öl') == found('"ÜBER"') == found("\\") == 1
        assert found("\\u00c4") == 0
        judged = managed(own, "PATCH", f"/logs/{row['id']}", {"metadata": {"team": "東京"}})
        assert judged.json()["result"]["metadata"] == {"team": "東京"}
        assert (found("東京"), found("Öl")) == (1, 0)


def test_a_parameter_that_breaks_its_rule_is_refused_with_its_path(gateway: Gateway) -> None:
    refused = gateway.ask("/logs?min_cost=cheap")

    assert refused.status_code == 400
    assert refused.json()["errors"][0]["path"] == ["query", "min_cost"]


def test_charts_tell_of_the_requests_of_this_hour(gateway: Gateway) -> None:
    with gateway.another(f"test-{uuid4().hex}") as own:
        headers = {"cf-aig-metadata": '{"team": "a"}'}
        for script in ("json_answer", "json_answer", "rate_limited"):
            own.row_of(post(f"{own.openai}/script/{script}", json=CHAT, headers=headers))

        told = own.ask("/analytics?group_by=status").json()["result"]

        assert (told["totals"]["requests"], told["totals"]["failed"]) == (3, 1)
        assert sum(point["requests"] for point in told["series"]) == 3
        assert told["latency"][0]["total"]["attempts"] == 2
        assert told["metadata"] == {"team": [{"value": "a", "requests": 3}]}


@pytest.mark.skipif(SERVE, reason="the path is wrangler's; tests/serve sees the cron trigger run")
def test_the_cron_trigger_counts_deletes_and_closes_a_full_log(gateway: Gateway) -> None:
    with gateway.another(f"test-{uuid4().hex}", log_retention_days=1) as own:
        row = own.row_of(post(f"{own.openai}/script/json_answer", json=CHAT))

        answer = httpx.get(f"{gateway.url}/cdn-cgi/local/scheduled", timeout=60)

        assert (answer.status_code, answer.text) == (200, "ok")
        assert own.ask(f"/logs/{row['id']}").is_success
        totals: dict[str, Any] = own.ask("/analytics").json()["result"]["totals"]
        assert totals["requests"] == 1


@pytest.mark.skipif(SERVE, reason="the path is wrangler's")
def test_the_cron_trigger_deletes_what_a_deleted_gateway_has_left(gateway: Gateway) -> None:
    with gateway.another(f"test-{uuid4().hex}") as own:
        own.row_of(post(f"{own.openai}/script/json_answer", json=CHAT))
        number = int(gateway.manage("GET", f"/gateways/{own.name}")["internal_id"])
    assert left(gateway, number)["logs"]

    httpx.get(f"{gateway.url}/cdn-cgi/local/scheduled", timeout=60).raise_for_status()

    assert not any(left(gateway, number).values())


def left(gateway: Gateway, number: int) -> dict[str, int]:
    """Return how many rows of the log a gateway has, as they lie in the folder."""
    for file in gateway.state.rglob("d1/**/*.sqlite"):
        opened = contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True))
        with opened as database, contextlib.suppress(sqlite3.OperationalError):
            counted = "SELECT count(*) FROM {} WHERE gateway_id = ?"
            return {
                table: database.execute(counted.format(table), (number,)).fetchone()[0]
                for table in ("logs", "payloads", "log_periods", "rollups")
            }
    raise AssertionError("no database with a log")
